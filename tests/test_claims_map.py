"""The table of claims, the cells that test them, and the verdicts that these have reached."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from xai_utils.study.claims import NOT_REACHED, SOURCES, concordance, read_claims
from xai_utils.study.localisation import Measurements, clear_difference
from xai_utils.study.verdicts import CONDITION, FAILS, HOLDS, OPEN, VERDICTS, Verdicts

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CLAIMS = read_claims()
CONCLUDED = re.compile(r"^([\w-]+): .+\n    .+ -> (.+)$", re.MULTILINE)
CHECKED = re.compile(r": equal to [\d.e-]+$", re.MULTILINE)
NUMBERED = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
METHODS = sorted(f"methods/{path.stem}" for path in NOTEBOOKS.glob("methods/*.ipynb"))
TEXTS = (*NUMBERED, "figure_2", "index", "trainings", "vgg19_mini", "train_vgg19_mini", *METHODS)


def cells(notebook, kind="code"):
    content = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def printed(cell):
    return "".join("".join(output.get("text", ())) for output in cell["outputs"])


def tags_of(cell):
    tags = cell["metadata"].get("tags", ())
    return [tag.removeprefix("claim-") for tag in tags if tag.startswith("claim-")]


def tagged():
    """(notebook, id, cell) for every tag of a claim."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in cells(path.stem):
            for id in tags_of(cell):
                yield path.stem, id, cell


def test_every_claim_has_one_cell_and_every_tag_a_claim():
    found = sorted((id, notebook) for notebook, id, _ in tagged())
    assert found == sorted((claim.id, claim.notebook) for claim in CLAIMS.values())


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_the_row_of_a_claim_is_complete(claim):
    assert re.fullmatch(r"[\w-]+", claim.id)
    assert claim.source in SOURCES
    assert claim.verdict in VERDICTS
    assert claim.verdict_on_imagenet in (*VERDICTS, NOT_REACHED)
    assert claim.section and claim.rule
    assert claim.claim.endswith(".") and "|" not in claim.claim
    assert re.fullmatch(r"([\d.e-]+)?", claim.tolerance)


def test_every_equation_of_the_paper_belongs_to_a_claim():
    found = {int(n) for claim in CLAIMS.values() for n in re.findall(r"\d+", claim.equation)}
    assert found == set(range(1, 19))


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_the_verdict_on_file_is_the_one_that_was_reached(claim):
    (cell,) = [cell for _, id, cell in tagged() if id == claim.id]
    if claim.notebook in ("6_discussion", "figure_2", "trainings"):
        assert dict(CONCLUDED.findall(printed(cell)))[claim.id] == claim.verdict
        assert f"{claim.id}: {claim.claim}\n" in printed(cell)
    else:
        assert "check_" in "".join(cell["source"])
        assert CHECKED.search(printed(cell))
        assert claim.verdict == HOLDS


def test_a_cell_concludes_the_claims_of_its_tags():
    for cell in cells("6_discussion"):
        assert [id for id, _ in CONCLUDED.findall(printed(cell))] == tags_of(cell)


def test_the_discussion_defines_no_function():
    for cell in cells("6_discussion"):
        assert not re.search(r"\b(def|lambda)\b", "".join(cell["source"]))


@pytest.mark.parametrize("notebook", TEXTS)
def test_the_numbers_in_short_are_printed_below(notebook):
    first = "".join(cells(notebook, "markdown")[0]["source"])
    (short,) = re.findall(r"\*\*In short\.\*\* (.+)", first)
    text = re.sub(r"\$[^$]*\$", "", short)
    assert len(re.findall(r"\.( |$)", text)) == 3
    numbers = re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-\d+)?", text)
    output = "\n".join(printed(cell) for cell in cells(notebook))
    assert numbers
    for number in numbers:
        assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)", output), number


@pytest.mark.parametrize("notebook", (*NUMBERED, "index"))
def test_equations_have_the_numbers_of_the_paper_or_letters(notebook):
    text = "".join("".join(cell["source"]) for cell in cells(notebook, "markdown"))
    for tag in re.findall(r"\\tag\{(.+?)\}", text):
        assert re.fullmatch(r"paper \d+(, \d+)*|[A-Z]", tag), tag
    assert not re.search(r"(?<![\w)])\(\d{1,2}\)", text)


def test_the_letters_of_our_equations_differ():
    texts = ["".join("".join(c["source"]) for c in cells(n, "markdown")) for n in NUMBERED]
    letters = [tag for text in texts for tag in re.findall(r"\\tag\{([A-Z])\}", text)]
    assert len(letters) == len(set(letters))


def test_the_index_shows_the_table():
    outputs = [output for cell in cells("index") for output in cell["outputs"]]
    shown = ["".join(o.get("data", {}).get("text/markdown", ())) for o in outputs]
    assert concordance(CLAIMS) in shown


def test_a_claim_is_decided_once_and_has_to_be_in_the_table(capsys):
    verdicts = Verdicts()
    verdicts.conclude("IV-log", "seen", HOLDS)
    assert "seen -> holds" in capsys.readouterr().out
    assert verdicts.of("IV-log") == HOLDS
    assert re.search(r"^holds +1 +0 +0$", verdicts.tally(), re.MULTILINE)
    with pytest.raises(ValueError, match="verdict already"):
        verdicts.conclude("IV-log", "seen again", FAILS)
    with pytest.raises(ValueError, match="did you mean 'IV-log'"):
        verdicts.conclude("IV-lug", "seen", HOLDS)
    with pytest.raises(ValueError, match="verdict"):
        verdicts.conclude("IV-post-general", "seen", "perhaps")


def test_few_scenes_need_a_larger_difference():
    spread = np.tile([-1.0, 1.0], 50)
    error = spread[:10].std(ddof=1) / np.sqrt(10)
    assert clear_difference(spread[:10] + 3.5 * error)[2] == 0
    assert clear_difference(spread[:10] + 4.2 * error)[2] == 1
    error = spread.std(ddof=1) / 10
    assert clear_difference(spread - 3.2 * error)[2] == -1
    assert clear_difference(np.full(100, 0.004))[2] == 0


@pytest.mark.parametrize(
    ("means", "verdict"),
    [((1, 1), HOLDS), ((1, 0), CONDITION), ((0, 0), OPEN), ((1, -1), FAILS), ((0, -1), FAILS)],
)
def test_a_score_is_better_by_the_rule_of_the_discussion(means, verdict):
    measured = Measurements()
    spread = np.tile([-0.1, 0.1], 20)
    for kind, mean in zip(("one object", "two objects"), means, strict=True):
        measured.values[kind, "Grad-CAM", "post"] = {"share inside": mean + spread}
        measured.values[kind, "Grad-CAM", "pre"] = {"share inside": 0 * spread}
    assert measured.judge("post", "pre", ["Grad-CAM"])[1] == verdict


def test_without_measurements_a_comparison_is_open():
    assert Measurements().judge("post", "pre")[1] == OPEN
