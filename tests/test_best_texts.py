"""The texts say what notebook 8 computes and prints, which nbval compares."""

import re
from pathlib import Path

import nbformat
import pytest

from xai_utils.study.best.again import read_again
from xai_utils.study.best.texts import put_answer

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"


@pytest.fixture(scope="module")
def cells():
    return nbformat.read(NOTEBOOKS / "8_what_is_best.ipynb", as_version=4).cells


@pytest.fixture(scope="module")
def sentences(cells):
    (setup,) = [cell for cell in cells if "answer_sentences(cells" in cell.source]
    _, *lines = setup.outputs[0].text.splitlines()  # after the name of the table
    assert len(lines) == 3
    return lines


def test_the_readme_has_the_answer_of_the_table(sentences):
    text = (ROOT / "README.md").read_text("utf-8")
    assert put_answer(text, sentences) == text, "run: make answer"
    assert put_answer(text, ["Another."]) != text


@pytest.mark.parametrize("name", ["index", "8_what_is_best"])
def test_the_notebook_has_the_answer_of_the_table(sentences, name):
    text = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells[0].source
    assert put_answer(text, sentences) == text, "run: make answer"


def test_what_is_said_of_further_runs_is_what_they_printed(cells):
    by_id = {cell.id: cell for cell in cells}
    said = by_id["again-end"].source
    h5, compared = (by_id[name].outputs[0].text for name in ("again-network", "again-cells"))
    assert ("All eight networks are on their side" in said) == ("H5 is borne out" in h5)
    assert len(read_again(NOTEBOOKS / "8_again.json")[0]) == 8
    assert ("No cell is contradicted" in said) == ("contradicted" not in compared)
    both = "Both are on their side" in by_id["others-end"].source
    assert both == ("H6 is borne out" in by_id["others"].outputs[0].text)
    assert len(read_again(NOTEBOOKS / "8_others.json")[0]) == 2
    assert by_id["heads-maps"].source.startswith("H7 is refuted: with sigmoids, too, the log-odds")
    printed = _printed(by_id["heads"])
    assert "H7 is refuted" in printed and re.search(r"sigmoid-head +\+\S+ \[\+", printed)


def test_what_is_said_of_last_layers_is_what_they_printed(cells):
    by_id = {cell.id: cell for cell in cells}
    assert "it has the larger share on average, with either loss" in by_id["heads-end"].source
    others = re.findall(
        r"odds has (\S+); in the others pre has (\S+), odds (\S+)\n", _printed(by_id["heads-empty"])
    )
    assert len(others) == 2
    for where_not, pre, odds in (map(float, numbers) for numbers in others):
        assert pre > odds and where_not > 0.5
    said = by_id["heads-shared-end"].source
    assert "most of the lead that the logit has in the small networks with sigmoids is gone" in said
    number = r"([+-]\d\.\d+) \[\S+ \S+\]"
    lines = re.findall(rf"^(\S+) +\S+ +{number} +{number}$", _printed(by_id["heads-shared"]), re.M)
    rows = {name: (float(to_pre), float(to_mean)) for name, to_pre, to_mean in lines}
    assert len(rows) == 10
    for name in ("sigmoid-0", "sigmoid-1"):
        assert rows[name][0] < 2 * rows[name][1] < 0
    for name in ("softmax-head", "sigmoid-head"):
        assert abs(rows[name][1] - rows["efficientnet-lite0"][1]) < 0.02


def test_what_is_said_of_photographs_is_what_their_maps_have(cells):
    by_id = {cell.id: cell for cell in cells}
    said = by_id["photos-alone-end"].source
    assert said.startswith("Alone in a picture, a photograph has two maps that hardly differ: no")
    median = float(re.search(r"rank  50%.*?([+-][\d.]+)\n", _printed(by_id["photo-mosaics"]))[1])
    alone = [
        float(v) for v in re.findall(r", ([+-][\d.]+)$", _printed(by_id["photos-alone"]), re.M)
    ]
    assert len(alone) == 8 and max(map(abs, alone)) < median / 2


def _printed(cell):
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")
