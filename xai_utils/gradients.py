"""Gradients of the four scores for some images: computed when first asked for, and kept."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice, check_count, check_image, check_images, check_positive
from xai_utils.classifier import INPUT
from xai_utils.paths import integrate, refine, split_evenly
from xai_utils.scores import SCORES, check_score, score_factor, score_value

BASELINES = {"black": 0, "gray": 128, "white": 255}  # RGB pixel values

MAX_CHUNK = 16  # more at once is no faster
MEMORY = 1.1  # GB, eight points of VGG19
CURVES = ("alphas", "logit", "log_odds")  # of a path; their length is that of the path


@dataclass(frozen=True)
class PathIntegrals:
    """Riemann-Stieltjes sums along the straight path from baseline to image, for N images.

    Attributes
    ----------
    sums : dict of ndarray, float (N, 4, h, w, channels)
        In the order of SCORES. "layer": sum of gradient times change of activation, per unit.
        "positive": the same with gradients clipped at zero before. If asked for, "pixels":
        float (N, 4, height, width, 3), the same at the RGB pixels.
    alphas : tuple of ndarray, float64 (points,)
        For each image the points of its path, from 0 at the baseline to 1 at the image.
    logit, log_odds : tuple of ndarray, float64 (points,)
        For each image, of the target class at the points.
    start, end : ndarray, float (N, h, w, channels)
        Activations at the baseline and at the image.
    """

    sums: dict
    alphas: tuple
    logit: tuple
    log_odds: tuple
    start: np.ndarray
    end: np.ndarray


class ScoreGradients:
    """What the attribution methods read: activations, gradients and path integrals.

    Nothing is computed before it is asked for, and the results are kept. Path integrals down to the
    pixels hold those at the layer, so where both are needed, ask for the pixels first. Images, and
    the points of a path, are worked on in chunks that bound the memory.

    Parameters
    ----------
    classifier : Classifier
    images : sequence of ndarray, uint8 (H, W, 3)
        N RGB images of any size; each is resized to the network's input.
    targets : sequence of int or str
        A class, by index or name, for each image.
    layer : str, optional
        Where activations are read. "input" stands for the RGB pixels. By default the last layer
        with a map that every path from the image to the logits crosses: "block5_pool" in VGG19.
    baseline : str or ndarray, uint8 (H, W, 3)
        Where the paths start: "black", "gray" or "white" pixels, or an image.
    steps : int
        Intervals of the path, >= 1, all of one length; a path has steps + 1 points.
    tolerance : float, optional
        In place of `steps`: halve the intervals that contribute most to the completeness gap until
        it is at most this, relative, for each of the four scores. All scores share one path,
        whose points are kept in memory until it is complete.
    max_steps : int
        Where such a path ends at the latest, then with a larger gap.
    memory : float
        GB that the work on one chunk may take, beside the network; it decides on `chunk`.
    chunk : int, optional
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
        layer=None,
        baseline="black",
        steps=50,
        tolerance=None,
        max_steps=1000,
        memory=MEMORY,
        chunk=None,
    ):
        for name, count in (("steps", steps), ("max_steps", max_steps)):
            check_count(name, count)
        for name, number in (("tolerance", tolerance), ("memory", memory)):
            if number is not None:
                check_positive(name, number)
        if chunk is not None:
            check_count("chunk", chunk)
        if isinstance(targets, str | int | np.integer):
            raise TypeError(
                f"targets must be a sequence, one class for each image; given: {targets!r}"
            )
        if len(targets) != len(images):
            raise ValueError(f"{len(images)} images but {len(targets)} targets; give one for each")
        check_images(images)
        self.classifier = classifier
        self.images = list(images)
        self.targets = np.array([classifier.class_index(t) for t in targets], np.int32)
        self.layer = classifier.default_layer if layer is None else layer
        self.baseline = baseline
        self.steps = steps
        self.tolerance = tolerance
        self.max_steps = max_steps
        self.chunk = chunk or max(1, min(MAX_CHUNK, int(memory / classifier.memory_per_image)))
        self._split = classifier.split(self.layer)
        self._start = self._baseline_pixels(baseline)

    def _baseline_pixels(self, baseline):
        if isinstance(baseline, str):
            check_choice("baseline", baseline, BASELINES)
            return np.full(
                (*self.classifier.input_size, 3), BASELINES[baseline], self.classifier.dtype
            )
        check_image(baseline)
        return self.classifier.pixels([baseline])[0]

    @cached_property
    def _point(self):
        """The Points at the images."""
        results = []
        for rows in split_evenly(np.arange(len(self.images)), self.chunk):
            pixels = self.classifier.pixels([self.images[row] for row in rows])
            results.append(self._split.points(pixels, self.targets[rows]))
        return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *results)

    @property
    def activations(self):
        """Activations of the layer at the images: ndarray, float (N, h, w, channels)."""
        return self._point.layer.values

    @property
    def logit(self):
        """The target's logit: ndarray, float (N,)."""
        return self._point.logit

    @property
    def log_odds(self):
        """The target's log-odds: ndarray, float (N,)."""
        return self._point.log_odds

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
        layer = self._point.layer
        if score == "pre":
            return layer.of_logit
        factor = score_factor(score, self.log_odds).astype(layer.of_log_odds.dtype)
        return factor[:, None, None, None] * layer.of_log_odds

    @cached_property
    def logit_gradients(self):
        """The gradients of all logits at the images: ndarray, float (N, classes, h, w, channels).

        One array for each class: for a thousand of them this is large.
        """
        rows = np.split(self.activations, len(self.activations))
        return np.concatenate([self._split.logit_gradients(row) for row in rows])

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
        paths = [self._integrate_one(index, to_pixels) for index in range(len(self.images))]
        curves = {name: tuple(path.pop(name) for path in paths) for name in CURVES}
        arrays = tf.nest.map_structure(lambda *parts: np.stack(parts), *paths)
        return PathIntegrals(**arrays, **curves)

    def _integrate_one(self, index, to_pixels):
        """The fields of PathIntegrals for one image."""
        image = self.classifier.pixels([self.images[index]])[0]
        target = self.targets[index : index + 1]

        def evaluate(alphas):
            a = alphas[:, None, None, None].astype(image.dtype)
            pixels = (1 - a) * self._start + a * image
            return self._split.points(pixels, np.repeat(target, len(alphas)), to_pixels)

        if self.tolerance is None:
            alphas = np.linspace(0, 1, self.steps + 1)
            batches = map(evaluate, split_evenly(alphas, self.chunk))
        else:
            alphas, batches = refine(evaluate, self.tolerance, self.max_steps, self.chunk)
        return {"alphas": alphas, **integrate(batches)}

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
