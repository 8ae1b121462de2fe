"""Gradients of the four scores for some images: computed when first asked for, and kept."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from xai_utils.baselines import BASELINES, baseline_image
from xai_utils.checks import (
    check_choice,
    check_count,
    check_image,
    check_images,
    check_positive,
    list_names,
)
from xai_utils.classifier import INPUT
from xai_utils.passes import Passes, Spacing
from xai_utils.paths import PathIntegrals
from xai_utils.scores import SCORES, check_score, ordered_scores, score_factor, score_value

MEMORY = 1.1  # GB, eight points of VGG19
CURVES = ("alphas", "logit", "log_odds")  # of a path; their length is that of the path


class ScoreGradients:
    """What the attribution methods read: activations, gradients and path integrals.

    Nothing is computed before it is asked for, and the results are kept. Path integrals down to the
    pixels hold those at the layer, so where both are needed, ask for the pixels first. Images, and
    the points of a path, are worked on in chunks that bound the memory; an image that is given
    more than once, with several targets, goes through the network once.

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
        Where the paths start: the name of one, see `baseline_image`, or an image.
    scores : sequence of {"pre", "post", "log", "odds"}, or one of them
        The scores that will be asked for. "pre" costs one backward pass, the others share one.
    steps : int
        Intervals of the path, >= 1, all of one length; a path has steps + 1 points.
    tolerance : float, optional
        In place of `steps`: halve the intervals that contribute most to the completeness gap until
        it is at most this, relative, for each of the scores. All share one path, whose points wait
        in a temporary file until it is complete.
    max_steps : int
        Where such a path ends at the latest, then with a larger gap.
    memory : float
        GB that the work on one chunk may take, beside the network.
    chunk : int, optional
        Images, or points of a path, that go through the network at once, in place of what
        `memory` allows.

    Raises
    ------
    TypeError, ValueError
        If an argument is not one of these; the message names the argument and what is allowed.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"])
    >>> gradients.layer, gradients.point_gradient("odds").shape
    ('block5_pool', (1, 7, 7, 64))
    """

    def __init__(
        self, classifier, images, targets, layer=None, baseline="black", scores=SCORES, steps=50,
        tolerance=None, max_steps=1000, memory=MEMORY, chunk=None,
    ):  # fmt: skip
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
        self.scores = ordered_scores(scores)
        self.targets = np.array([classifier.class_index(t) for t in targets], np.int32)
        self.layer = classifier.default_layer if layer is None else layer
        self.baseline = baseline
        self.steps = steps
        self.tolerance = tolerance
        self.max_steps = max_steps
        self._passes = Passes(classifier, self.layer, self.scores, memory, chunk)
        if isinstance(baseline, str):
            check_choice("baseline", baseline, BASELINES)
        else:
            check_image(baseline)

    def _start(self, image):
        """The pixels at which the path to an image begins: float (height, width, 3)."""
        start = self.baseline
        if isinstance(start, str):
            start = baseline_image(start, image, *self.classifier.input_size)
        return self.classifier.pixels([start])[0]

    @cached_property
    def _point(self):
        """The Points at the images."""
        place = {row: i for i, rows in enumerate(self._rows.values()) for row in rows}
        rows = np.array([place[row] for row in range(len(self.images))])
        return self._passes.points([self.images[row] for row in self._rows], rows, self.targets)

    @cached_property
    def _rows(self):
        """For each distinct image, by the first row that it has, all its rows."""
        first, rows = {}, {}
        for row, image in enumerate(self.images):
            same = first.setdefault((image.shape, image.tobytes()), row)
            rows.setdefault(same, []).append(row)
        return rows

    @property
    def activations(self):
        """ndarray, float (N, h, w, channels): Activations of the layer at the images."""
        return self._point.layer.values

    @property
    def logit(self):
        """ndarray, float (N,): The target's logit."""
        return self._point.logit

    @property
    def log_odds(self):
        """ndarray, float (N,): The target's log-odds."""
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
        self._check_asked(score)
        layer = self._point.layer
        if score == "pre":
            return layer.of_logit
        factor = score_factor(score, self.log_odds).astype(layer.of_log_odds.dtype)
        return factor[:, None, None, None] * layer.of_log_odds

    @cached_property
    def logit_gradients(self):
        """ndarray, float (N, classes, h, w, channels): The gradients of all logits at the images.

        One array for each class, made in chunks that bound the memory beside the result. Of a
        thousand classes the result itself is large; where a sum over the classes is wanted,
        `xai_utils.study.contrast.combine_logit_gradients` needs one backward pass.
        """
        chunk, split = self._passes.head_chunk, self._passes.split
        return np.stack([split.logit_gradients(row, chunk) for row in self.activations])

    def path(self, at="layer"):
        """Path integrals down to the layer, or to the RGB pixels: `PathIntegrals`.

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
        spacing = Spacing(self.steps, self.tolerance, self.max_steps)
        paths = {}
        for first, rows in self._rows.items():
            image, targets = self.images[first], self.targets[rows]
            found = self._passes.paths(image, self._start(image), targets, to_pixels, spacing)
            paths |= zip(rows, found, strict=True)
        paths = [paths[row] for row in range(len(self.images))]
        curves = {name: tuple(path.pop(name) for path in paths) for name in CURVES}
        arrays = tf.nest.map_structure(lambda *parts: np.stack(parts), *paths)
        return PathIntegrals(**arrays, **curves)

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
        self._check_asked(score)
        if positive and at != "layer":
            raise ValueError(
                f"positive gradients are integrated at the layer only; given: at={at!r}"
            )
        sums = self.path(at).sums
        site = (
            "positive" if positive else "pixels" if at == "pixels" and "pixels" in sums else "layer"
        )
        return sums[site][:, self.scores.index(score)]

    def _check_asked(self, score):
        check_score(score)
        if score not in self.scores:
            raise ValueError(
                f"score {score!r} is not among those that these gradients were made for: "
                f"{list_names(self.scores)}; name it in ScoreGradients(..., scores=...)"
            )
