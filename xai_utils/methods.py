"""The attribution methods: one short function each, of the gradients and a score.

Maps are as the formulas give them, not normalised, and at the resolution of the layer.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from xai_utils.checks import check_choice
from xai_utils.scores import check_score, negligible_change, score_value

RSI_VARIANTS = ("select", "positive_gradients")


@runtime_checkable
class PointGradients(Protocol):
    """What a method that reads one point asks for; `ScoreGradients` has it, for N images."""

    activations: np.ndarray  # float (N, h, w, channels)

    def point_gradient(self, score):
        """The gradient of a score with respect to the activations: float (N, h, w, channels)."""


@runtime_checkable
class PathGradients(PointGradients, Protocol):
    """What a method that integrates along a path asks for."""

    def path(self, at="layer"):
        """The path: PathIntegrals."""

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
        >= 0.
    """
    weights = gradients.point_gradient(score).mean(axis=(1, 2))
    return _weighted_sum(weights, gradients.activations)


def grad_cam_plus(gradients, score):
    """Grad-CAM+: Grad-CAM with the positive gradients only (Lerma and Lucas, arXiv 2205.10838).

    Parameters and result are those of `grad_cam`.
    """
    weights = np.maximum(gradients.point_gradient(score), 0).mean(axis=(1, 2))
    return _weighted_sum(weights, gradients.activations)


def grad_cam_plus_plus(gradients, score):
    """Grad-CAM++ (Chattopadhay et al. 2017, arXiv 1710.11063, eqs. 10 and 19).

    The coefficient g^2 / (2 g^2 + g^3 sum A) is computed as 1 / (2 + g sum A), which is the same
    for g other than 0 and does not underflow where the score saturates.

    Parameters and result are those of `grad_cam`.
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
        >= 0.
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
    """
    return gradients.path_integral(score, at="pixels").astype(np.float32)


def _weighted_sum(weights, activations):
    """ReLU of the sum over channels of weight times activation: float32 (N, h, w)."""
    total = np.einsum("nk,nhwk->nhw", weights, activations)
    return np.maximum(total, 0).astype(np.float32)


@dataclass(frozen=True)
class Completeness:
    """Both sides of the completeness equation of a path method, for N images.

    Attributes
    ----------
    attributed : ndarray, float64 (N,)
        The sum of the integral over all units.
    change : ndarray, float64 (N,)
        Score at the image minus score at the baseline.
    gap : ndarray, float64 (N,)
        abs(attributed - change) / abs(change); 0 if both are negligible.
    negligible : ndarray, float64 (N,)
        The change of the score below which there is nothing to attribute.
    steps : ndarray, int (N,)
        Intervals of the path.
    tolerance : float or None
        That the path was to reach; None for a path of equal steps.
    """

    attributed: np.ndarray
    change: np.ndarray
    gap: np.ndarray
    negligible: np.ndarray
    steps: np.ndarray
    tolerance: float | None


def completeness(gradients, score, at="layer"):
    """How far a path integral is from the change of the score that it should add up to.

    Parameters
    ----------
    gradients : ScoreGradients
        For N images.
    score : {"pre", "post", "log", "odds"}
    at : {"layer", "pixels"}
        "layer" for RSI-Grad-CAM (the integral before anything is masked), "pixels" for
        Integrated Gradients.

    Returns
    -------
    Completeness
    """
    attributed = gradients.path_integral(score, at).sum(axis=(1, 2, 3), dtype=np.float64)
    path = gradients.path(at)
    ends = [np.stack([curve[[0, -1]] for curve in c]) for c in (path.logit, path.log_odds)]
    start, end = score_value(score, *ends).T
    change = end - start
    negligible = np.array([negligible_change(score, *pair) for pair in zip(*ends, strict=True)])
    error = np.abs(attributed - change)
    some = (np.abs(attributed) > negligible) | (np.abs(change) > negligible)
    with np.errstate(divide="ignore"):
        gap = np.divide(error, np.abs(change), out=np.zeros_like(error), where=some)
    steps = np.array([len(alphas) - 1 for alphas in path.alphas])
    return Completeness(attributed, change, gap, negligible, steps, gradients.tolerance)


LARGE_GAP = 0.05  # above it a path has too few steps
SMALL_GAP = 0.01


def round_up(value):
    """The next larger of 1, 2, 5, 10, 20, 50, ... and of 0.1, 0.2, 0.5, ...: float.

    For numbers that are known in size only. A point of a path can lie beside the kink of a ReLU or
    of a pooling; on which side is decided by the last digits, and the gap changes by some per cent
    of itself.

    Parameters
    ----------
    value : float
        > 0.
    """
    power = 10.0 ** np.floor(np.log10(value))
    return next(float(step * power) for step in (1, 2, 5, 10) if value <= step * power * (1 + 1e-9))


def describe_gap(gap):
    """A completeness gap as an upper bound: "5%" says that it is at most that."""
    return f"{round_up(max(gap, 1e-3)):.1%}".replace(".0%", "%") if np.isfinite(gap) else "inf"


def describe_completeness(balance):
    """One line on the first image's completeness, and what would mend a large gap.

    Parameters
    ----------
    balance : Completeness

    Returns
    -------
    str
    """
    change, gap, steps = balance.change[0], balance.gap[0], balance.steps[0]
    if abs(change) <= balance.negligible[0]:
        line = "the score is the same at both ends of the path: there is nothing to attribute"
        attributed = abs(balance.attributed[0])
        if attributed <= balance.negligible[0]:
            return line
        return f"{line}, and yet the sum is up to {round_up(attributed):g}: raise steps"
    line = f"score changes by {change:.3g}, attributed to within {describe_gap(gap)} of that"
    if balance.tolerance is not None:
        reached = f"{line}, with {steps} steps"
        if gap <= balance.tolerance:
            return reached
        return f"{reached}; the tolerance of {balance.tolerance:g} was not reached: raise max_steps"
    if gap <= LARGE_GAP:
        return line
    # across the kinks of ReLUs and poolings the error falls as steps^-1, between them faster
    enough = round_up(steps * gap / SMALL_GAP)
    return (
        f"{line}; above {LARGE_GAP:.0%}: some {enough:.0f} steps instead of {steps} would bring it "
        f"near {SMALL_GAP:.0%}"
    )
