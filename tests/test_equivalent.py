"""Networks with the same function and other logits."""

import numpy as np
import pytest

from xai_utils import ScoreGradients
from xai_utils.equivalent import add_to_kernel, add_to_logits


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
