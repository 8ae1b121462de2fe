"""Differences between scores with intervals, over images that are not independent."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.stats import friedmanchisquare, spearmanr

LAST = 12  # decimals; what comes after them hangs on the order of a sum
RESAMPLES = 4000
LEVEL = 0.05  # of an error, in a whole family of comparisons


class Difference(NamedTuple):
    """The mean of paired differences, and how far it is known.

    Attributes
    ----------
    mean : float
    low, high : float
        Ends of its 95 % interval.
    inner_low, inner_high : float
        Ends of its 90 % interval, for the test of equivalence.
    p : float
        Two-sided, of no difference.
    count : int
        Pairs.
    """

    mean: float
    low: float
    high: float
    inner_low: float
    inner_high: float
    p: float
    count: int

    def is_negligible(self, margin):
        """Whether it is shown to be smaller than a margin: two one-sided tests at 5 %.

        D. Schuirmann 1987 (doi 10.1007/BF01068419): the 90 % interval lies within the margin.
        """
        return -margin < self.inner_low and self.inner_high < margin

    def count_needed(self, margin):
        """Pairs after which the 90 % interval would be as narrow as the margin: int.

        From the width of this one, which shrinks with the root of the count.
        """
        half = (self.inner_high - self.inner_low) / 2
        return int(np.ceil(self.count * (half / margin) ** 2))


def paired_difference(first, second, *factors, seed=0):
    """The mean of first - second over images, by a bootstrap that respects what they share.

    For each factor its levels are drawn with replacement, and a pair counts as often as all its
    levels were drawn: the pigeonhole bootstrap, A. Owen 2007 (doi 10.1214/07-AOAS122), which is
    conservative. Two maps of one image are not two images, and a thousand scenes with twelve
    objects are not a thousand objects.

    Parameters
    ----------
    first, second : array_like, float (N,)
        Pairs in which one is NaN are left out.
    *factors : sequences of N labels, or of N pairs of labels
        What pairs may share: image, class of the object, network. Of what belongs to two networks
        both are given as one factor: it counts as often as the one was drawn times the other.
    seed : int

    Returns
    -------
    Difference

    Raises
    ------
    ValueError
        If fewer than two pairs, or fewer than two levels of a factor, are left.
    """
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    kept = np.isfinite(difference)
    difference = difference[kept]
    labels = tuple(tuple(np.asarray(factor)[kept].T.ravel()) for factor in factors)
    weights = _resample(len(difference), labels, seed)
    means = difference @ weights / weights.sum(axis=0)
    means = np.round(means, LAST)  # zero is zero on every processor
    low, inner_low, inner_high, high = np.quantile(means, [0.025, 0.05, 0.95, 0.975])
    tail = min(np.mean(means <= 0), np.mean(means >= 0))
    p = min(1.0, 2 * max(tail, 1 / len(means)))
    return Difference(difference.mean(), low, high, inner_low, inner_high, p, len(difference))


@lru_cache(maxsize=1)  # all pairs of scores and all methods are compared on the same images
def _resample(count, factors, seed):
    """How often each pair counts in each resample: float64 (count, up to RESAMPLES).

    A factor has one label a pair, or first one of all pairs and then another of all.
    """
    rng = np.random.default_rng(seed)
    weights = np.ones((count, RESAMPLES))
    for factor in factors:
        levels, place = np.unique(factor, return_inverse=True)
        if len(levels) < 2:
            raise ValueError(
                f"an interval needs at least two levels of each factor; given: {levels.tolist()}"
            )
        even = np.full(len(levels), 1 / len(levels))
        drawn = rng.multinomial(len(levels), even, RESAMPLES).T.astype(np.uint16, order="C")
        for column in place.reshape(-1, count):
            weights *= drawn[column]
    return weights[:, weights.any(axis=0)]


def holm(p_values):
    """P-values of a family, each adjusted for all (S. Holm 1979): ndarray, float (N,).

    Parameters
    ----------
    p_values : array_like, float (N,)
    """
    p = np.asarray(p_values, np.float64)
    order = p.argsort()
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def decide(difference, adjusted, margin):
    """What a difference says: "better", "worse", "equal" or "undecided".

    "better" and "worse" are said only of a difference that is not shown to be smaller than the
    margin: one that is sure and does not matter is "equal".

    Parameters
    ----------
    difference : Difference
    adjusted : float
        Its p-value, adjusted for its family.
    margin : float
        The smallest difference that matters.

    Returns
    -------
    str
    """
    if difference.is_negligible(margin):
        return "equal"
    if adjusted < LEVEL:
        return "better" if difference.mean > 0 else "worse"
    return "undecided"


def split_half_reliability(values, seed=0, splits=200):
    """How well the order of some maps by one half of the images agrees with that by the other.

    The median over random halves of Spearman's correlation of the means, stepped up to the whole
    by the formula of Spearman and Brown.

    Parameters
    ----------
    values : ndarray, float (images, maps)
        A measure of each kind of map for each image.

    Returns
    -------
    float
    """
    rng = np.random.default_rng(seed)
    half, found = len(values) // 2, []
    for _ in range(splits):
        order = rng.permutation(len(values))
        halves = values[order[:half]], values[order[half : 2 * half]]
        found.append(spearmanr(*(np.nanmean(rows, axis=0) for rows in halves)).statistic)
    r = np.median(found)
    return float(2 * r / (1 + r))


def kendalls_w(values):
    """How far several measures agree on the order of some maps: Kendall's W, from 0 to 1.

    M. Kendall and B. Babington Smith 1939 (doi 10.1214/aoms/1177732186), from Friedman's statistic.

    Parameters
    ----------
    values : array_like, float (measures, maps)

    Returns
    -------
    float
    """
    measures, maps = np.shape(values)
    return float(friedmanchisquare(*np.transpose(values)).statistic / (measures * (maps - 1)))
