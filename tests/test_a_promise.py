"""What this package promises, on a network that can be computed by hand."""

import keras
import numpy as np

from xai_utils import ScoreGradients, grad_cam, load_classifier


def test_two_networks_with_one_function_differ_in_the_map_of_the_logit_alone():
    image = np.array([[[40, 0, 0], [0, 80, 0]], [[0, 0, 40], [40, 40, 40]]], np.uint8)
    kernel = np.array([[0.2, 0], [0.1, 0.3], [-0.1, 0.1]])
    maps = []
    for shift in ([0, 0, 0], [0, 0.5, 0]):  # of every column: all logits move, no probability does
        columns = kernel + np.reshape(shift, (3, 1))
        cells = keras.layers.Rescaling(1, name="cells")
        pool, ends = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, "softmax")
        network = keras.Sequential([keras.Input((2, 2, 3)), cells, pool, ends])
        ends.set_weights([columns, np.zeros(2)])
        gradients = ScoreGradients(load_classifier(network, "none"), [image], [0], "cells")
        contrast = columns[:, 0] - columns[:, 1]
        y = 1 / (1 + np.exp(-image.mean(axis=(0, 1)) @ contrast))
        slopes = {"post": y * (1 - y) * contrast, "log": (1 - y) * contrast, "odds": contrast}
        slopes["pre"] = columns[:, 0]
        maps.append({score: grad_cam(gradients, score)[0] for score in slopes})
        for score, slope in slopes.items():
            by_hand = np.maximum(image @ (slope / 4), 0)
            np.testing.assert_allclose(maps[-1][score], by_hand, rtol=1e-4, atol=1e-6)
    assert np.abs(maps[1]["pre"] - maps[0]["pre"]).max() > 5
    for score in ("post", "log", "odds"):
        np.testing.assert_allclose(maps[1][score], maps[0][score], rtol=1e-4, atol=1e-6)
