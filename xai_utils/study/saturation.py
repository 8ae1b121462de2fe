"""Gradients by automatic differentiation of the usual functions, and what float32 does to them.

The gradient of y_c weighs the target's own logit with 1 - y_c. Of that, float32 keeps nothing from
a log-odds of 17 on, and what stands in its place depends on the processor: TensorFlow's softmax
gives exactly 1 where its vector loop is AVX-512's, and in the last few rows of a batch everywhere;
on other processors it gives 1 - 2^-24 in the rows of the vector loop. Both are made here, in the
same way on every machine (`rounded_complement`). See `scores` for the form that needs neither.
"""

from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice
from xai_utils.scores import logit_and_log_odds, score_value

# What y_c becomes at saturation
ROUNDINGS = ("to 1", "below 1")
SPACING_BELOW_ONE = 2.0**-24  # of float32
LOST_ABOVE = -np.log(SPACING_BELOW_ONE)  # the log-odds from which "to 1" leaves nothing: 16.6


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


def rounded_complement(rounding, log_odds):
    """What float32 leaves of 1 - y_c, by one of the two roundings that processors have.

    Parameters
    ----------
    rounding : {"to 1", "below 1"}
        "to 1": y_c is 1 / (1 + e^-o), the sum and the quotient rounded to the nearest float32; it
        is exactly 1 for a log-odds above LOST_ABOVE. "below 1": y_c is rounded to the nearest
        float32, but never above 1 - SPACING_BELOW_ONE.
    log_odds : ndarray, float (...)

    Returns
    -------
    ndarray, float64 (...)
        A multiple of SPACING_BELOW_ONE.
    """
    check_choice("rounding", rounding, ROUNDINGS)
    if rounding == "to 1":
        total = (1 + np.exp(-np.asarray(log_odds, np.float64))).astype(np.float32)
        return 1 - (1 / total).astype(np.float64)
    y = score_value("post", log_odds, log_odds).astype(np.float32)
    return np.maximum(1 - y.astype(np.float64), SPACING_BELOW_ONE)


def rounded_weights(rounding, probabilities, log_odds, targets):
    """The weights of the logits' gradients in the gradient of y_c, as float32 has them.

    The gradient is y_c times the sum of these weights times the gradients of the logits (paper 7):
    1 - y_c for the target, -y_i for the others. Of these, only 1 - y_c suffers. With log y_c in
    place of y_c the weights are the same, without the factor.

    Parameters
    ----------
    rounding : {"to 1", "below 1"}
    probabilities : ndarray, float64 (N, classes)
    log_odds : ndarray, float64 (N,)
        Of the targets.
    targets : ndarray, int (N,)

    Returns
    -------
    ndarray, float64 (N, classes)
        Without rounding, each row would add up to 0.
    """
    of_target = np.eye(probabilities.shape[1], dtype=bool)[targets]
    return np.where(of_target, rounded_complement(rounding, log_odds)[:, None], -probabilities)


def scale_logits(classifier, factor):
    """The classifier with all logits multiplied: saturation changes, and nothing else.

    Parameters
    ----------
    classifier : Classifier
        It is not changed.
    factor : float

    Returns
    -------
    Classifier
    """
    logits = classifier.network.output
    scaled = keras.layers.Rescaling(factor, dtype=logits.dtype, name=f"times_{factor:g}")(logits)
    network = keras.Model(classifier.network.input, scaled)
    return replace(classifier, network=network, name=f"{classifier.name}@{factor:g}")
