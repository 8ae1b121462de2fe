"""How sure networks are: log-odds of the predicted class, shares, and the committed table."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xai_utils.pretrained.imagenet import load_class_ids
from xai_utils.study.confidence import (
    central_square,
    logits_of_files,
    predicted_log_odds,
    summarise_confidence,
    top_shares,
)

ROOT = Path(__file__).parent.parent


def test_the_log_odds_are_those_of_the_most_probable_class():
    probabilities = np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]])
    shift = np.array([[3.0], [-100.0]])
    np.testing.assert_allclose(
        predicted_log_odds(np.log(probabilities) + shift), [np.log(0.7 / 0.3), 0], atol=1e-12
    )


def test_nothing_is_lost_where_float32_has_a_probability_of_one():
    np.testing.assert_allclose(predicted_log_odds([[90, 0, 0]]), 90 - np.log(2), rtol=1e-12)


def test_shares_and_quantiles_of_known_log_odds():
    found = summarise_confidence(np.array([0.0, 1.0, 6.8, 7.0, 18.0]))  # p = .999 is 6.907
    assert found["p_above_0.999"] == 0.4
    assert found["lost_in_float32"] == 0.2
    assert (found["least"], found["median"], found["largest"]) == (0, 6.8, 18)


@pytest.mark.parametrize("shape", [(5, 9, 3), (9, 5, 3), (5, 5, 3)])
def test_the_square_is_in_the_middle(shape):
    image = np.zeros(shape, np.uint8)
    image[shape[0] // 2, shape[1] // 2] = 255
    square = central_square(image)
    assert square.shape == (5, 5, 3)
    assert (square[2, 2] == 255).all()


def test_files_are_shown_as_they_are_cut(tiny, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    paths = [tmp_path / f"{i}.png" for i in range(18)]  # more than a batch
    for path in paths:
        Image.fromarray(image).save(path)
    logits = logits_of_files(tiny, paths)
    expected = tiny.logits([image[:, 5:25]])
    np.testing.assert_allclose(logits, np.repeat(expected, 18, axis=0), rtol=1e-12)


def test_a_class_counts_if_it_is_among_the_first():
    ids = load_class_ids()
    paths = [Path(f"{ids[c]}_any.JPEG") for c in (3, 7, 999)]
    logits = np.zeros((3, 1000))
    logits[0, 3] = 1  # the first
    logits[1, [8, 9, 10, 7]] = [4, 3, 2, 1]  # the fourth
    logits[2, :6] = 1  # not among the first five
    assert top_shares(logits, paths) == [pytest.approx(1 / 3), pytest.approx(2 / 3)]


@pytest.mark.parametrize("name", ["tabby.JPEG", "n00000000_nothing.JPEG"])
def test_a_file_without_a_class_is_named(name):
    with pytest.raises(ValueError, match=f"the name of '{name}' does not begin with the WordNet"):
        top_shares(np.zeros((1, 1000)), [Path(name)])


def table():
    with open(ROOT / "benchmarks" / "confidence.csv", encoding="utf-8", newline="") as file:
        return {(row["model"], row["shown"]): row for row in csv.DictReader(file)}


def test_the_measured_table_says_that_the_conversion_is_right():
    rows = table()
    assert len(rows) == 4 and {row["n"] for row in rows.values()} == {"1000"}
    lite = rows["efficientnet-lite0", "central square"]
    assert float(lite["top_1"]) > 0.85 and float(lite["top_5"]) > 0.95


def test_the_model_card_quotes_the_table():
    card = (ROOT / "MODEL_CARD.md").read_text("utf-8")
    for row in table().values():
        quoted = " | ".join(value or "–" for value in row.values())
        assert f"| {quoted} |" in card
