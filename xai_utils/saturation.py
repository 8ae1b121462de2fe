"""Gradients by automatic differentiation of the usual functions.

In float32, the gradient through softmax is wrong once the probability rounds to one; see `scores`
for the form that is not, and tests/test_saturation.py for both.
"""

import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice
from xai_utils.scores import logit_and_log_odds


def _through_softmax(logits, targets):
    return tf.gather(tf.nn.softmax(logits), targets, batch_dims=1)


def _through_log_softmax(logits, targets):
    return tf.gather(tf.nn.log_softmax(logits), targets, batch_dims=1)


def _through_log_odds(logits, targets):
    return logit_and_log_odds(logits, targets)[1]


WAYS = {
    "softmax": _through_softmax,
    "log_softmax": _through_log_softmax,
    "log_odds": _through_log_odds,
}


def autodiff_gradient(way, head, activations, targets, dtype="float32"):
    """The gradient of a score of the target class as automatic differentiation gives it.

    Parameters
    ----------
    way : {"softmax", "log_softmax", "log_odds"}
        The score that is differentiated: the target's probability by ``tf.nn.softmax``, its
        logarithm by ``tf.nn.log_softmax``, or its log-odds by `logit_and_log_odds`.
    head : callable
        From activations to logits, as in `SplitNetwork`.
    activations : ndarray, float (N, h, w, channels)
    targets : ndarray, int (N,)
    dtype : {"float32", "float64"}
        Of the logits that the score is computed from; most networks have them in float32.

    Returns
    -------
    ndarray, float (N, h, w, channels)
        In the type of the activations.

    Raises
    ------
    ValueError
        If there is no such way.
    """
    check_choice("way to differentiate", way, WAYS)
    x = tf.constant(activations)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        values = WAYS[way](tf.cast(head(x), dtype), tf.constant(targets))
    return np.asarray(tape.gradient(values, x))
