"""Automatic differentiation in float32 before and after the probability rounds to one."""

import numpy as np
import pytest
import tensorflow as tf

from xai_utils import ScoreGradients
from xai_utils.classifier import softmax
from xai_utils.study.saturation import (
    ROUNDINGS,
    WAYS,
    autodiff_gradient,
    rounded_complement,
    rounded_weights,
    scale_logits,
)

LOG_ODDS = (2.0, 8.0, 20.0, 30.0)


@pytest.fixture(scope="module")
def point(tiny, noise_images):
    return ScoreGradients(tiny, noise_images[:1], [int(tiny.logits(noise_images[:1]).argmax())], "pool")  # fmt: skip


def scaled_head(tiny, point, log_odds):
    """The tiny head with its logits multiplied so that the target's lead is about `log_odds`."""
    logits = tiny.logits(point.images)[0]
    factor = log_odds / (logits.max() - np.sort(logits)[-2])
    return lambda activations: factor * tiny.split("pool").head(activations)


def exact_parts(head, point):
    """The target's and the rivals' part of the gradient of log y_c, with nothing subtracted."""
    x = tf.constant(point.activations)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = head(x)
    jacobian = np.asarray(tape.jacobian(logits, x))[0, :, 0]
    y, target = softmax(logits)[0], point.targets[0]
    rivals = np.where(np.arange(4) == target, 0, y)
    return rivals.sum() * jacobian[target], -np.tensordot(rivals, jacobian, 1), y


def relative_error(given, expected):
    return np.linalg.norm(given - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("log_odds", LOG_ODDS)
def test_through_the_log_odds_float32_logits_are_enough(tiny, point, log_odds):
    head = scaled_head(tiny, point, log_odds)
    own, of_rivals, y = exact_parts(head, point)
    exact = (own + of_rivals) / np.delete(y, point.targets[0]).sum()
    found = autodiff_gradient("log_odds", head, point.activations, point.targets)[0]
    assert relative_error(found, exact) < 1e-4


@pytest.mark.parametrize("way", ["softmax", "log_softmax"])
@pytest.mark.parametrize("log_odds", LOG_ODDS)
def test_through_softmax_float32_gives_one_of_the_two_made_roundings(tiny, point, way, log_odds):
    """Which of them it is depends on the processor, and on the other rows of the batch."""
    head = scaled_head(tiny, point, log_odds)
    own, of_rivals, y = exact_parts(head, point)
    target = point.targets[0]
    found = autodiff_gradient(way, head, point.activations, point.targets)[0]
    if way == "softmax":
        found = found / y[target]
    exact = own + of_rivals
    complement = np.delete(y, target).sum()
    o = np.array([np.log(y[target]) - np.log(complement)])
    made = [own / complement * rounded_complement(r, o) + of_rivals for r in ROUNDINGS]
    if log_odds < 17:
        assert relative_error(found, exact) < 1e-2
        assert all(relative_error(m, exact) < 1e-2 for m in made)
    else:
        assert relative_error(found, exact) > 0.1
        assert min(relative_error(found, m) for m in made) < 1e-3


def test_one_rounding_leaves_the_rivals_and_the_other_the_logit(tiny, point):
    own, of_rivals, y = exact_parts(scaled_head(tiny, point, 35.0), point)
    target = point.targets[0]
    rest = np.delete(y, target).sum()
    o = np.log(y[target]) - np.log(rest)
    weights = {r: rounded_weights(r, y[None], np.array([o]), np.array([target])) for r in ROUNDINGS}
    assert weights["to 1"][0, target] == 0
    assert weights["below 1"][0, target] == 2**-24
    for w in weights.values():
        np.testing.assert_array_equal(np.delete(w[0], target), -np.delete(y, target))
    # the share of the rivals in the second is the exact one over 2^-24, which goes to zero
    assert np.linalg.norm(of_rivals) / np.linalg.norm(own * 2**-24 / rest) < 1e-6


def test_the_made_roundings_are_numbers_of_float32():
    o = np.array([0.0, 3.0, 10.0, 16.5, 16.7, 17.4, 30.0, 80.0])
    y = 1 / (1 + np.exp(-o))
    for rounding in ROUNDINGS:
        left = rounded_complement(rounding, o)
        np.testing.assert_array_equal(left / 2**-24, np.round(left / 2**-24))
        np.testing.assert_allclose(left, 1 - y, atol=2**-23)
    np.testing.assert_array_equal(rounded_complement("to 1", o[4:]), 0)
    np.testing.assert_array_equal(rounded_complement("below 1", o[4:]), 2**-24)
    assert rounded_complement("to 1", o[3]) > 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("log_odds", [2.0, 20.0])
def test_in_float64_every_way_is_right_at_these_log_odds(tiny, point, way, log_odds):
    head = scaled_head(tiny, point, log_odds)
    own, of_rivals, y = exact_parts(head, point)
    factor = {"softmax": y.max(), "log_softmax": 1, "log_odds": 1 / np.sort(y)[:-1].sum()}[way]
    found = autodiff_gradient(way, head, point.activations, point.targets, "float64")[0]
    assert relative_error(found, factor * (own + of_rivals)) < 1e-6


def test_a_misspelt_way_is_named_with_the_nearest_right_one(tiny, point):
    with pytest.raises(
        ValueError, match="no way to differentiate 'softmx'; did you mean 'softmax'"
    ):
        autodiff_gradient("softmx", tiny.split("pool").head, point.activations, point.targets)


def test_scaled_logits_are_scaled_and_the_network_is_as_it_was(tiny, noise_images):
    before = tiny.logits(noise_images)
    np.testing.assert_allclose(scale_logits(tiny, 2).logits(noise_images), 2 * before, rtol=1e-6)
    np.testing.assert_array_equal(tiny.logits(noise_images), before)
