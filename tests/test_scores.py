"""The scores and their gradients, against independent formulas in float64."""

import numpy as np
import pytest
import tensorflow as tf

from xai_utils import ScoreGradients, load_classifier
from xai_utils.checks import check_choice
from xai_utils.embedded.scenes import CLASS_NAMES
from xai_utils.embedded.vgg19_mini import load_vgg19_mini
from xai_utils.scores import SCORES, logit_and_log_odds, score_value
from xai_utils.study.equivalent import in_precision
from xai_utils.study.saturation import autodiff_gradient

LOG_ODDS = (-30.0, -10.0, -4.0, 3.0, 10.0, 17.6, 25.0, 40.0)


def reference_gradients(head, activations, target):
    """All four gradients in float64, from the logits' Jacobian (claims 1 and 2 of the paper).

    The gradient of log y_c is sum_i y_i (dz_c - dz_i), which holds no difference of
    probabilities and does not use the log-odds.
    """
    x = tf.constant(activations)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = head(x)
    jacobian = np.asarray(tape.jacobian(logits, x))[0, :, 0]
    z = np.asarray(logits)[0]
    y = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    pre = jacobian[target]
    log = np.tensordot(y, pre - jacobian, 1)
    others = np.delete(y, target).sum()  # 1 - y_c, without the subtraction
    return {"pre": pre, "post": y[target] * log, "log": log, "odds": log / others}


def relative_error(given, expected):
    return np.linalg.norm(given - expected) / np.linalg.norm(expected)


def scaled_mini(scale):
    model = load_vgg19_mini()
    last = model.get_layer("predictions")
    last.set_weights([w * scale for w in last.get_weights()])
    return load_classifier(model, "vgg19", CLASS_NAMES)


def scale_for(logits, target, log_odds):
    """The factor on the logits that brings the target's log-odds to a value, by bisection."""

    def reached(scale):
        z = logits * scale
        return z[target] - np.logaddexp.reduce(np.delete(z, target))

    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if abs(reached(middle)) < abs(log_odds) else (low, middle)
    return low


@pytest.fixture(scope="module")
def cases(mini, scenes):
    """For each log-odds: float32 gradients, their float64 reference, and those through softmax."""
    mini64 = in_precision(mini, "float64")
    found = {}
    for log_odds, scene in zip(LOG_ODDS, scenes, strict=False):
        logits = mini.logits([scene.image])[0].astype(np.float64)
        target = int(logits.argmax() if log_odds > 0 else logits.argsort()[-3])
        scale = scale_for(logits, target, log_odds)
        classifier = scaled_mini(scale)
        gradients = ScoreGradients(classifier, [scene.image], [target])
        for weight, exact in zip(classifier.network.weights, mini64.network.weights, strict=True):
            exact.assign(np.asarray(weight, np.float64))
        reference = reference_gradients(
            mini64.split("block5_pool").head, gradients.activations.astype(np.float64), target
        )
        naive = autodiff_gradient(
            "softmax",
            classifier.split("block5_pool").head,
            gradients.activations,
            gradients.targets,
        )[0]
        found[log_odds] = gradients, reference, naive
    return found


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("log_odds", LOG_ODDS)
def test_float32_gradients_agree_with_float64_at_any_log_odds(cases, score, log_odds):
    gradients, reference, _ = cases[log_odds]
    assert gradients.log_odds[0] == pytest.approx(log_odds, rel=0.05, abs=0.5)
    assert relative_error(gradients.point_gradient(score)[0], reference[score]) < 1e-5


def test_going_through_softmax_fails_at_saturation(cases):
    errors = {o: relative_error(naive, ref["post"]) for o, (_, ref, naive) in cases.items()}
    assert errors[3.0] < 1e-4
    assert errors[25.0] > 0.5
    assert errors[40.0] > 0.5


@pytest.mark.parametrize("score", SCORES)
def test_gradients_agree_with_finite_differences(tiny, noise_images, score):
    target, step = 2, 1e-5
    gradients = ScoreGradients(tiny, noise_images[:1], [target], layer="pool")
    head = tiny.split("pool").head
    activations = gradients.activations
    rng = np.random.default_rng(0)
    for _ in range(10):
        direction = rng.normal(size=activations.shape)
        ends = [
            score_value(
                score,
                *logit_and_log_odds(
                    head(tf.constant(activations + s * step * direction)), tf.constant([target])
                ),
            )
            for s in (1, -1)
        ]
        slope = (ends[0] - ends[1])[0] / (2 * step)
        assert (gradients.point_gradient(score) * direction).sum() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("log_odds", [-800.0, -30.0, 0.0, 30.0, 800.0])
def test_score_values_follow_from_the_log_odds_without_overflow(log_odds):
    logits = tf.constant([[log_odds, 0.0]], tf.float64)
    logit, odds = logit_and_log_odds(logits, tf.constant([0]))
    assert float(odds[0]) == log_odds
    with np.errstate(all="raise", under="ignore"):
        assert score_value("post", logit, odds)[0] == pytest.approx(
            float(tf.nn.softmax(logits)[0, 0])
        )
        assert score_value("log", logit, odds)[0] == pytest.approx(
            float(tf.nn.log_softmax(logits)[0, 0])
        )


def test_a_misspelt_score_is_named_with_the_nearest_right_one():
    with pytest.raises(
        ValueError,
        match=r"no score 'odd'; did you mean 'odds'\? Allowed: 'pre', 'post', 'log', 'odds'$",
    ):
        check_choice("score", "odd", SCORES)
