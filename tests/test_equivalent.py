"""Networks with the same function and other logits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import CHECK_STREAM
from xai_utils import ScoreGradients, grad_cam, load_image, normalise
from xai_utils.embedded.scenes import make_scene
from xai_utils.study.equivalent import add_to_kernel, add_to_logits, in_precision, vector_for_map


@pytest.fixture(scope="module")
def images():
    return list(np.random.default_rng(7).integers(0, 256, (20, 10, 12, 3), dtype=np.uint8))


def kernel_variant(tiny):
    return add_to_kernel(tiny, np.random.default_rng(1).normal(0, 5, 6))


def corner_variant(tiny):
    """The change of arXiv 2307.03305: the upper left corner of a layer, all channels."""
    weights = np.zeros((4, 5, 5))
    weights[0, 0] = 3.0
    return add_to_logits(tiny, "pool", weights)


@pytest.mark.parametrize("make", [kernel_variant, corner_variant])
def test_probabilities_and_three_scores_stay_and_pre_changes(tiny, images, make):
    variant = make(tiny)
    assert np.abs(variant.logits(images) - tiny.logits(images)).max() > 0.1
    np.testing.assert_allclose(
        variant.probabilities(images), tiny.probabilities(images), atol=1e-12
    )
    targets = [i % 4 for i in range(len(images))]
    before, after = (ScoreGradients(c, images, targets, layer="pool") for c in (tiny, variant))
    for score in ("post", "log", "odds"):
        np.testing.assert_allclose(
            after.point_gradient(score), before.point_gradient(score), rtol=1e-8, atol=1e-13
        )
    change = after.point_gradient("pre") - before.point_gradient("pre")
    assert np.abs(change).max() > 0.1 * np.abs(before.point_gradient("pre")).max()


def test_the_change_of_pre_is_the_gradient_of_what_was_added(tiny, images):
    before, after = (
        ScoreGradients(c, images, [0] * len(images), layer="pool")
        for c in (tiny, corner_variant(tiny))
    )
    change = after.point_gradient("pre") - before.point_gradient("pre")
    np.testing.assert_allclose(change[:, 0, 0], 3.0, rtol=1e-9)
    np.testing.assert_allclose(change[:, 1:], 0, atol=1e-12)


def test_what_is_added_to_all_logits_is_kept_once(tiny):
    """One number for each unit of the layer, whatever the number of classes."""
    more = corner_variant(tiny).network.count_params() - tiny.network.count_params()
    assert more == 4 * 5 * 5 + len(tiny.class_names)


@pytest.mark.parametrize("make", [kernel_variant, corner_variant])
def test_the_original_is_not_touched(tiny, images, make):
    logits, weights = tiny.logits(images), tiny.weights_sha256()
    make(tiny)
    np.testing.assert_array_equal(tiny.logits(images), logits)
    assert tiny.weights_sha256() == weights


def test_adding_to_the_kernel_is_adding_the_last_hidden_layer_to_the_logits(tiny, images):
    vector = np.random.default_rng(2).normal(size=6)
    hidden = list(tiny.tensors)[-2]
    np.testing.assert_allclose(
        add_to_kernel(tiny, vector).logits(images),
        add_to_logits(tiny, hidden, vector).logits(images),
        rtol=1e-9,
    )


def test_a_network_whose_logits_come_from_no_dense_layer_is_refused(tiny):
    with pytest.raises(ValueError, match="do not come from a Dense layer"):
        add_to_kernel(corner_variant(tiny), np.zeros(6))


def test_a_vector_of_the_wrong_length_is_refused(tiny):
    with pytest.raises(ValueError, match=r"vector has shape \(5,\); the last kernel has 6 rows"):
        add_to_kernel(tiny, np.zeros(5))


CORNER = np.zeros((7, 7))
CORNER[:3, :3] = 1
LETTER = np.array(
    [[cell == "#" for cell in row] for row in (["#######"] * 2 + ["...#..."] * 5)], float
)


@pytest.fixture(scope="module")
def photograph(mini):
    return ScoreGradients(mini, [load_image("cat")], ["cat"])


@pytest.fixture(scope="module")
def hidden(mini, photograph):
    """By precision: that network, and its last hidden layer for the photograph and 100 scenes."""
    scenes = [make_scene((CHECK_STREAM, i), backgrounds="held_out").image for i in range(100)]
    found = {}
    for dtype in ("float32", "float64"):
        classifier = in_precision(mini, dtype)
        pixels = classifier.pixels([*photograph.images, *scenes])
        trunk = keras.Model(classifier.network.input, classifier.network.layers[-1].input)
        found[dtype] = classifier, trunk.predict(classifier.preprocess(pixels), verbose=0)
    return found


def change_of_probabilities(classifier, changed, hidden):
    before, after = (tf.nn.softmax(c.network.layers[-1](hidden)) for c in (classifier, changed))
    assert before.dtype == hidden.dtype
    return np.abs(after - before).max()


def correlation(gradients, pattern):
    return np.corrcoef(grad_cam(gradients, "pre")[0].ravel(), pattern.ravel())[0, 1]


def test_a_map_within_reach_is_drawn(tiny, images):
    """On five channels only maps in their span can be drawn; this one is."""
    gradients = ScoreGradients(tiny, images[:1], [2], layer="pool")
    wanted = np.maximum(gradients.activations[0] @ [1.0, -1.2, 0.4, -0.8, 0.3], 0)
    assert 0.2 < (wanted > 0).mean() < 0.8
    vector = vector_for_map(gradients, wanted, ridge=1e-12)
    twin = add_to_kernel(tiny, vector)
    assert correlation(ScoreGradients(twin, images[:1], [2], layer="pool"), wanted) > 0.99


def test_a_larger_ridge_gives_a_shorter_vector_and_a_worse_map(photograph):
    norms, errors = [], []
    for ridge in (1e-2, 1e-4, 1e-6):
        vector = vector_for_map(photograph, CORNER, ridge)
        twin = add_to_kernel(photograph.classifier, vector)
        norms.append(np.linalg.norm(vector))
        errors.append(1 - correlation(ScoreGradients(twin, photograph.images, ["cat"]), CORNER))
    assert norms == sorted(norms)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("pattern", [CORNER, CORNER[::-1, ::-1], LETTER])
def test_the_pre_map_shows_a_pattern_and_nothing_else_changes(photograph, hidden, pattern):
    """For the photograph the maps, for it and 100 scenes the probabilities, in both precisions."""
    assert correlation(photograph, pattern) < 0.5
    vector = vector_for_map(photograph, pattern)
    for dtype, allowed in (("float32", 1e-4), ("float64", 1e-9)):
        classifier, features = hidden[dtype]
        changed = add_to_kernel(classifier, vector)
        assert len(features) == 101
        assert change_of_probabilities(classifier, changed, features) <= allowed
        before, after = (
            ScoreGradients(c, photograph.images, ["cat"]) for c in (classifier, changed)
        )
        assert correlation(after, pattern) > 0.9
        for score in ("post", "log", "odds"):
            maps = [normalise(grad_cam(g, score)[0]) for g in (before, after)]
            assert np.abs(maps[1] - maps[0]).max() < 1e-3


def test_a_vector_added_to_one_column_only_does_change_the_probabilities(photograph, hidden):
    """The bars above can be missed: the vector belongs to every column."""
    classifier, features = hidden["float64"]
    changed = add_to_kernel(classifier, np.zeros(512))
    kernel, bias = changed.network.layers[-1].get_weights()
    kernel[:, 0] += vector_for_map(photograph, CORNER)
    changed.network.layers[-1].set_weights([kernel, bias])
    assert change_of_probabilities(classifier, changed, features) > 0.01


def test_making_a_vector_leaves_the_original_as_it_was(photograph):
    classifier = photograph.classifier
    weights, logits = classifier.weights_sha256(), classifier.logits(photograph.images)
    add_to_kernel(classifier, vector_for_map(photograph, CORNER))
    in_precision(classifier, "float64")
    assert classifier.weights_sha256() == weights
    np.testing.assert_array_equal(classifier.logits(photograph.images), logits)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_another_precision_reaches_every_layer(mini, photograph, dtype):
    converted = in_precision(mini, dtype)
    assert {layer.output.dtype for layer in converted.network.layers} == {dtype}
    assert converted.logits(photograph.images).dtype == dtype
    np.testing.assert_allclose(
        converted.logits(photograph.images), mini.logits(photograph.images), rtol=1e-4, atol=1e-4
    )


def test_another_precision_of_a_network_with_a_plain_addition(tiny, images):
    variant = corner_variant(tiny)
    converted = in_precision(variant, "float32")
    assert converted.network.output.dtype == "float32"
    np.testing.assert_allclose(converted.logits(images), variant.logits(images), rtol=1e-4)


@pytest.mark.parametrize(
    ("pattern", "ridge", "message"),
    [
        (np.ones((6, 7)), 1e-5, r"shape \(6, 7\); the layer's maps have shape \(7, 7\): draw it"),
        (CORNER - 0.5, 1e-5, "values from -0.5 to 0.5; they must be finite and >= 0"),
        (np.zeros((7, 7)), 1e-5, "values from 0 to 0; .* one of them > 0"),
        (CORNER, 0.0, "ridge must be a number > 0; given: 0.0"),
    ],
)
def test_an_impossible_pattern_or_ridge_is_refused(photograph, pattern, ridge, message):
    with pytest.raises(ValueError, match=message):
        vector_for_map(photograph, pattern, ridge)


def test_a_vector_is_made_for_one_image(mini, photograph):
    two = ScoreGradients(mini, photograph.images * 2, ["cat", "cat"])
    with pytest.raises(ValueError, match="2 images given; a vector is made for one"):
        vector_for_map(two, CORNER)


def test_an_image_without_any_slope_is_refused(tiny, images):
    dead = in_precision(tiny, "float64")
    layer = dead.network.layers[-2]
    layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    gradients = ScoreGradients(dead, images[:1], [0], layer="pool")
    with pytest.raises(ValueError, match="the last hidden layer has no gradient for this image"):
        vector_for_map(gradients, np.ones((4, 5)))
