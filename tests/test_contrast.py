"""The contrasts, against automatic differentiation of the scores that they are gradients of."""

import numpy as np
import pytest
import tensorflow as tf

from xai_utils import ScoreGradients, grad_cam
from xai_utils.classifier import softmax
from xai_utils.methods import PathGradients, PointGradients
from xai_utils.scores import logit_and_log_odds
from xai_utils.study.claims import check_equal
from xai_utils.study.contrast import (
    CONTRASTS,
    GivenGradients,
    combine_logit_gradients,
    contrast_weights,
)
from xai_utils.study.equivalent import add_to_kernel

TARGETS = np.array([0, 2, 3])


def score_of(name, logits):
    """The score that a contrast is the gradient of, written out for TARGETS."""
    is_target = tf.one_hot(TARGETS, 4, dtype=logits.dtype)
    logit, log_odds = logit_and_log_odds(logits, TARGETS)
    if name == "mean":
        return logit - tf.reduce_sum((1 - is_target) * logits, axis=1) / 3
    if name == "max":
        return logit - tf.reduce_max(logits - 1e9 * is_target, axis=1)
    if name == "weighted":
        return log_odds
    return logit + tf.gather(tf.nn.log_softmax(logits), TARGETS, batch_dims=1)


@pytest.fixture(scope="module")
def gradients(tiny, noise_images):
    return ScoreGradients(tiny, noise_images, TARGETS, layer="pool")


def contrast(name, gradients):
    """The contrast of all images of a ScoreGradients."""
    classifier = gradients.classifier
    weights = contrast_weights(name, classifier.logits(gradients.images), gradients.targets)
    return combine_logit_gradients(classifier.split("pool").head, gradients.activations, weights)


@pytest.mark.parametrize("name", CONTRASTS)
def test_contrasts_are_the_gradients_of_their_scores(tiny, gradients, name):
    x = tf.constant(gradients.activations)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = score_of(name, tiny.split("pool").head(x))
    np.testing.assert_allclose(contrast(name, gradients), tape.gradient(score, x), rtol=1e-9)


@pytest.mark.parametrize("name", CONTRASTS)
def test_one_backward_pass_is_the_weighted_sum_of_all_logit_gradients(tiny, gradients, name):
    weights = contrast_weights(name, tiny.logits(gradients.images), TARGETS)
    by_sum = np.einsum("ni,ni...->n...", weights, gradients.logit_gradients)
    np.testing.assert_allclose(contrast(name, gradients), by_sum, rtol=1e-9, atol=1e-15)


def test_the_weighted_contrast_is_the_gradient_of_the_log_odds(gradients):
    np.testing.assert_allclose(
        contrast("weighted", gradients), gradients.point_gradient("odds"), rtol=1e-9
    )


def test_weights_of_the_softmax_over_all_classes_are_found_to_be_wrong(tiny, gradients):
    """The likely mistake: the target left among the classes that it is compared with."""
    logits = tiny.logits(gradients.images)
    wrong = combine_logit_gradients(
        tiny.split("pool").head, gradients.activations, np.eye(4)[TARGETS] - softmax(logits)
    )
    with pytest.raises(AssertionError, match="weighted contrast: differ by"):
        check_equal("weighted contrast", wrong, gradients.point_gradient("odds"), 1e-4)


def test_a_shift_of_all_logits_changes_rest_and_no_contrast(tiny, noise_images, gradients):
    twin = add_to_kernel(tiny, np.random.default_rng(1).normal(0, 5, 6))
    shifted = ScoreGradients(twin, noise_images, TARGETS, layer="pool")
    for name in ("mean", "max", "weighted"):
        np.testing.assert_allclose(
            contrast(name, shifted), contrast(name, gradients), rtol=1e-7, atol=1e-12
        )
    of_shift = shifted.point_gradient("pre") - gradients.point_gradient("pre")
    change = contrast("rest", shifted) - contrast("rest", gradients)
    np.testing.assert_allclose(change, of_shift, rtol=1e-7, atol=1e-12)
    assert np.abs(change).max() > 0.1 * np.abs(contrast("rest", gradients)).max()


def test_scaled_logits_turn_the_weighted_contrast_into_the_max_contrast():
    logits = 100 * np.array([[1.0, 3.0, 2.0, 2.5]])
    np.testing.assert_allclose(
        contrast_weights("weighted", logits, [1]), contrast_weights("max", logits, [1]), atol=1e-12
    )


@pytest.mark.parametrize("name", CONTRASTS)
@pytest.mark.parametrize("target", [0, 1])
def test_weights_add_up_and_are_finite_for_extreme_logits(name, target):
    weights = contrast_weights(name, np.array([[800.0, -800.0, 0.0]], np.float32), [target])
    assert weights.sum() == pytest.approx(1 if name == "rest" else 0)
    assert weights[0, target] >= 1


def test_methods_take_given_gradients_for_those_of_a_score(gradients):
    given = GivenGradients(gradients.activations, {"mine": gradients.point_gradient("odds")})
    np.testing.assert_array_equal(grad_cam(given, "mine"), grad_cam(gradients, "odds"))


def test_a_misspelt_contrast_is_named_with_the_nearest_right_one():
    with pytest.raises(ValueError, match="no contrast 'weigthed'; did you mean 'weighted'"):
        contrast_weights("weigthed", np.zeros((1, 3)), [0])


def test_given_gradients_and_score_gradients_are_what_the_methods_ask_for(tiny, noise_images):
    scored = ScoreGradients(tiny, noise_images, [0, 1, 3], layer="pool")
    assert isinstance(scored, PathGradients)
    given = GivenGradients(scored.activations, {"odds": scored.point_gradient("odds")})
    assert isinstance(given, PointGradients)
    assert not isinstance(given, PathGradients)
