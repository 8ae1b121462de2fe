"""How far a path integral is from the change of the score that it should add up to."""

from dataclasses import dataclass

import numpy as np

from xai_utils.scores import negligible_change, score_value

LARGE_GAP = 0.05  # above it a path has too few steps
SMALL_GAP = 0.01


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

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"], tolerance=0.05)
    >>> bool(completeness(gradients, "odds").gap[0] <= 0.05)
    True
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


def round_up(value):
    """The next larger of 1, 2, 5, 10, 20, 50, ... and of 0.1, 0.2, 0.5, ...: float.

    For numbers that are known in size only. A point of a path can lie beside the kink of a ReLU or
    of a pooling; on which side is decided by the last digits, and the gap changes by a tenth of
    itself or more. Near an edge the larger number is then a matter of the machine: what has to be
    the same on all of them is whether a gap is within a bound that is far from it.

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

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> gradients = ScoreGradients(classifier, [load_image("cat")], ["cat"], steps=10)
    >>> describe_completeness(completeness(gradients, "pre")).startswith("score changes by ")
    True
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
