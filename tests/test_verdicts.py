"""The verdicts of `make imagenet` beside those in the table of claims."""

import csv
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow"))
from verdicts import MODEL, TABLE, compare_verdicts

CLAIMS = """id,notebook,verdict,verdict_on_imagenet
one,1_paper,holds,holds
two,1_paper,holds,holds
three,1_paper,holds,not reached
four,6_discussion,holds,does not hold here
five,6_discussion,needs other evidence,needs other evidence
"""


def cell(output, *claims):
    tags = [f"claim-{id}" for id in claims]
    return {"cell_type": "code", "metadata": {"tags": tags}, "outputs": [output]}


def write_notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells}))


@pytest.fixture
def root(tmp_path):
    """Of the first notebook a claim holds, the next fails, and the third was not reached."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "claims.csv").write_text(CLAIMS)
    write_notebook(
        tmp_path / "results" / "failed" / "imagenet-1_paper.ipynb",
        cell({"output_type": "stream", "text": ["both sides: equal to 1e-06\n"]}, "one"),
        cell({"output_type": "error", "ename": "AssertionError"}, "two"),
        {"cell_type": "code", "metadata": {"tags": ["claim-three"]}, "outputs": []},
    )
    concluded = [
        "four: One sentence.\n    3 of 9 -> does not hold here\n",
        "five: Another.\n    - -> needs other evidence\n",
    ]
    write_notebook(
        tmp_path / "results" / "imagenet" / "6_discussion.ipynb",
        cell({"output_type": "stream", "text": concluded}, "four", "five"),
    )
    return tmp_path


def test_verdicts_stand_beside_those_of_the_embedded_network(root):
    compare_verdicts(root)
    with open(root / TABLE, newline="") as file:
        found = {row["id"]: row[MODEL] for row in csv.DictReader(file)}
    assert found == {
        "one": "holds",
        "two": "does not hold here",
        "three": "not reached",
        "four": "does not hold here",
        "five": "needs other evidence",
    }


def test_the_answer_names_the_claims_with_another_verdict(root):
    count, *others, where, _, _ = compare_verdicts(root)
    assert count.startswith("4 of 5 claims have a verdict on efficientnet-lite0, 2 another")
    assert others == [
        "two: holds; on efficientnet-lite0: does not hold here",
        "four: holds; on efficientnet-lite0: does not hold here",
    ]
    assert where.endswith(TABLE)


def test_a_verdict_that_is_not_the_one_on_file_is_named(root):
    assert compare_verdicts(root)[-2:] == [
        "4 of 5 are as in notebooks/claims.csv:",
        "two: on file 'holds', in this run 'does not hold here'",
    ]
    table = root / "notebooks" / "claims.csv"
    table.write_text(
        CLAIMS.replace("two,1_paper,holds,holds", "two,1_paper,holds,does not hold here")
    )
    assert compare_verdicts(root)[-1] == "5 of 5 are as in notebooks/claims.csv"
