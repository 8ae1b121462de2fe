"""Unit tests of a score: ten situations whose right answer is known by construction.

The image has single red, green and blue pixels on black, the layer is the pixels themselves, and
the logits are sums of the pixels' colours times a kernel, so that everything can be computed by
hand. Each situation says what it assumes to be right: that equal outputs mean equal maps, that a
map shows what the output depends on, or that it does not hang on what no output shows. Not every
score can pass all of them; which ones a score fails is the result.
"""

from dataclasses import dataclass
from itertools import product

import keras
import numpy as np

from xai_utils.classifier import Classifier
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import normalise
from xai_utils.scores import SCORES
from xai_utils.study.best.maps import contrast_maps, path_maps, point_maps

SIDE = 4  # pixels
LAYER = "cells"
STEPS = 256  # of a path
ALIKE = 0.05  # two maps that differ by less, of their largest value, are one
LEAK = 0.05  # the share of a map that may lie where nothing can be

RED, GREEN, BLUE = (0, 0), (3, 3), (0, 3)
BOTH_REDS = (RED, (3, 0))


def draw_pixels(red=(), green=(), blue=()):
    """An image with pixels of these places and colours: uint8 (SIDE, SIDE, 3)."""
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    for channel, places in enumerate((red, green, blue)):
        for place in places:
            image[(*place, channel)] = 255
    return image


ALL_COLOURS = draw_pixels([RED], [GREEN], [BLUE])


def build(kernel, bias=None, seen=None):
    """A network whose logits are sums over its pixels of colour times kernel, plus bias.

    Parameters
    ----------
    kernel : array_like, float (3, classes)
    bias : array_like, float (classes,), optional
    seen : ndarray, bool (SIDE, SIDE), optional
        The pixels that count; by default all.

    Returns
    -------
    Classifier
    """
    kernel = np.asarray(kernel, np.float64)
    seen = np.ones((SIDE, SIDE)) if seen is None else seen
    inputs = keras.Input((SIDE, SIDE, 3), dtype="float64")
    cells = keras.layers.Rescaling(1 / 255, name=LAYER, dtype="float64")(inputs)
    flat = keras.layers.Flatten(dtype="float64")(cells)
    dense = keras.layers.Dense(kernel.shape[1], dtype="float64")
    network = keras.Model(inputs, dense(flat))
    weights = (np.reshape(seen, (-1, 1, 1)) * kernel).reshape(-1, kernel.shape[1])
    dense.set_weights([weights, np.zeros(kernel.shape[1]) if bias is None else np.array(bias)])
    names = tuple(f"class {i}" for i in range(kernel.shape[1]))
    return Classifier("constructed", network, lambda x: x, names, {LAYER: cells})


def mass_share(heatmap, places):
    """The share of a map's positive part at some pixels: float, NaN for an empty map."""
    positive = np.maximum(heatmap, 0)
    total = positive.sum()
    return sum(positive[place] for place in places) / total if total > 0 else float("nan")


def same_map(first, second):
    """Whether two maps are one but for their size, and not empty."""
    first, second = normalise(first), normalise(second)
    return bool(first.any() and np.abs(first - second).max() < ALIKE)


@dataclass(frozen=True)
class Situation:
    """Networks, an image, and what is right.

    Attributes
    ----------
    assumes : str
        What has to be granted for the answer to be the right one.
    networks : tuple of Classifier
        One, or two whose maps are compared; class 0 is explained.
    passes : callable
        From the map of each network to bool.
    image : ndarray, uint8 (SIDE, SIDE, 3)
    """

    assumes: str
    networks: tuple
    passes: callable
    image: np.ndarray = None


EQUAL_OUTPUTS = "equal probabilities, equal maps"
DEPENDS = "a map shows what the probability depends on"
SILENT = "what changes no output changes no map"


def situations():
    """The ten of them: dict from name to Situation."""
    kernel = np.array([[3.0, 1, -1], [1, 2, 0], [0, -1, 2]])
    shift = np.array([[0.0], [6], [0]])
    left = np.zeros((SIDE, SIDE))
    left[:2] = 1
    rivals = np.array([[0.0, -3, 0], [0, 0, -3], [1, 0, 0]])
    twice = kernel[:, [0, 0, 1, 2]]
    return {
        "shift twin": Situation(EQUAL_OUTPUTS, (build(kernel), build(kernel + shift)), same_map),
        "equal-gradient unit": Situation(
            DEPENDS,
            (build([[3, 0, 0], [5, 5, 5], [0, 0, 1]]),),
            lambda m: mass_share(m, [GREEN]) < LEAK,
        ),
        "head that sees some cells": Situation(
            DEPENDS,
            (build([[3, 0], [0, 1], [0, 0]], seen=left),),
            lambda m: mass_share(m, [BOTH_REDS[1]]) < LEAK,
            draw_pixels(BOTH_REDS),
        ),
        "planted trigger": Situation(
            DEPENDS,
            (build([[0, 3, 0], [0, 0, 3], [8, 0, 0]]),),
            lambda m: bool(m.max() > 0 and np.argmax(m) == np.ravel_multi_index(BLUE, m.shape)),
        ),
        "saturated copy": Situation(
            DEPENDS, (build(kernel), build(kernel, [40, 0, 0])), same_map
        ),
        "rival raised within rounding": Situation(
            SILENT, (build(rivals, [40, 0, -40]), build(rivals, [40, -40, 0])), same_map
        ),
        "constant class": Situation(
            DEPENDS,
            (build([[0, 1], [0, -2], [0, 0]]),),
            lambda m: mass_share(m, [GREEN]) > 1 - LEAK,
        ),
        "duplicated class": Situation(DEPENDS, (build(kernel), build(twice)), same_map),
        "scaled logits": Situation(
            DEPENDS, (build(kernel[:, :2]), build(4 * kernel[:, :2])), same_map
        ),
        "class absent": Situation(
            DEPENDS,
            (build([[1, 4], [0, 0], [5, 0]]),),
            lambda m: m.max() <= 0,
            draw_pixels([RED]),
        ),
    }  # fmt: skip


def draw_situation(network, image):
    """The maps of class 0 by every method and score: dict from (method, score) to (h, w)."""
    at_layer = ScoreGradients(network, [image], [0], LAYER, steps=STEPS)
    at_pixels = ScoreGradients(network, [image], [0], "input", steps=STEPS)
    head, logits = network.split(LAYER).head, network.logits([image])
    maps = point_maps(at_layer) | path_maps(at_layer)
    maps |= contrast_maps(head, at_layer.activations, logits, at_layer.targets)
    of_pixels = path_maps(at_pixels)
    maps |= {name: of_pixels[name] for name in product(["integrated_gradients"], SCORES)}
    return {name: values[0] for name, values in maps.items()}


def run_units():
    """Which score and method passes which situation: iterator of (situation, method, score, bool).

    Signed Grad-CAM is left out: what it has to say is in Grad-CAM.
    """
    for name, situation in situations().items():
        image = ALL_COLOURS if situation.image is None else situation.image
        maps = [draw_situation(network, image) for network in situation.networks]
        for method, score in maps[0]:
            if method != "grad_cam_signed":
                passed = situation.passes(*(of[method, score] for of in maps))
                yield name, method, score, bool(passed)
