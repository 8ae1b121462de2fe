"""Paths, chunks, completeness."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from xai_utils import (
    ScoreGradients,
    completeness,
    describe_completeness,
    integrated_gradients,
    load_classifier,
    rsi_grad_cam,
)
from xai_utils.paths import integrate, refine, split_evenly, worst_first
from xai_utils.scores import SCORES, score_value
from xai_utils.split import Points, Site


def float64_path(classifier, image, target, score, layer, steps):
    """An independent Riemann-Stieltjes sum: one step at a time, differentiating log-softmax."""
    split = classifier.split(layer)
    total, previous = 0.0, None
    for step in range(steps + 1):
        pixels = tf.constant(image[None].astype(np.float64) * step / steps)
        values = split.trunk(pixels)
        with tf.GradientTape() as tape:
            tape.watch(values)
            logits = split.head(values)
            log = tf.nn.log_softmax(logits)[0, target]
            rest = tf.math.log(1 - tf.exp(log))
            s = {"pre": logits[0, target], "post": tf.exp(log), "log": log, "odds": log - rest}[
                score
            ]
        gradient = tape.gradient(s, values).numpy()[0]
        values = values.numpy()[0]
        if previous is not None:
            total = total + (gradient + previous[0]) / 2 * (values - previous[1])
        previous = gradient, values
    return total


@pytest.mark.parametrize("score", SCORES)
def test_paths_equal_an_independent_float64_loop(tiny, noise_images, score):
    gradients = ScoreGradients(tiny, noise_images, [0, 1, 3], layer="pool", steps=20, chunk=8)
    for index, image in enumerate(noise_images):
        target = gradients.targets[index]
        at_layer = float64_path(tiny, image, target, score, "pool", 20)
        at_pixels = float64_path(tiny, image, target, score, "input", 20)
        np.testing.assert_allclose(
            gradients.path_integral(score)[index], at_layer, rtol=1e-9, atol=1e-15
        )
        np.testing.assert_allclose(
            integrated_gradients(gradients, score)[index], at_pixels, rtol=1e-5, atol=1e-9
        )
        positive = np.where(
            (gradients.path().end[index] > 0)
            & (gradients.path().end[index] > gradients.path().start[index]),
            np.maximum(at_layer, 0),
            0,
        )
        by_hand = np.maximum(gradients.activations[index] @ positive.mean(axis=(0, 1)), 0)
        np.testing.assert_allclose(rsi_grad_cam(gradients, score)[index], by_hand, rtol=1e-5)


@pytest.mark.parametrize("score", SCORES)
def test_paths_at_the_input_layer_are_integrated_gradients(tiny, noise_images, score):
    at_input = ScoreGradients(tiny, noise_images, [0, 1, 3], layer="input", steps=9)
    at_pool = ScoreGradients(tiny, noise_images, [0, 1, 3], layer="pool", steps=9)
    np.testing.assert_allclose(
        at_input.path_integral(score),
        at_pool.path_integral(score, at="pixels"),
        rtol=1e-9,
        atol=1e-15,
    )


@pytest.mark.parametrize("chunk", [1, 7, 16, 51])
def test_chunk_size_changes_nothing(tiny, noise_images, chunk):
    reference = ScoreGradients(tiny, noise_images, [0, 1, 3], layer="pool", chunk=17)
    gradients = ScoreGradients(tiny, noise_images, [0, 1, 3], layer="pool", chunk=chunk)
    for at in ("layer", "pixels"):
        for score in SCORES:
            expected = reference.path_integral(score, at=at)
            error = np.abs(gradients.path_integral(score, at=at) - expected).max()
            assert error < 1e-10 * np.abs(expected).max()


def test_chunk_size_changes_no_more_than_the_side_of_a_kink(mini, scenes):
    """One image at once takes other kernels; their last digits decide on which side a ReLU is."""
    images, targets = [scenes[0].image], [scenes[0].classes[0]]
    one, many = (ScoreGradients(mini, images, targets, chunk=chunk) for chunk in (1, 51))
    for at in ("layer", "pixels"):
        for score in SCORES:
            expected = many.path_integral(score, at=at)
            error = np.abs(one.path_integral(score, at=at) - expected).sum()
            assert error < 1e-3 * np.abs(expected).sum()


@pytest.mark.parametrize(("at", "count"), [("layer", 3), ("pixels", 1)])
def test_an_adaptive_path_is_complete_to_its_tolerance_with_fewer_points(mini, scenes, at, count):
    images, targets = [s.image for s in scenes[:count]], [s.classes[0] for s in scenes[:count]]
    adaptive = ScoreGradients(mini, images, targets, tolerance=0.01)
    steps = max(len(alphas) - 1 for alphas in adaptive.path(at).alphas)
    uniform = ScoreGradients(mini, images, targets, steps=steps)
    gaps = [[completeness(g, s, at).gap for s in SCORES] for g in (adaptive, uniform)]
    assert np.max(gaps[0]) <= 0.01 < np.max(gaps[1])


@pytest.mark.parametrize("chunk", [None, 1, 3])
def test_the_gradients_of_all_logits_are_those_of_each(tiny, noise_images, chunk):
    of = {"layer": "pool", "scores": "pre"}
    every = ScoreGradients(tiny, noise_images, [0, 0, 0], chunk=chunk, **of).logit_gradients
    assert every.shape[:2] == (3, 4)
    for c in range(4):
        one = ScoreGradients(tiny, noise_images, [c, c, c], **of).point_gradient("pre")
        np.testing.assert_allclose(every[:, c], one, rtol=1e-12)


def test_an_adaptive_path_is_the_trapezoid_rule_at_its_points(tiny, noise_images):
    """The same sum as over all points at once, from one evaluation of the network."""
    gradients = ScoreGradients(
        tiny, noise_images[:1], [1], layer="pool", tolerance=1e-6, max_steps=60, chunk=5
    )
    alphas = gradients.path("pixels").alphas[0]
    assert len(alphas) == 61
    assert (np.diff(alphas) > 0).all() and (alphas[0], alphas[-1]) == (0, 1)
    pixels = alphas[:, None, None, None] * noise_images[0]
    points = tiny.split("pool").at_pixels(pixels, np.full(61, 1, np.int32))
    for score, gradient in (("pre", 1), ("odds", 2)):
        for at, site in (("layer", points.layer), ("pixels", points.pixels)):
            means = (site[gradient][1:] + site[gradient][:-1]) / 2
            expected = (means * np.diff(site.values, axis=0)).sum(axis=0)
            np.testing.assert_allclose(
                gradients.path_integral(score, at)[0], expected, rtol=1e-9, atol=1e-12
            )


@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_where_an_adaptive_path_has_its_points_does_not_hang_on_the_chunk(
    tiny, noise_images, chunk
):
    path = {"layer": "pool", "tolerance": 1e-4, "max_steps": 50}
    reference, gradients = (
        ScoreGradients(tiny, noise_images, [0, 1, 3], chunk=c, **path) for c in (16, chunk)
    )
    for at in ("layer", "pixels"):
        for found, expected in zip(
            gradients.path(at).alphas, reference.path(at).alphas, strict=True
        ):
            assert found.tolist() == expected.tolist()
        for score in SCORES:
            found, expected = (g.path_integral(score, at=at) for g in (gradients, reference))
            assert np.abs(found - expected).max() < 1e-10 * np.abs(expected).max()


def test_an_adaptive_path_does_not_hang_on_the_other_images_of_the_call(mini, scenes):
    """Bit by bit: with numbers rounded otherwise, other intervals might be halved."""
    path = {"tolerance": 0.05, "layer": "block5_pool"}
    images, targets = [s.image for s in scenes[:3]], [s.classes[0] for s in scenes[:3]]
    together = ScoreGradients(mini, images, targets, **path)
    alone = ScoreGradients(mini, images[1:2], targets[1:2], **path)
    assert len({len(alphas) for alphas in together.path().alphas}) > 1
    np.testing.assert_array_equal(together.path().alphas[1], alone.path().alphas[0])
    for score in SCORES:
        np.testing.assert_array_equal(
            together.path_integral(score)[1], alone.path_integral(score)[0]
        )


def test_a_path_that_cannot_reach_its_tolerance_ends_at_max_steps(mini, scenes):
    gradients = ScoreGradients(
        mini, [scenes[0].image], [scenes[0].classes[0]], tolerance=1e-6, max_steps=40
    )
    balance = completeness(gradients, "post")
    assert balance.steps[0] == 40
    assert balance.gap[0] > 1e-6


def test_results_are_the_same_bit_by_bit_when_repeated(mini, scenes):
    first, second = (
        ScoreGradients(mini, [scenes[0].image], [scenes[0].classes[0]], tolerance=0.05)
        for _ in "ab"
    )
    for at in ("pixels", "layer"):
        np.testing.assert_array_equal(
            first.path_integral("post", at), second.path_integral("post", at)
        )


def test_the_chunk_follows_from_the_memory(mini, scenes):
    def chunk(memory):
        return ScoreGradients(mini, [scenes[0].image], [0], memory=memory)._passes.chunk

    assert chunk(1e-6) == 1
    assert chunk(4.5 * mini.memory_per_image()) == 4
    assert chunk(100.0) == 16


@pytest.mark.parametrize("tolerance", [None, 0.02])
def test_an_image_given_with_two_targets_is_explained_as_each_alone(tiny, noise_images, tolerance):
    a, b = noise_images[:2]
    path = {"layer": "pool", "steps": 9, "tolerance": tolerance}
    together = ScoreGradients(tiny, [a, b, a.copy()], [0, 1, 3], **path)
    for row, (image, target) in enumerate([(a, 0), (b, 1), (a, 3)]):
        alone = ScoreGradients(tiny, [image], [target], **path)
        for score in SCORES:
            pairs = [(together.point_gradient(score)[row], alone.point_gradient(score)[0])]
            for at in ("layer", "pixels"):
                pairs.append(
                    [g.path_integral(score, at)[r] for g, r in ((together, row), (alone, 0))]
                )
            for found, expected in pairs:
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


def test_an_image_given_with_two_targets_goes_through_the_network_once(
    tiny, noise_images, monkeypatch
):
    seen = []
    trunk = tiny.split("pool").activations
    monkeypatch.setattr(
        tiny.split("pool"), "activations", lambda pixels: seen.append(len(pixels)) or trunk(pixels)
    )
    gradients = ScoreGradients(tiny, noise_images[:1] * 3, [0, 1, 2], layer="pool", steps=9)
    gradients.path_integral("odds")
    assert sum(seen) == 10
    gradients.point_gradient("odds")
    assert sum(seen) == 11


@pytest.mark.parametrize("scores", ["pre", "odds", ["log", "pre"], ["log", "post"]])
def test_only_the_scores_asked_for_are_computed_and_they_are_the_same(tiny, noise_images, scores):
    everything, some = (
        ScoreGradients(tiny, noise_images, [0, 1, 3], layer="pool", steps=9, scores=s)
        for s in (SCORES, scores)
    )
    for score in SCORES:
        if score not in scores:
            with pytest.raises(ValueError, match=f"score '{score}' is not among those"):
                some.path_integral(score)
            continue
        for found, expected in (
            (some.point_gradient(score), everything.point_gradient(score)),
            *(
                (some.path_integral(score, at), everything.path_integral(score, at))
                for at in ("layer", "pixels")
            ),
            *((g.path_integral(score, positive=True) for g in (some, everything)),),
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
    assert (len(some._point.layer.of_logit) == 0) == ("pre" not in scores)
    assert (len(some._point.layer.of_log_odds) == 0) == (scores == "pre")


@pytest.mark.parametrize(("tolerance", "order"), [(0.01, [2, 0, 1]), (0.1, [0, 1, 2])])
def test_scores_that_are_not_complete_name_their_worst_interval_in_turn(tolerance, order):
    errors = np.array([[0.02, -0.3], [-0.01, 0.2], [0.03, -0.1]])
    assert worst_first(errors, tolerance).tolist() == order


def test_a_score_that_is_hard_to_serve_leaves_points_to_the_others():
    """The probability is nearly 1 at both ends and 0.1 between: its change is 1e-4 of its way."""

    def evaluate(alphas):
        step, dip = (np.exp(-((40 * (alphas - at)) ** 2)) for at in (0.2, 0.7))
        erf = np.vectorize(math.erf)(40 * (alphas - 0.2))
        logit, of_logit = erf, 80 / np.sqrt(np.pi) * step
        log_odds = 9 + alphas - 12 * dip
        of_log_odds = 1 + 24 * 1600 * (alphas - 0.7) * dip
        values = [np.reshape(a, (-1, 1, 1, 1)) for a in (alphas, of_logit, of_log_odds)]
        return Points(logit, log_odds, Site(*values))

    alphas, batches = refine(evaluate, tolerance=0.01, max_steps=300, batch=16)
    path = integrate(batches)
    assert len(alphas) == 301
    gaps = []
    for score, total in zip(SCORES, path["sums"]["layer"], strict=True):
        values = score_value(score, path["logit"], path["log_odds"])
        gaps.append(abs(total.sum() - (values[-1] - values[0])) / abs(values[-1] - values[0]))
    assert gaps[0] <= 0.01 and gaps[3] <= 0.01
    assert gaps[1] > 0.01


@pytest.mark.parametrize(
    ("scores", "passes"), [("odds", 1), (["post", "log", "odds"], 1), ("pre", 1), (SCORES, 2)]
)
def test_scores_that_share_a_direction_share_a_backward_pass(mini, scenes, scores, passes):
    """Counted in the compiled work: a convolution is passed backwards once for each direction."""
    gradients = ScoreGradients(mini, [scenes[0].image], [0], scores=scores, steps=1)
    split = gradients.classifier.split("block5_pool")
    split._compiled.clear()
    gradients.path_integral(gradients.scores[0], at="pixels")
    (work,) = split._compiled.values()
    kinds = [operation.type for operation in work.get_concrete_function().graph.get_operations()]
    assert kinds.count("Conv2D") == 16
    assert kinds.count("Conv2DBackpropInput") == 16 * passes


def test_a_score_that_hardly_changes_does_not_take_the_path_hostage(tiny_model, noise_images):
    """Certain at both ends: `post` and `log` change by some 1e-12, `pre` and `odds` by several."""
    sure = keras.models.clone_model(tiny_model)
    kernel, bias = tiny_model.layers[-1].get_weights()
    bias[2] += 30
    sure.set_weights([*tiny_model.get_weights()[:-2], kernel, bias])
    classifier = load_classifier(sure, "none", ["ant", "bee", "cat", "dog"])
    gradients = ScoreGradients(classifier, noise_images[:1], [2], layer="pool", tolerance=1e-3)
    balances = {score: completeness(gradients, score) for score in SCORES}
    assert gradients.log_odds[0] > 25
    assert max(balances[score].gap[0] for score in SCORES) <= 1e-3
    only = ScoreGradients(
        classifier, noise_images[:1], [2], layer="pool", tolerance=1e-3, scores=["pre", "odds"]
    )
    np.testing.assert_array_equal(only.path().alphas[0], gradients.path().alphas[0])
    assert "nothing to attribute" in describe_completeness(balances["post"])
    assert "nothing to attribute" in describe_completeness(balances["log"])


def test_gray_baseline_and_image_baseline_agree(tiny, noise_images):
    gray = np.full((10, 12, 3), 128, np.uint8)
    by_name, by_image = (
        ScoreGradients(tiny, noise_images, [0, 1, 2], layer="pool", baseline=b, steps=5)
        for b in ("gray", gray)
    )
    np.testing.assert_array_equal(by_name.path_integral("odds"), by_image.path_integral("odds"))


@pytest.mark.parametrize(("count", "size"), [(1, 16), (51, 16), (51, 1), (51, 51), (7, 3), (20, 7)])
def test_chunks_cover_everything_once_and_are_nearly_equal(count, size):
    parts = split_evenly(np.arange(count), size)
    assert np.concatenate(parts).tolist() == list(range(count))
    lengths = [len(part) for part in parts]
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"targets": ["ant", "bee"]}, "3 images but 2 targets"),
        ({"targets": "ant"}, "one class for each image"),
        ({"targets": ["ant", "bee", "cta"]}, "did you mean 'cat'"),
        ({"targets": [0, 1, 4]}, "no target class 4; tiny has 4 classes, 0 to 3"),
        ({"layer": "pol"}, "no layer 'pol' in 'tiny'; did you mean 'pool'"),
        ({"baseline": "blue"}, "no baseline 'blue'"),
        ({"steps": 0}, "steps must be a whole number >= 1; given: 0"),
        ({"steps": "50"}, "steps must be a whole number >= 1; given: '50'"),
        ({"chunk": 2.5}, "chunk must be a whole number >= 1; given: 2.5"),
        ({"tolerance": 0}, "tolerance must be a number > 0; given: 0"),
        ({"tolerance": "1%"}, "tolerance must be a number > 0; given: '1%'"),
        ({"max_steps": 0}, "max_steps must be a whole number >= 1; given: 0"),
        ({"memory": -1.0}, "memory must be a number > 0; given: -1.0"),
        ({"images": []}, "images is empty"),
        ({"scores": ["post", "softmax"]}, "no score 'softmax'"),
        ({"scores": []}, "scores is empty; give at least one of"),
    ],
)
def test_a_wrong_argument_is_named(tiny, noise_images, arguments, message):
    valid = {"images": noise_images, "targets": [0, 1, 2], "layer": "pool"}
    if "images" in arguments:
        valid["targets"] = []
    with pytest.raises((ValueError, TypeError), match=message):
        ScoreGradients(tiny, **{**valid, **arguments})


def test_a_wrong_score_is_named(tiny, noise_images):
    gradients = ScoreGradients(tiny, noise_images, [0, 1, 2], layer="pool")
    with pytest.raises(ValueError, match="no score 'softmax'"):
        gradients.point_gradient("softmax")
