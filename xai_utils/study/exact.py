"""Gradients of the four scores in float64, by automatic differentiation and nothing else."""

import numpy as np

from xai_utils.study.contrast import GivenGradients, combine_logit_gradients
from xai_utils.study.equivalent import in_precision
from xai_utils.study.saturation import autodiff_gradient

BY_WAY = {"post": "softmax", "log": "log_softmax", "odds": "log_odds"}


def differentiate(classifier, layer, targets, activations):
    """Differentiate each score through the function that defines it.

    No formula of this package is used, so the result can serve to test them.

    Parameters
    ----------
    classifier : Classifier
    layer : str
    targets : sequence of int (N,)
    activations : ndarray, float (N, h, w, channels)
        Of the layer.

    Returns
    -------
    head : callable
        From activations to logits, in float64.
    gradients : GivenGradients
        Of "pre", "post", "log" and "odds".
    """
    head = in_precision(classifier, "float64").split(layer).head
    points = np.asarray(activations, np.float64)
    found = {s: autodiff_gradient(w, head, points, targets, "float64") for s, w in BY_WAY.items()}
    one = np.eye(len(classifier.class_names))[targets]
    return head, GivenGradients(
        points, {"pre": combine_logit_gradients(head, points, one), **found}
    )
