"""Passes through the network, in chunks that bound the memory."""

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from xai_utils.paths import integrate, refine, split_evenly

MAX_CHUNK = 16  # more at once is no faster


class Spacing(NamedTuple):
    """Where the points of a path lie: `steps` equal intervals, or as `refine` puts them."""

    steps: int
    tolerance: float | None
    max_steps: int


class Passes:
    """What passes through a network cut at a layer, and how much of it at once.

    Parameters
    ----------
    classifier : Classifier
    layer : str
        Where activations are read.
    scores : sequence of {"pre", "post", "log", "odds"}
        In the order of SCORES.
    memory : float
        GB that the work on one chunk may take, beside the network.
    chunk : int or None
        Images, or points of a path, at once, in place of what `memory` allows.
    """

    def __init__(self, classifier, layer, scores, memory, chunk):
        self.classifier = classifier
        self.scores = scores
        self.split = classifier.split(layer)
        self.chunk = chunk or max(1, min(MAX_CHUNK, int(memory / classifier.memory_per_image())))
        # behind the layer more pass at once: there a large matrix is read anew for each chunk
        after = classifier.memory_per_image(layer)
        self.head_chunk = chunk or max(self.chunk, int(memory / after))

    def points(self, images, rows, targets):
        """The scores of some images, and their gradients at the layer.

        Parameters
        ----------
        images : sequence of ndarray, uint8 (H, W, 3)
        rows : ndarray, int (N,)
            Which of the images; one may be asked for with several targets.
        targets : ndarray, int32 (N,)

        Returns
        -------
        Points
        """
        parts = split_evenly(np.arange(len(images)), self.chunk)
        pixels = (self.classifier.pixels([images[i] for i in part]) for part in parts)
        activations = np.concatenate([self.split.activations(some) for some in pixels])
        results = [
            self.split.at_layer(activations[rows[some]], targets[some], self.scores)
            for some in split_evenly(np.arange(len(rows)), self.head_chunk)
        ]
        return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *results)

    def paths(self, image, start, targets, to_pixels, spacing):
        """The path integrals of one image, for each target.

        Parameters
        ----------
        image : ndarray, uint8 (H, W, 3)
        start : ndarray, float (height, width, 3)
            The pixels at which the path begins.
        targets : sequence of int
        to_pixels : bool
            Down to the pixels, too.
        spacing : Spacing

        Yields
        ------
        dict
            What `integrate` returns, and "alphas": ndarray, float64 (points,).
        """
        end = self.classifier.pixels([image])[0]

        def pixels(alphas):
            a = alphas[:, None, None, None].astype(end.dtype)
            return (1 - a) * start + a * end

        @lru_cache(maxsize=1)  # the targets share the activations, if the path is one part
        def activations(alphas):
            parts = split_evenly(np.array(alphas), self.chunk)
            return np.concatenate([self.split.activations(pixels(part)) for part in parts])

        def evaluate(alphas, target):
            targets = np.full(len(alphas), target, np.int32)
            if to_pixels:
                return self.split.at_pixels(pixels(alphas), targets, self.scores)
            return self.split.at_layer(activations(tuple(alphas)), targets, self.scores)

        for target in targets:
            work = partial(evaluate, target=target)
            if spacing.tolerance is None:
                alphas = np.linspace(0, 1, spacing.steps + 1)
                chunk = self.chunk if to_pixels else self.head_chunk
                batches = map(work, split_evenly(alphas, chunk))
            else:
                alphas, batches = refine(
                    work, spacing.tolerance, spacing.max_steps, self.chunk, self.scores
                )
            yield {"alphas": alphas, **integrate(batches, self.scores)}
