"""One class against the others: weighted sums of the gradients of all logits.

Each of these is the gradient of some score of the class c, written as a sum over all classes of a
weight times the gradient of the logit. They are compared with the four scores of `scores`.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice
from xai_utils.classifier import softmax

CONTRASTS = ("mean", "max", "weighted", "rest")


def contrast_weights(name, logits, targets):
    """The weight of each logit's gradient in a contrast.

    Mean, max and weighted contrast are those of Y. Wang and X. Wang, "Why Not Other Classes?"
    (NeurIPS 2022): the logit of the target minus the mean of the other logits, minus the largest
    of them, and minus their mean weighted with the softmax over the other classes. "rest" is the
    Residual Softmax Target-class score of H. Cai (arXiv 2501.06261), z_c + log y_c.

    Parameters
    ----------
    name : {"mean", "max", "weighted", "rest"}
    logits : ndarray, float (N, classes)
    targets : ndarray, int (N,)

    Returns
    -------
    ndarray, float64 (N, classes)
        Each row adds up to 0, for "rest" to 1.

    Raises
    ------
    ValueError
        If there is no contrast of that name.
    """
    check_choice("contrast", name, CONTRASTS)
    logits = np.asarray(logits, np.float64)
    of_target = np.eye(logits.shape[1])[targets]
    if name == "rest":
        return 2 * of_target - softmax(logits)
    if name == "mean":
        return of_target - (1 - of_target) / (logits.shape[1] - 1)
    of_others = np.where(of_target == 1, -np.inf, logits)
    if name == "max":
        return of_target - np.eye(logits.shape[1])[of_others.argmax(axis=1)]
    return of_target - softmax(of_others)


def combine_logit_gradients(head, activations, weights):
    """The sum over the classes of weight times gradient of the logit, in one backward pass.

    Parameters
    ----------
    head : callable
        From activations to logits, as in `SplitNetwork`.
    activations : ndarray, float (N, h, w, channels)
    weights : ndarray, float (N, classes)

    Returns
    -------
    ndarray, float (N, h, w, channels)
        In the type of the activations.
    """
    x = tf.constant(activations)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        logits = head(x)
    weights = tf.constant(weights, logits.dtype)
    return np.asarray(tape.gradient(logits, x, output_gradients=weights))


@dataclass(frozen=True)
class GivenGradients:
    """Gradients computed elsewhere, for the methods that read `ScoreGradients` at one point.

    Attributes
    ----------
    activations : ndarray, float (N, h, w, channels)
    gradients : dict of ndarray, float (N, h, w, channels)
        By any names; a method takes the name in place of a score.
    """

    activations: np.ndarray
    gradients: dict

    def point_gradient(self, name):
        """The gradient of that name."""
        return self.gradients[name]


def unit_vectors(gradients):
    """Gradients as flat vectors of length one: ndarray, float64 (N, units)."""
    flat = np.reshape(gradients, (len(gradients), -1)).astype(np.float64)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)
