"""A network in two halves, image → activations → logits, and the compiled work on them."""

from functools import partial

import tensorflow as tf

from xai_utils.scores import SCORES, logit_and_log_odds, score_factor


class SplitNetwork:
    """A classifier cut in two at a layer.

    Two backward passes serve all four scores: one for the target's logit, one for its log-odds.

    Parameters
    ----------
    trunk : callable
        From RGB pixels (N, height, width, 3) to activations (N, h, w, channels).
    head : callable
        From activations to logits (N, classes).
    """

    def __init__(self, trunk, head):
        self.trunk = trunk
        self.head = head
        # A partial function has no code object of its own. By that object, TensorFlow would take
        # the functions of several networks for one that is traced again and again, and warn.
        self.point = tf.function(partial(self.point))
        self.logit_gradients = tf.function(partial(self.logit_gradients))
        self.path_chunk = tf.function(partial(self.path_chunk))

    def point(self, pixels, targets):
        """Activations, and both gradients with respect to them.

        Parameters
        ----------
        pixels : tf.Tensor, float (N, height, width, 3)
        targets : tf.Tensor, int (N,)

        Returns
        -------
        activations : tf.Tensor, float (N, h, w, channels)
        scores : tuple of tf.Tensor, float (N,)
            The target's logit and log-odds.
        gradients : tuple of tf.Tensor, float (N, h, w, channels)
            Of the logit and of the log-odds.
        """
        activations = self.trunk(pixels)
        return activations, *self._head_gradients(activations, targets)

    def logit_gradients(self, activations):
        """The gradients of all logits with respect to the activations.

        Parameters
        ----------
        activations : tf.Tensor, float (N, h, w, channels)

        Returns
        -------
        tf.Tensor, float (N, classes, h, w, channels)
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(activations)
            logits = self.head(activations)
        return tape.batch_jacobian(logits, activations)

    def _head_gradients(self, activations, targets):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(activations)
            scores = logit_and_log_odds(self.head(activations), targets)
        return scores, tuple(tape.gradient(score, activations) for score in scores)

    def path_chunk(self, alphas, image, baseline, target, carry, to_pixels):
        """The share of a run of points in the Riemann-Stieltjes sums along a straight path.

        The path goes from baseline to image in pixels. With points l = 0..m, values v (the
        activations, or the pixels) and gradients g, the sum is the trapezoid rule
        sum_l (g_l + g_{l+1}) / 2 * (v_{l+1} - v_l). The first interval of a run begins at the
        last point of the run before it, which `carry` holds. A point that repeats the one before
        adds nothing, so a run can be filled up to the common length with copies of its last one.

        Parameters
        ----------
        alphas : tf.Tensor, float (points,)
            Positions on the path, from 0 at the baseline to 1 at the image.
        image, baseline : tf.Tensor, float (height, width, 3)
            RGB in [0, 255].
        target : tf.Tensor, int ()
        carry : dict or None
            What the run before returned; None for the first.
        to_pixels : bool
            Also differentiate through the trunk, down to the pixels.

        Returns
        -------
        sums : dict
            "layer" and "positive" (gradients clipped at zero first), float (4, h, w, channels)
            in the order of SCORES, and with `to_pixels` "pixels", float (4, height, width, 3).
        scores : tuple of tf.Tensor, float (points,)
            Logit and log-odds at the points.
        activations : tf.Tensor, float (points, h, w, channels)
        carry : dict
            For the next run.
        """
        alphas = alphas[:, None, None, None]
        pixels = (1 - alphas) * baseline + alphas * image
        targets = tf.fill(tf.shape(pixels)[:1], target)
        if to_pixels:
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                tape.watch(pixels)
                activations = self.trunk(pixels)
        else:
            activations = self.trunk(pixels)
        scores, gradients = self._head_gradients(activations, targets)
        here = {"factors": _factors(scores[1]), "layer": (activations, gradients)}
        if to_pixels:
            here["pixels"] = (
                pixels,
                tuple(tape.gradient(activations, pixels, output_gradients=g) for g in gradients),
            )
        carry = tf.nest.map_structure(lambda t: t[:1], here) if carry is None else carry
        run = tf.nest.map_structure(lambda a, b: tf.concat([a, b], axis=0), carry, here)
        factors = run.pop("factors")
        values, signed = run["layer"]
        run["positive"] = (values, tuple(tf.nn.relu(g) for g in signed))
        sums = {site: _riemann_stieltjes(*run[site], factors) for site in run}
        return sums, scores, activations, tf.nest.map_structure(lambda t: t[-1:], here)


def _factors(log_odds):
    """The factors of ``post``, ``log`` and ``odds`` at each point: (points, 3)."""
    return tf.stack([score_factor(score, log_odds) for score in SCORES[1:]], axis=-1)


def _riemann_stieltjes(values, gradients, factors):
    """Trapezoid sums over the first axis for the four scores: (4, ...)."""
    steps = values[1:] - values[:-1]
    factors = tf.cast(factors, steps.dtype)
    of_logit, of_log_odds = (
        _weighted(weights[:-1], g[:-1] * steps) + _weighted(weights[1:], g[1:] * steps)
        for weights, g in zip((tf.ones_like(factors[:, :1]), factors), gradients, strict=True)
    )
    return tf.concat([of_logit, of_log_odds], axis=0) / 2


def _weighted(weights, terms):
    """Sums of terms (points, ...) with weights (points, k): (k, ...)."""
    flat = tf.reshape(terms, (tf.shape(terms)[0], -1))
    sums = tf.matmul(weights, flat, transpose_a=True)
    return tf.reshape(sums, tf.concat([tf.shape(weights)[1:], tf.shape(terms)[1:]], axis=0))
