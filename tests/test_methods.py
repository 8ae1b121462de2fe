"""The methods, against hand computations and their invariances."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from xai_utils import (
    ScoreGradients,
    completeness,
    describe_completeness,
    grad_cam,
    grad_cam_plus,
    grad_cam_plus_plus,
    integrated_gradients,
    load_classifier,
    normalise,
    rsi_grad_cam,
)
from xai_utils.completeness_gap import Completeness, describe_gap
from xai_utils.scores import SCORES, score_value
from xai_utils.study.equivalent import add_to_kernel

CAM_METHODS = (grad_cam, grad_cam_plus, grad_cam_plus_plus, rsi_grad_cam)


@pytest.fixture(scope="module")
def pooled():
    """A network whose gradients are known: RGB halved by a 1x1 convolution, averaged, weighted."""
    inputs = keras.Input((4, 4, 3))
    features = keras.layers.Conv2D(3, 1, activation="relu", name="features")
    head = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(inputs, head(keras.layers.GlobalAveragePooling2D()(features(inputs))))
    features.set_weights([np.eye(3)[None, None] / 2, np.zeros(3)])
    head.set_weights([np.array([[0.02, 0.01], [-0.04, 0.03], [0.03, 0.0]]), np.zeros(2)])
    return load_classifier(model, "none", ["left", "right"])


@pytest.fixture(scope="module")
def by_hand(pooled):
    """One image, its activations, and the gradients of all scores for the class "left"."""
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    activations = image / 2.0
    logits = activations.mean(axis=(0, 1)) @ np.array([[0.02, 0.01], [-0.04, 0.03], [0.03, 0.0]])
    log_odds = logits[0] - logits[1]
    y = 1 / (1 + np.exp(-log_odds))
    pre = np.array([0.02, -0.04, 0.03]) / 16
    odds = np.array([0.01, -0.07, 0.03]) / 16
    gradients = {"pre": pre, "odds": odds, "log": (1 - y) * odds, "post": y * (1 - y) * odds}
    return ScoreGradients(pooled, [image], ["left"], layer="features"), activations, gradients


@pytest.mark.parametrize("score", SCORES)
def test_cam_maps_equal_a_hand_computation(by_hand, score):
    gradients, activations, known = by_hand
    g = known[score]
    expected = {
        grad_cam: activations @ g,
        grad_cam_plus: activations @ np.maximum(g, 0),
        grad_cam_plus_plus: activations
        @ (16 * np.maximum(g, 0) * g**2 / (2 * g**2 + g**3 * activations.sum(axis=(0, 1)))),
    }
    for method, heatmap in expected.items():
        np.testing.assert_allclose(
            method(gradients, score)[0], np.maximum(heatmap, 0), rtol=1e-5, atol=1e-9
        )


@pytest.mark.parametrize("score", SCORES)
def test_integral_over_a_linear_head_is_gradient_times_activation(by_hand, score):
    """With an affine `pre` the integral is exact; for the others it adds up to the change."""
    gradients, activations, known = by_hand
    integral = gradients.path_integral(score)[0]
    if score in ("pre", "odds"):
        np.testing.assert_allclose(integral, activations * known[score], rtol=1e-4, atol=1e-8)
    logit, log_odds = gradients.path().logit[0], gradients.path().log_odds[0]
    values = score_value(score, logit, log_odds)
    assert integral.sum() == pytest.approx(values[-1] - values[0], rel=1e-3)


@pytest.mark.parametrize("method", CAM_METHODS)
@pytest.mark.parametrize("score", SCORES)
def test_maps_are_float32_at_the_layers_resolution_and_not_negative(mini, scenes, method, score):
    gradients = ScoreGradients(
        mini, [s.image for s in scenes[:2]], [s.classes[0] for s in scenes[:2]]
    )
    heatmaps = method(gradients, score)
    assert heatmaps.shape == (2, 7, 7)
    assert heatmaps.dtype == np.float32
    assert heatmaps.min() >= 0


@pytest.mark.parametrize("method", [grad_cam, grad_cam_plus])
def test_post_log_and_odds_maps_coincide(mini, scenes, method):
    gradients = ScoreGradients(mini, [s.image for s in scenes], [s.classes[0] for s in scenes])
    maps = {s: [normalise(h) for h in method(gradients, s)] for s in SCORES}
    for score in ("post", "log"):
        np.testing.assert_allclose(maps[score], maps["odds"], atol=1e-5)
    assert np.abs(np.subtract(maps["pre"], maps["odds"])).max() > 0.05


def test_post_log_and_odds_part_for_grad_cam_plus_plus_and_paths(mini, scenes):
    gradients = ScoreGradients(mini, [s.image for s in scenes], [s.classes[0] for s in scenes])
    for method in (grad_cam_plus_plus, rsi_grad_cam):
        maps = {s: np.array([normalise(h) for h in method(gradients, s)]) for s in SCORES}
        assert np.abs(maps["post"] - maps["odds"]).max() > 0.01


def test_adding_to_every_logit_changes_pre_maps_only(mini, scenes):
    """Claim 3 on vgg19-mini: one vector added to each column of the last kernel."""
    kernel = mini.network.layers[-1].get_weights()[0]
    shifted = add_to_kernel(mini, np.random.default_rng(0).normal(0, 3 * kernel.std(), len(kernel)))
    images, targets = [s.image for s in scenes[:8]], [s.classes[0] for s in scenes[:8]]
    before, after = (ScoreGradients(c, images, targets) for c in (mini, shifted))
    for method in CAM_METHODS:
        for score in ("post", "log", "odds"):
            pairs = zip(method(before, score), method(after, score), strict=True)
            assert max(np.abs(normalise(a) - normalise(b)).max() for a, b in pairs) < 1e-3
        pairs = zip(method(before, "pre"), method(after, "pre"), strict=True)
        assert max(np.abs(normalise(a) - normalise(b)).max() for a, b in pairs) > 0.1


def test_positive_gradients_variant_clips_before_integrating(by_hand):
    gradients, activations, known = by_hand
    weights = (np.maximum(known["odds"], 0) * activations).mean(axis=(0, 1))
    heatmap = rsi_grad_cam(gradients, "odds", variant="positive_gradients")[0]
    np.testing.assert_allclose(heatmap, activations @ weights, rtol=1e-4)


def test_an_unknown_variant_is_named(by_hand):
    with pytest.raises(
        ValueError, match="no RSI-Grad-CAM variant 'selected'; did you mean 'select'"
    ):
        rsi_grad_cam(by_hand[0], "post", variant="selected")


def test_integrated_gradients_are_signed_rgb_at_the_input(mini, scenes):
    gradients = ScoreGradients(mini, [scenes[0].image], [scenes[0].classes[0]], steps=4)
    attribution = integrated_gradients(gradients, "odds")
    assert attribution.shape == (1, 224, 224, 3)
    assert attribution.dtype == np.float32
    assert attribution.min() < 0 < attribution.max()


def test_integrated_gradients_follow_the_channels_of_the_pixels(mini):
    """A picture that is red only has red attributions only, although VGG19 wants BGR."""
    red = np.zeros((224, 224, 3), np.uint8)
    red[..., 0] = np.random.default_rng(0).integers(0, 256, (224, 224))
    attribution = integrated_gradients(ScoreGradients(mini, [red], [0], steps=4), "pre")[0]
    assert np.abs(attribution[..., 0]).max() > 0
    assert np.abs(attribution[..., 1:]).max() == 0


def test_a_map_that_is_zero_stays_zero():
    gradients = SimpleNamespace(
        point_gradient=lambda score: np.zeros((1, 2, 2, 3)), activations=np.ones((1, 2, 2, 3))
    )
    for method in (grad_cam, grad_cam_plus, grad_cam_plus_plus):
        np.testing.assert_array_equal(normalise(method(gradients, "post")[0]), np.zeros((2, 2)))


def test_an_image_that_is_its_own_baseline_has_nothing_to_attribute(tiny):
    black = np.zeros((10, 12, 3), np.uint8)
    for score in SCORES:
        balance = completeness(ScoreGradients(tiny, [black], [0], layer="pool"), score)
        assert (balance.attributed[0], balance.gap[0]) == (0, 0)
        assert abs(balance.change[0]) < balance.negligible[0] < 1e-5
        assert "nothing to attribute" in describe_completeness(balance)


def balance_of(gap, steps, tolerance=None):
    one = np.array([1.0])
    return Completeness(one - gap, one, one * gap, one * 1e-6, np.array([steps]), tolerance)


def test_attributions_without_a_change_are_not_passed_over_in_silence():
    change, attributed = np.array([1e-9]), np.array([-0.3])
    gap = abs(attributed - change) / change
    balance = Completeness(attributed, change, gap, np.array([1e-6]), np.array([50]), None)
    said = describe_completeness(balance)
    assert said.endswith("nothing to attribute, and yet the sum is up to 0.5: raise steps")


@pytest.mark.parametrize(
    ("gap", "bound"),
    [(0, "0.1%"), (0.0011, "0.2%"), (0.005, "0.5%"), (0.051, "10%"), (1.0, "100%"), (3.1, "500%")],
)
def test_a_gap_is_described_by_a_bound(gap, bound):
    assert describe_gap(gap) == bound


@pytest.mark.parametrize(
    ("balance", "end"),
    [
        (balance_of(0.01, 50), "score changes by 1, attributed to within 1% of that"),
        (balance_of(0.2, 50), "above 5%: some 1000 steps instead of 50 would bring it near 1%"),
        (balance_of(0.008, 112, tolerance=0.01), "attributed to within 1% of that, with 112 steps"),
        (
            balance_of(0.03, 1000, tolerance=0.01),
            "with 1000 steps; the tolerance of 0.01 was not reached: raise max_steps",
        ),
    ],
)
def test_a_large_gap_says_what_would_mend_it(balance, end):
    assert describe_completeness(balance).endswith(end)
