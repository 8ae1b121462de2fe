"""The answer stands in the texts as notebook 8 computes and prints it, which nbval compares."""

from pathlib import Path

import nbformat
import pytest

from xai_utils.study.best.sentences import put_answer

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"


@pytest.fixture(scope="module")
def sentences():
    cells = nbformat.read(NOTEBOOKS / "8_what_is_best.ipynb", as_version=4).cells
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
