"""A network in two halves, image → activations → logits, and the compiled work on them."""

from functools import partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from xai_utils.scores import SCORES, logit_and_log_odds


class Site(NamedTuple):
    """Values at some place in the network, and the two gradients with respect to them.

    All are float (points, height, width, channels); a gradient that no score needs is ().
    """

    values: np.ndarray
    of_logit: np.ndarray | tuple
    of_log_odds: np.ndarray | tuple


class Points(NamedTuple):
    """What the network says of some images, and why.

    Attributes
    ----------
    logit, log_odds : ndarray, float (points,)
        Of the target class.
    layer : Site
    pixels : Site or ()
        At the RGB pixels, if asked for.
    """

    logit: np.ndarray
    log_odds: np.ndarray
    layer: Site
    pixels: Site | tuple = ()


class SplitNetwork:
    """A classifier cut in two at a layer.

    Two backward passes serve all four scores: one for the target's logit, one for its log-odds.

    Parameters
    ----------
    trunk : callable
        From RGB pixels (N, height, width, 3) to activations (N, h, w, channels).
    head : callable
        From activations to logits (N, classes).
    small_head : bool
        Whether the head is small beside the trunk.
    """

    def __init__(self, trunk, head, small_head=False):
        self.trunk = trunk
        self.head = head
        self.small_head = small_head
        self._compiled = {}

    def activations(self, pixels):
        """The activations of some images.

        Parameters
        ----------
        pixels : ndarray, float (N, height, width, 3)

        Returns
        -------
        ndarray, float (N, h, w, channels)
        """
        return np.asarray(self._run(self.trunk, pixels))

    def logits(self, activations):
        """The logits of some images.

        Parameters
        ----------
        activations : ndarray, float (N, h, w, channels)

        Returns
        -------
        ndarray, float (N, classes)
        """
        return np.asarray(self._run(self.head, activations))

    def at_layer(self, activations, targets, scores=SCORES):
        """The scores of some images and their gradients, from the activations.

        Parameters
        ----------
        activations : ndarray, float (N, h, w, channels)
        targets : ndarray, int32 (N,)
        scores : sequence of {"pre", "post", "log", "odds"}
            For which gradients are needed: "pre" has a backward pass of its own, the others share
            one.

        Returns
        -------
        Points

        Raises
        ------
        ValueError
            If no gradient reaches the activations.
        """
        return self._points(self._at_layer, activations, targets, scores)

    def at_pixels(self, pixels, targets, scores=SCORES):
        """The same from the RGB pixels, with gradients at the layer and at the pixels."""
        return self._points(self._at_pixels, pixels, targets, scores)

    def _points(self, work, values, targets, scores):
        wanted = ("pre" in scores, any(score != "pre" for score in scores))
        results = self._run(work, values, targets, wanted=wanted)
        for place, site in (
            ("activations of this layer", results.layer),
            ("pixels", results.pixels),
        ):
            if None in site:
                raise ValueError(
                    f"no gradient reaches the {place}: the network rounds, compares or casts to "
                    "whole numbers on the way. Read activations at a layer after that, with a "
                    "Grad-CAM method"
                )
        return tf.nest.map_structure(np.asarray, results)

    def _run(self, work, *arrays, **fixed):
        """Call a function, compiled once for any number of images."""
        tensors = [tf.constant(array) for array in arrays]
        key = (work, *fixed.values())
        if key not in self._compiled:
            signature = [tf.TensorSpec((None, *t.shape[1:]), t.dtype) for t in tensors]
            # A partial function has no code object of its own. By that object, TensorFlow would
            # take the functions of several networks for one that is traced again, and warn. No
            # `if` here asks a tensor, and looking for one would take time.
            self._compiled[key] = tf.function(
                partial(work, **fixed), input_signature=signature, autograph=False
            )
        return self._compiled[key](*tensors)

    def _at_layer(self, activations, targets, wanted):
        if all(wanted) and self.small_head:
            return self._stacked(activations, targets)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(activations)
            scores = logit_and_log_odds(self.head(activations), targets)
        gradients = [
            tape.gradient(score, activations) if asked else ()
            for asked, score in zip(wanted, scores, strict=True)
        ]
        return Points(*scores, Site(activations, *gradients))

    def _stacked(self, activations, targets):
        """Both gradients in one backward pass, of the batch put twice through the head.

        A fully connected layer spends its time on reading its weights, so that twice the images
        cost less than a second pass.
        """
        count = tf.shape(activations)[0]
        twice = tf.concat([activations, activations], axis=0)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(twice)
            logit, log_odds = logit_and_log_odds(self.head(twice), tf.tile(targets, [2]))
            total = tf.reduce_sum(logit[:count]) + tf.reduce_sum(log_odds[count:])
        gradient = tape.gradient(total, twice)
        gradients = (gradient, gradient) if gradient is None else tf.split(gradient, 2)
        return Points(logit[:count], log_odds[count:], Site(activations, *gradients))

    def _at_pixels(self, pixels, targets, wanted):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(pixels)
            activations = self.trunk(pixels)
        points = self._at_layer(activations, targets, wanted)
        down = [
            tape.gradient(activations, pixels, output_gradients=gradient) if asked else ()
            for asked, gradient in zip(wanted, points.layer[1:], strict=True)
        ]
        return points._replace(pixels=Site(pixels, *down))

    def logit_gradients(self, activations, chunk):
        """The gradients of all logits with respect to the activations of one image.

        Parameters
        ----------
        activations : ndarray, float (h, w, channels)
        chunk : int
            Classes in one pass, each with a copy of the activations.

        Returns
        -------
        ndarray, float (classes, h, w, channels)
        """
        classes = self.logits(activations[None]).shape[1]
        one = np.eye(classes, dtype=activations.dtype)
        return np.concatenate(
            [
                self._run(
                    self._combined,
                    np.broadcast_to(activations, (len(rows), *activations.shape)),
                    rows,
                )
                for rows in (one[i : i + chunk] for i in range(0, len(one), chunk))
            ]
        )

    def _combined(self, activations, weights):
        """The gradient of a weighted sum of the logits, with weights of its own for each point."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(activations)
            logits = self.head(activations)
        return tape.gradient(logits, activations, tf.cast(weights, logits.dtype))
