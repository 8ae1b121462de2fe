"""A network in two halves, image → activations → logits, and the compiled work on them."""

from functools import partial
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from xai_utils.scores import logit_and_log_odds


class Site(NamedTuple):
    """Values at some place in the network, and the two gradients with respect to them.

    All are float (points, height, width, channels).
    """

    values: np.ndarray
    of_logit: np.ndarray
    of_log_odds: np.ndarray


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
    pixels : tf.TensorSpec
        Of the pixels, with None for N: any number of images runs through one compiled function.
    """

    def __init__(self, trunk, head, pixels):
        self.trunk = trunk
        self.head = head
        # A partial function has no code object of its own. By that object, TensorFlow would take
        # the functions of several networks for one that is traced again and again, and warn.
        signature = [pixels, tf.TensorSpec((None,), tf.int32)]
        self._at_layer, self._at_pixels = (
            tf.function(partial(self._points, to_pixels=down), input_signature=signature)
            for down in (False, True)
        )
        self._logit_gradients = tf.function(partial(self._logit_jacobian))

    def points(self, pixels, targets, to_pixels=False):
        """Scores, activations and gradients of some images.

        Parameters
        ----------
        pixels : ndarray, float (N, height, width, 3)
        targets : ndarray, int32 (N,)
        to_pixels : bool
            Also differentiate through the trunk, down to the pixels.

        Returns
        -------
        Points

        Raises
        ------
        ValueError
            If no gradient reaches the activations or the pixels.
        """
        work = self._at_pixels if to_pixels else self._at_layer
        results = work(tf.constant(pixels), tf.constant(targets))
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

    def _points(self, pixels, targets, to_pixels):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as below:
            if to_pixels:
                below.watch(pixels)
            activations = self.trunk(pixels)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as above:
            above.watch(activations)
            scores = logit_and_log_odds(self.head(activations), targets)
        gradients = [above.gradient(score, activations) for score in scores]
        points = Points(*scores, Site(activations, *gradients))
        if not to_pixels:
            return points
        down = [below.gradient(activations, pixels, output_gradients=g) for g in gradients]
        return points._replace(pixels=Site(pixels, *down))

    def logit_gradients(self, activations):
        """The gradients of all logits with respect to the activations.

        Parameters
        ----------
        activations : ndarray, float (N, h, w, channels)

        Returns
        -------
        ndarray, float (N, classes, h, w, channels)
        """
        return np.asarray(self._logit_gradients(tf.constant(activations)))

    def _logit_jacobian(self, activations):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(activations)
            logits = self.head(activations)
        return tape.batch_jacobian(logits, activations)
