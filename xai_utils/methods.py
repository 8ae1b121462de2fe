"""The attribution methods: one short function each, of the gradients and a score.

Maps are as the formulas give them, not normalised, and at the resolution of the layer.
"""

from typing import Protocol, runtime_checkable

import numpy as np

from xai_utils.checks import check_choice
from xai_utils.scores import check_score

RSI_VARIANTS = ("select", "positive_gradients")


@runtime_checkable
class PointGradients(Protocol):
    """What a method that reads one point asks for; `ScoreGradients` has it, for N images."""

    activations: np.ndarray  #: float (N, h, w, channels)

    def point_gradient(self, score):
        """The gradient of a score with respect to the activations: float (N, h, w, channels)."""


@runtime_checkable
class PathGradients(PointGradients, Protocol):
    """What a method that integrates along a path asks for, beside `PointGradients`."""

    def path(self, at="layer"):
        """The path: `PathIntegrals`."""

    def path_integral(self, score, at="layer", positive=False):
        """The Riemann-Stieltjes sum of a score's gradient: float (N, h, w, channels)."""


def grad_cam(gradients, score):
    """Grad-CAM (Selvaraju et al. 2016, arXiv 1610.02391, eqs. 1-2).

    Parameters
    ----------
    gradients : PointGradients
        For N images.
    score : {"pre", "post", "log", "odds"}

    Returns
    -------
    ndarray, float32 (N, h, w)
        Not normalised, at the layer's resolution, >= 0.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"])
    >>> heatmap = grad_cam(gradients, "odds")[0]
    >>> heatmap.shape, bool(heatmap.min() >= 0)
    ((7, 7), True)

    At one point `post` and `odds` have one map, but for its size.

    >>> np.allclose(normalise(heatmap), normalise(grad_cam(gradients, "post")[0]), atol=1e-5)
    True
    """
    weights = gradients.point_gradient(score).mean(axis=(1, 2))
    return _weighted_sum(weights, gradients.activations)


def grad_cam_plus(gradients, score):
    """Grad-CAM+: Grad-CAM with the positive gradients only (Lerma and Lucas, arXiv 2205.10838).

    Parameters and result are those of `grad_cam`.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"])
    >>> grad_cam_plus(gradients, "odds").shape
    (1, 7, 7)
    """
    weights = np.maximum(gradients.point_gradient(score), 0).mean(axis=(1, 2))
    return _weighted_sum(weights, gradients.activations)


def grad_cam_plus_plus(gradients, score):
    """Grad-CAM++ (Chattopadhay et al. 2017, arXiv 1710.11063, eqs. 10 and 19).

    The coefficient ``g^2 / (2 g^2 + g^3 sum A)`` is computed as ``1 / (2 + g sum A)``, which is the
    same for g other than 0 and does not underflow where the score saturates.

    Parameters and result are those of `grad_cam`.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"])
    >>> grad_cam_plus_plus(gradients, "pre").shape
    (1, 7, 7)
    """
    gradient, activations = gradients.point_gradient(score), gradients.activations
    denominator = 2 + gradient * activations.sum(axis=(1, 2), keepdims=True)
    # a channel with a negative sum can bring the denominator to zero; it then has no weight
    coefficients = np.divide(
        1, denominator, out=np.zeros_like(denominator), where=(gradient != 0) & (denominator != 0)
    )
    weights = (coefficients * np.maximum(gradient, 0)).sum(axis=(1, 2))
    return _weighted_sum(weights, activations)


def rsi_grad_cam(gradients, score, variant="select"):
    """RSI-Grad-CAM (Lucas, Lerma, Furst and Raicu 2022, arXiv 2205.10900).

    Parameters
    ----------
    gradients : PathGradients
        For N images; its baseline and steps make the path.
    score : {"pre", "post", "log", "odds"}
    variant : {"select", "positive_gradients"}
        How the authors keep the positive part of the integral R. "select" (their Keras notebooks
        of 2022): R where R, the activation and its change along the path are positive, else 0.
        "positive_gradients" (their PyTorch notebooks of 2023): gradients are clipped at zero
        before they are integrated.

    Returns
    -------
    ndarray, float32 (N, h, w)
        Not normalised, at the layer's resolution, >= 0.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"], steps=10)
    >>> rsi_grad_cam(gradients, "post").shape
    (1, 7, 7)
    """
    check_score(score)
    check_choice("RSI-Grad-CAM variant", variant, RSI_VARIANTS)
    path = gradients.path()
    if variant == "positive_gradients":
        kept = gradients.path_integral(score, positive=True)
    else:
        integral = gradients.path_integral(score)
        kept = np.where((path.end > 0) & (path.end > path.start), np.maximum(integral, 0), 0)
    return _weighted_sum(kept.mean(axis=(1, 2)), path.end)


def integrated_gradients(gradients, score):
    """Integrated Gradients (Sundararajan, Taly and Yan 2017, arXiv 1703.01365, eq. 1).

    The integral is the trapezoid rule over the points of the path, at the pixels: the layer of
    `gradients` plays no part.

    Parameters
    ----------
    gradients : PathGradients
        For N images; its baseline and steps make the path.
    score : {"pre", "post", "log", "odds"}

    Returns
    -------
    ndarray, float32 (N, height, width, 3)
        Signed, for the RGB pixels at the size of the network's input.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"], steps=2)
    >>> integrated_gradients(gradients, "post").shape
    (1, 224, 224, 3)
    """
    return gradients.path_integral(score, at="pixels").astype(np.float32)


def _weighted_sum(weights, activations):
    """ReLU of the sum over channels of weight times activation: float32 (N, h, w)."""
    total = np.einsum("nk,nhwk->nhw", weights, activations)
    return np.maximum(total, 0).astype(np.float32)


# those that read one point, by the name of their notebook
POINT_METHODS = {
    "grad_cam": grad_cam,
    "grad_cam_plus": grad_cam_plus,
    "grad_cam_plus_plus": grad_cam_plus_plus,
}
