"""The answer stands in the texts as it is computed from the table beside notebook 8."""

from pathlib import Path

import nbformat
import pytest

from xai_utils.study.best.decision import fill_table
from xai_utils.study.best.hypotheses import examine
from xai_utils.study.best.losses import cells_by_loss
from xai_utils.study.best.sentences import answer_sentences, put_answer
from xai_utils.study.best.table import read_table

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"


@pytest.fixture(scope="module")
def sentences():
    table = read_table(NOTEBOOKS / "8_table.csv.gz")
    return answer_sentences(fill_table(table), examine(table), cells_by_loss(table))


def test_the_readme_has_the_answer_of_the_table(sentences):
    text = (ROOT / "README.md").read_text("utf-8")
    assert put_answer(text, sentences) == text, "run: make answer"


@pytest.mark.parametrize("name", ["index", "8_what_is_best"])
def test_the_notebook_has_the_answer_of_the_table(sentences, name):
    text = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells[0].source
    assert put_answer(text, sentences) == text, "run: make answer"
