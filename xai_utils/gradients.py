"""Gradients of the four scores for some images: computed when first asked for, and kept."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf

from xai_utils.classifier import BATCH, INPUT
from xai_utils.images import check_image
from xai_utils.scores import SCORES, check_choice, check_score, score_factor, score_value

BASELINES = {"black": 0, "gray": 128, "white": 255}  # RGB pixel values


@dataclass(frozen=True)
class PathIntegrals:
    """Riemann-Stieltjes sums along the straight path from baseline to image, for N images.

    Attributes
    ----------
    sums : dict of ndarray, float (N, 4, h, w, channels)
        In the order of SCORES. "layer": sum of gradient times change of activation, per unit.
        "positive": the same with gradients clipped at zero before. If asked for, "pixels":
        float (N, 4, height, width, 3), the same at the RGB pixels.
    alphas : ndarray, float (steps + 1,)
        The points, from 0 at the baseline to 1 at the image.
    logit, log_odds : ndarray, float64 (N, steps + 1)
        Of the target class at the points.
    start, end : ndarray, float (N, h, w, channels)
        Activations at the baseline and at the image.
    """

    sums: dict
    alphas: np.ndarray
    logit: np.ndarray
    log_odds: np.ndarray
    start: np.ndarray
    end: np.ndarray


class ScoreGradients:
    """What the attribution methods read: activations, gradients and path integrals.

    Nothing is computed before it is asked for, and the results are kept. Path integrals down to the
    pixels hold those at the layer, so where both are needed, ask for the pixels first. Images are
    worked on in chunks of `chunk` points, which bounds the memory.

    Parameters
    ----------
    classifier : Classifier
    images : sequence of ndarray, uint8 (H, W, 3)
        N RGB images of any size; each is resized to the network's input.
    targets : sequence of int or str
        A class, by index or name, for each image.
    layer : str
        Where activations are read. "input" stands for the RGB pixels.
    baseline : str or ndarray, uint8 (H, W, 3)
        Where the paths start: "black", "gray" or "white" pixels, or an image.
    steps : int
        Intervals of the path, >= 1; a path has steps + 1 points.
    chunk : int
        Images, or points of a path, that go through the network at once.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one of these; the message names the argument and what is allowed.
    """

    def __init__(
        self,
        classifier,
        images,
        targets,
        layer="block5_pool",
        baseline="black",
        steps=50,
        chunk=BATCH,
    ):
        _check_count("steps", steps)
        _check_count("chunk", chunk)
        if isinstance(targets, str | int | np.integer):
            raise TypeError(
                f"targets must be a sequence, one class for each image; given: {targets!r}"
            )
        if len(targets) != len(images):
            raise ValueError(f"{len(images)} images but {len(targets)} targets; give one for each")
        self.classifier = classifier
        self.images = list(images)
        self.targets = np.array([classifier.class_index(t) for t in targets], np.int32)
        self.layer = layer
        self.baseline = baseline
        self.steps = steps
        self.chunk = chunk
        self._split = classifier.split(layer)
        self._pixels = classifier.pixels(images)
        self._start = self._baseline_pixels(baseline)

    def _baseline_pixels(self, baseline):
        if isinstance(baseline, str):
            check_choice("baseline", baseline, BASELINES)
            return np.full_like(self._pixels[0], BASELINES[baseline])
        check_image(baseline)
        return self.classifier.pixels([baseline])[0]

    @cached_property
    def _point(self):
        """Activations, (logit, log-odds) and their gradients at the images."""
        results = []
        for rows in _chunks(len(self._pixels), self.chunk):
            pixels, targets = tf.constant(self._pixels[rows]), tf.constant(self.targets[rows])
            results.append(tf.nest.map_structure(np.asarray, self._split.point(pixels, targets)))
        merged = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *results)
        return tf.nest.map_structure(lambda array: array[: len(self._pixels)], merged)

    @property
    def activations(self):
        """Activations of the layer at the images: ndarray, float (N, h, w, channels)."""
        return self._point[0]

    @property
    def logit(self):
        """The target's logit: ndarray, float (N,)."""
        return self._point[1][0]

    @property
    def log_odds(self):
        """The target's log-odds: ndarray, float (N,)."""
        return self._point[1][1]

    def value(self, score):
        """The score of the target class at the images: ndarray, float64 (N,)."""
        return score_value(score, self.logit, self.log_odds)

    def point_gradient(self, score):
        """The gradient of a score with respect to the activations, at the images.

        Parameters
        ----------
        score : {"pre", "post", "log", "odds"}

        Returns
        -------
        ndarray, float (N, h, w, channels)
        """
        check_score(score)
        of_logit, of_log_odds = self._point[2]
        if score == "pre":
            return of_logit
        factor = np.asarray(score_factor(score, tf.constant(self.log_odds)))
        return factor[:, None, None, None].astype(of_log_odds.dtype) * of_log_odds

    @cached_property
    def logit_gradients(self):
        """The gradients of all logits at the images: ndarray, float (N, classes, h, w, channels).

        One array for each class: for a thousand of them this is large.
        """
        rows = np.split(self.activations, len(self.activations))
        return np.concatenate([self._split.logit_gradients(tf.constant(row)) for row in rows])

    def path(self, at="layer"):
        """Path integrals down to the layer, or to the RGB pixels: PathIntegrals.

        Those down to the pixels hold those at the layer too, at no further cost.
        """
        check_choice("place for a path integral", at, ("layer", "pixels"))
        if self.layer == INPUT:
            at = "layer"
        return self._path_to_pixels if at == "pixels" else self._path_to_layer

    @cached_property
    def _path_to_layer(self):
        if "_path_to_pixels" in self.__dict__:
            return self._path_to_pixels
        return self._integrate(to_pixels=False)

    @cached_property
    def _path_to_pixels(self):
        return self._integrate(to_pixels=True)

    def _integrate(self, to_pixels):
        paths = [self._integrate_one(i, to_pixels) for i in range(len(self._pixels))]
        alphas = paths[0].pop("alphas")
        for path in paths[1:]:
            del path["alphas"]
        merged = tf.nest.map_structure(lambda *parts: np.stack(parts), *paths)
        return PathIntegrals(alphas=alphas, **merged)

    def _integrate_one(self, index, to_pixels):
        """The fields of PathIntegrals for one image."""
        points = self.steps + 1
        alphas = np.linspace(0, 1, points, dtype=self._pixels.dtype)
        ends = tf.constant(self._pixels[index]), tf.constant(self._start)
        sums, scores, start, carry = None, [], None, None
        for rows in _chunks(points, self.chunk):
            part, values, activations, carry = self._split.path_chunk(
                tf.constant(alphas[rows]), *ends, tf.constant(self.targets[index]), carry, to_pixels
            )
            sums = part if sums is None else tf.nest.map_structure(tf.add, sums, part)
            scores.append(np.stack(values))
            start = np.asarray(activations[0]) if start is None else start
        logit, log_odds = np.concatenate(scores, axis=1)[:, :points]
        return {
            "sums": {site: np.asarray(total) for site, total in sums.items()},
            "alphas": alphas,
            "logit": logit,
            "log_odds": log_odds,
            "start": start,
            "end": np.asarray(activations[-1]),
        }

    def path_integral(self, score, at="layer", positive=False):
        """The Riemann-Stieltjes sum of a score's gradient along the path, unit by unit.

        Parameters
        ----------
        score : {"pre", "post", "log", "odds"}
        at : {"layer", "pixels"}
            At the activations of the layer, or at the RGB pixels.
        positive : bool
            Clip the gradients at zero before they are integrated; at the layer only.

        Returns
        -------
        ndarray, float (N, h, w, channels)
        """
        check_score(score)
        if positive and at != "layer":
            raise ValueError(
                f"positive gradients are integrated at the layer only; given: at={at!r}"
            )
        sums = self.path(at).sums
        site = (
            "positive" if positive else "pixels" if at == "pixels" and "pixels" in sums else "layer"
        )
        return sums[site][:, SCORES.index(score)]


def _chunks(count, chunk):
    """Index arrays of one length <= chunk that cover range(count); the last index repeats."""
    runs = -(-count // chunk)
    length = -(-count // runs)
    indices = np.minimum(np.arange(runs * length), count - 1)
    return indices.reshape(runs, length)


def _check_count(name, value):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number >= 1; given: {value!r}")
