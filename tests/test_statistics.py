"""Intervals and verdicts of the study, against closed forms and known answers."""

import numpy as np
import pytest

from xai_utils.study.statistics import (
    Difference,
    decide,
    holm,
    kendalls_w,
    paired_difference,
    split_half_reliability,
)

RNG = np.random.default_rng(5)
NOISE = RNG.standard_normal(400)
IMAGES = np.arange(400)


def width(difference):
    return difference.high - difference.low


def test_with_independent_images_the_interval_is_the_usual_one():
    found = paired_difference(NOISE + 3, np.full(400, 2.0), IMAGES)
    assert found.mean == pytest.approx(NOISE.mean() + 1)
    assert width(found) == pytest.approx(2 * 1.96 * NOISE.std() / 20, rel=0.06)
    assert found.low < found.inner_low < found.mean < found.inner_high < found.high
    assert found.p < 0.001


def test_many_maps_of_one_image_do_not_make_the_interval_narrower():
    once = paired_difference(NOISE, np.zeros(400), IMAGES)
    often = paired_difference(np.repeat(NOISE, 5), np.zeros(2000), np.repeat(IMAGES, 5))
    assert width(often) == pytest.approx(width(once), rel=0.06)
    wrongly = paired_difference(np.repeat(NOISE, 5), np.zeros(2000), np.arange(2000))
    assert width(wrongly) < 0.5 * width(once)


def test_what_an_object_has_in_common_widens_the_interval():
    objects = IMAGES % 8
    values = NOISE + 2 * np.random.default_rng(0).standard_normal(8)[objects]
    of_images = paired_difference(values, np.zeros(400), IMAGES)
    of_both = paired_difference(values, np.zeros(400), IMAGES, objects)
    assert width(of_both) > 3 * width(of_images)


def test_all_pairs_of_a_few_networks_are_no_more_than_the_networks():
    """The mean over pairs of a sum of what each brings is known as well as the mean over each."""
    brought = np.random.default_rng(3).standard_normal(40)
    pairs = np.array([(i, j) for i in range(40) for j in range(i)])
    of_pairs = brought[pairs].sum(axis=1)
    found = paired_difference(of_pairs, np.zeros(len(pairs)), pairs)
    assert width(found) == pytest.approx(2 * 1.96 * 2 * brought.std() / np.sqrt(40), rel=0.1)
    wrongly = paired_difference(of_pairs, np.zeros(len(pairs)), np.arange(len(pairs)))
    assert width(wrongly) < 0.5 * width(found)


def test_of_no_difference_nineteen_intervals_of_twenty_hold_zero():
    rng, held = np.random.default_rng(1), 0
    for k in range(200):
        sample = rng.standard_normal(60)
        found = paired_difference(sample, np.zeros(60), np.arange(60), seed=k)
        held += found.low <= 0 <= found.high
    assert 180 <= held <= 199


def test_pairs_with_an_empty_map_are_left_out_and_one_level_is_refused():
    values = np.where(IMAGES < 10, np.nan, NOISE)
    assert paired_difference(values, np.zeros(400), IMAGES).count == 390
    with pytest.raises(ValueError, match=r"at least two levels of each factor; given: \['cat'\]"):
        paired_difference(NOISE, np.zeros(400), IMAGES, ["cat"] * 400)


def test_the_same_seed_gives_the_same_interval():
    one, two, other = (paired_difference(NOISE, 0 * NOISE, IMAGES, seed=s) for s in (3, 3, 4))
    assert one == two != other


def test_holm_adjusts_as_in_his_own_example():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def example(mean, half, count=100):
    return Difference(mean, mean - half, mean + half, mean - 0.84 * half, mean + 0.84 * half, 0, count)  # fmt: skip


@pytest.mark.parametrize(
    ("mean", "half", "adjusted", "word"),
    [
        (0.05, 0.02, 0.001, "better"),
        (-0.05, 0.02, 0.001, "worse"),
        (0.002, 0.005, 0.4, "equal"),
        (0.004, 0.002, 0.001, "equal"),  # sure, and too small to matter
        (0.02, 0.05, 0.3, "undecided"),
        (0.05, 0.02, 0.06, "undecided"),  # not in this family
    ],
)
def test_a_difference_is_better_equal_or_undecided(mean, half, adjusted, word):
    assert decide(example(mean, half), adjusted, margin=0.01) == word


def test_the_count_that_an_answer_would_take():
    assert example(0.0, 0.1).count_needed(0.042) == 400
    assert not example(0.0, 0.1).is_negligible(0.042)
    assert example(0.0, 0.04).is_negligible(0.042)


def test_reliability_is_high_for_maps_that_differ_and_low_for_noise():
    noise = np.random.default_rng(2).standard_normal((100, 12))
    assert split_half_reliability(noise + np.arange(12)) > 0.99
    assert abs(split_half_reliability(noise)) < 0.5


def test_agreement_is_one_for_one_order_and_small_for_many():
    assert kendalls_w([[1, 2, 3, 4], [10, 20, 30, 40], [0.1, 0.2, 0.3, 0.4]]) == pytest.approx(1)
    assert kendalls_w(np.random.default_rng(0).random((20, 8))) < 0.2
