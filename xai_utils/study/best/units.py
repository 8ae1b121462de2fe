"""Unit tests of a score: ten situations whose right answer is known by construction.

The image has single red, green and blue pixels on black, the layer is the pixels themselves, and
the logits are sums of the pixels' colours times a kernel, so that everything can be computed by
hand. Each situation says what it assumes to be right: that equal outputs mean equal maps, that a
map shows what the output depends on, or that it does not hang on what no output shows. Not every
score can pass all of them; which ones a score fails is the result.
"""

from dataclasses import dataclass
from functools import cache
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


@dataclass(frozen=True)
class Weights:
    """Of a network whose logits are sums over its pixels of colour times kernel, plus bias.

    Attributes
    ----------
    kernel : sequence, float (3, classes)
    bias : sequence, float (classes,), or None for zeros
    seen : ndarray, bool (SIDE, SIDE), or None
        The pixels that count; None for all.
    """

    kernel: np.ndarray
    bias: np.ndarray | None = None
    seen: np.ndarray | None = None


@cache
def _network(classes):
    """One for each number of classes: compiling it takes longer than all that is done with it."""
    inputs = keras.Input((SIDE, SIDE, 3), dtype="float64")
    cells = keras.layers.Rescaling(1 / 255, name=LAYER, dtype="float64")(inputs)
    flat = keras.layers.Flatten(dtype="float64")(cells)
    network = keras.Model(inputs, keras.layers.Dense(classes, dtype="float64")(flat))
    names = tuple(f"class {i}" for i in range(classes))
    return Classifier("constructed", network, lambda x: x, names, {LAYER: cells})


def with_weights(weights):
    """The network with these weights: Classifier. It is shared: the next call changes it."""
    kernel = np.asarray(weights.kernel, np.float64)
    classes = kernel.shape[1]
    seen = np.ones((SIDE, SIDE)) if weights.seen is None else weights.seen
    bias = np.zeros(classes) if weights.bias is None else np.asarray(weights.bias)
    classifier = _network(classes)
    of_pixels = np.reshape(seen, (-1, 1, 1)) * kernel
    classifier.network.set_weights([of_pixels.reshape(-1, classes), bias])
    return classifier


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
    networks : tuple of Weights
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
        "shift twin": Situation(
            EQUAL_OUTPUTS, (Weights(kernel), Weights(kernel + shift)), same_map
        ),
        "equal-gradient unit": Situation(
            DEPENDS,
            (Weights([[3, 0, 0], [5, 5, 5], [0, 0, 1]]),),
            lambda m: mass_share(m, [GREEN]) < LEAK,
        ),
        "head that sees some cells": Situation(
            DEPENDS,
            (Weights([[3, 0], [0, 1], [0, 0]], seen=left),),
            lambda m: mass_share(m, [BOTH_REDS[1]]) < LEAK,
            draw_pixels(BOTH_REDS),
        ),
        "planted trigger": Situation(
            DEPENDS,
            (Weights([[0, 3, 0], [0, 0, 3], [8, 0, 0]]),),
            lambda m: bool(m.max() > 0 and np.argmax(m) == np.ravel_multi_index(BLUE, m.shape)),
        ),
        "saturated copy": Situation(
            DEPENDS, (Weights(kernel), Weights(kernel, [40, 0, 0])), same_map
        ),
        "rival raised within rounding": Situation(
            SILENT, (Weights(rivals, [40, 0, -40]), Weights(rivals, [40, -40, 0])), same_map
        ),
        "constant class": Situation(
            DEPENDS,
            (Weights([[0, 1], [0, -2], [0, 0]]),),
            lambda m: mass_share(m, [GREEN]) > 1 - LEAK,
        ),
        "duplicated class": Situation(DEPENDS, (Weights(kernel), Weights(twice)), same_map),
        "scaled logits": Situation(
            DEPENDS, (Weights(kernel[:, :2]), Weights(4 * kernel[:, :2])), same_map
        ),
        "class absent": Situation(
            DEPENDS,
            (Weights([[1, 4], [0, 0], [5, 0]]),),
            lambda m: m.max() <= 0,
            draw_pixels([RED]),
        ),
    }  # fmt: skip


def draw_situation(weights, image):
    """The maps of class 0 by every method and score: dict from (method, score) to (h, w)."""
    network = with_weights(weights)
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
        maps = [draw_situation(weights, image) for weights in situation.networks]
        for method, score in maps[0]:
            if method != "grad_cam_signed":
                passed = situation.passes(*(of[method, score] for of in maps))
                yield name, method, score, bool(passed)
