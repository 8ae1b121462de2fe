"""What the discussion shares: gradients in float64, a small training, and how alike maps are."""

import numpy as np
import pytest

from xai_utils import ScoreGradients
from xai_utils.scores import SCORES
from xai_utils.study.agreement import correlation, cosine, largest_difference, median_correlation
from xai_utils.study.exact import differentiate
from xai_utils.study.training import load_digit_images, start_network, train_by_descent


def test_exact_gradients_are_those_of_the_package(tiny, noise_images):
    gradients = ScoreGradients(tiny, noise_images, [0, 2, 3], layer="pool")
    exact = differentiate(tiny, "pool", gradients.targets, gradients.activations)[1]
    for score in SCORES:
        found, right = exact.point_gradient(score), gradients.point_gradient(score)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, right, atol=1e-4 * np.abs(right).max())


def test_the_gradients_of_the_small_network_are_those_of_its_logits():
    network, x = start_network(seed=0), load_digit_images()[0][:3]
    gradients = network.logit_gradients(x)
    for pixel in (10, 27, 50):
        step = 1e-6 * np.eye(64)[pixel]
        slope = (network.logits(x + step) - network.logits(x - step)) / 2e-6
        np.testing.assert_allclose(gradients[..., pixel], slope, atol=1e-6)


def test_descent_learns_and_leaves_the_network_that_it_was_given():
    x, classes = load_digit_images()
    start = start_network(seed=0)
    before = start.last.copy()
    trained = train_by_descent(start, x, classes)
    assert (trained.logits(x).argmax(axis=1) == classes).mean() > 0.9
    np.testing.assert_array_equal(start.last, before)
    np.testing.assert_allclose(trained.last.mean(axis=1), before.mean(axis=1), atol=1e-12)


def test_maps_that_differ_in_size_only_are_alike():
    a = np.random.default_rng(0).random((2, 4, 4))
    assert largest_difference(a, 3 * a) < 1e-6
    assert median_correlation(a, 3 * a) == pytest.approx(1)
    np.testing.assert_allclose(cosine(a, -3 * a), -1)


def test_a_map_that_is_the_same_everywhere_has_no_correlation():
    a = np.random.default_rng(0).random((4, 4))
    assert np.isnan(correlation(a, np.ones((4, 4))))
    assert median_correlation([a, a], [a, np.ones((4, 4))]) == pytest.approx(1)
