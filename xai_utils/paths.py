"""Riemann-Stieltjes sums along a path of points, and where its points have to lie."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import tensorflow as tf

from xai_utils.scores import SCORES, negligible_change, score_factor, score_value
from xai_utils.shelf import Shelf
from xai_utils.split import Site

FIRST_STEPS = 16  # of a path that is refined, before anything is known about it
HALVED = 4  # intervals at once: few, since the halves of the first decide what is worst next


@dataclass(frozen=True)
class PathIntegrals:
    """Riemann-Stieltjes sums along the straight path from baseline to image, for N images.

    Attributes
    ----------
    sums : dict of ndarray, float (N, scores, h, w, channels)
        "layer": sum of gradient times change of activation, per unit.
        "positive": the same with gradients clipped at zero before. If asked for, "pixels":
        float (N, scores, height, width, 3), the same at the RGB pixels.
    alphas : tuple of ndarray, float64 (points,)
        For each image the points of its path, from 0 at the baseline to 1 at the image.
    logit : tuple of ndarray, float64 (points,)
        For each image, of the target class at the points.
    log_odds : tuple of ndarray, float64 (points,)
        The same.
    start : ndarray, float (N, h, w, channels)
        Activations at the baseline.
    end : ndarray, float (N, h, w, channels)
        Activations at the image.
    """

    sums: dict
    alphas: tuple
    logit: tuple
    log_odds: tuple
    start: np.ndarray
    end: np.ndarray


def integrate(batches, scores=SCORES):
    """The Riemann-Stieltjes sums of some scores along a path.

    With points l = 0..m, values v (activations, or pixels) and gradients g, the sum is the
    trapezoid rule sum_l (g_l + g_{l+1}) / 2 * (v_{l+1} - v_l).

    Parameters
    ----------
    batches : iterable of Points
        The points in their order, at least two; batches of any size.
    scores : sequence of {"pre", "post", "log", "odds"}
        In the order of SCORES.

    Returns
    -------
    dict
        "sums": dict of ndarray, float (scores, h, w, channels), "layer" at the layer, "positive"
        with gradients clipped at zero before, and if the points have it, "pixels". "logit",
        "log_odds": ndarray, float64 (m + 1,). "start", "end": the activations at the first and the
        last point, float (h, w, channels).
    """
    sums, curves, start, last = {}, [], None, None
    for batch in batches:
        curves.append([batch.logit, batch.log_odds])
        start = batch.layer.values[0] if start is None else start
        # the first interval of a batch begins at the last point of the batch before it
        run = batch if last is None else _concatenate([last, batch])
        sites = {"layer": run.layer, "positive": _clip_gradients(run.layer), "pixels": run.pixels}
        weights = _weights(run, scores)
        for name, site in sites.items():
            if site:
                sums[name] = sums.get(name, 0) + _site_sums(site, weights)
        last = tf.nest.map_structure(lambda array: array[-1:], batch)
    logit, log_odds = np.concatenate(curves, axis=1)
    end = last.layer.values[0]
    return {"sums": sums, "logit": logit, "log_odds": log_odds, "start": start, "end": end}


def refine(evaluate, tolerance, max_steps, batch, scores=SCORES):
    """Points of a path for which completeness holds to a tolerance.

    On every interval the change of a score is known exactly from its values, so the error of the
    trapezoid rule is known too. Those with the largest error are halved, a few at once, until what
    the errors add up to is at most the tolerance for every score, relative to its change along the
    whole path. The scores that are not there yet name their worst intervals in turn. A score whose
    change is negligible has nothing to be complete to, and takes no part.

    Where the points lie follows from this path alone, and not from `batch`.

    Parameters
    ----------
    evaluate : callable
        From positions on the path, float (n,), 0 at its start and 1 at its end, to Points.
    tolerance : float
        Of the completeness gap, relative.
    max_steps : int
        Intervals at the most; a path that reaches them ends above the tolerance.
    batch : int
        Positions that are evaluated at once.
    scores : sequence of {"pre", "post", "log", "odds"}
        In the order of SCORES.

    Returns
    -------
    alphas : ndarray, float64 (n,)
        The positions, ascending.
    batches : iterator of Points
        At these positions, `batch` at once.
    """
    points, errors = Shelf(), {}

    def add(alphas):
        for some in split_evenly(alphas, batch):
            evaluated = evaluate(some)
            for row, alpha in enumerate(some):
                points[alpha] = tf.nest.map_structure(lambda a, i=row: a[i : i + 1], evaluated)

    add(np.linspace(0, 1, min(FIRST_STEPS, max_steps) + 1))
    ends = _concatenate([points[0.0], points[1.0]])
    whole = np.abs(_changes(ends, scores))
    nothing = [negligible_change(score, ends.logit, ends.log_odds) for score in scores]
    whole[whole <= nothing] = np.inf
    while True:
        alphas = np.array(sorted(points))
        intervals = list(pairwise(alphas))
        for a, b in intervals:
            if (a, b) not in errors:
                errors[a, b] = _error(_concatenate([points[a], points[b]]), whole, scores)
        relative = np.stack([errors[interval] for interval in intervals])
        room = max_steps - len(intervals)
        if np.abs(relative.sum(axis=0)).max() <= tolerance or room == 0:
            rows = split_evenly(alphas, batch)
            return alphas, (_concatenate([points[alpha] for alpha in some]) for some in rows)
        worst = worst_first(relative, tolerance)[: min(HALVED, room)]
        add((alphas[worst] + alphas[worst + 1]) / 2)


def worst_first(errors, tolerance):
    """In which order to halve the intervals of a path.

    The scores that are not yet complete name their worst interval in turn, so that none of them,
    however hard to serve, takes all.

    Parameters
    ----------
    errors : ndarray, float (intervals, scores)
        Of the trapezoid rule, relative to the change of the score along the path; a score may have
        a column for each place where it is integrated.
    tolerance : float

    Returns
    -------
    ndarray, int (intervals,)
    """
    complete = np.abs(errors.sum(axis=0)) <= tolerance
    ranked = np.abs(errors[:, ~complete]).argsort(axis=0, kind="stable")[::-1]
    return np.array(list(dict.fromkeys(ranked.ravel())))


def split_evenly(array, size):
    """Parts of an array, in order, of at most `size` and as equal as can be."""
    return np.array_split(array, -(-len(array) // size))


def _concatenate(points):
    return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *points)


def _clip_gradients(site):
    gradients = tf.nest.map_structure(lambda g: np.maximum(g, 0), site[1:])
    return Site(site.values, *gradients)


def _weights(points, scores):
    """What the two gradients are multiplied with, score by score: points x scores, for each."""
    log_odds = points.log_odds.astype(np.float64)
    factors = [score_factor(score, log_odds) for score in scores if score != "pre"]
    ones = [np.ones_like(log_odds) for score in scores if score == "pre"]
    return [np.reshape(some, (len(some), len(log_odds))).T for some in (ones, factors)]


def _weighted(site, weights):
    """The gradients that some score needs, each with its weights."""
    return [(g, w) for g, w in zip(site[1:], weights, strict=True) if w.size]


def _site_sums(site, weights):
    """The trapezoid sums over all points: (scores, ...)."""
    steps = np.diff(site.values, axis=0)
    sums = []
    for gradient, weight in _weighted(site, weights):
        weight = weight.astype(steps.dtype)
        left = np.tensordot(weight[:-1], gradient[:-1] * steps, axes=(0, 0))
        right = np.tensordot(weight[1:], gradient[1:] * steps, axes=(0, 0))
        sums.append((left + right) / 2)
    return np.concatenate(sums)


def _changes(points, scores):
    """The change of each score from the first to the last of the points: (scores,)."""
    values = np.array([score_value(s, points.logit, points.log_odds) for s in scores])
    return values[:, -1] - values[:, 0]


def _error(ends, whole, scores):
    """The errors of the trapezoid rule on one interval: sites x scores, relative to `whole`."""
    weights, changes = _weights(ends, scores), _changes(ends, scores)
    errors = []
    for site in (ends.layer, ends.pixels):
        if site:
            step = site.values[1] - site.values[0]
            parts = [
                weight.T @ (gradient * step).sum(axis=(1, 2, 3), dtype=np.float64)
                for gradient, weight in _weighted(site, weights)
            ]
            errors.append(np.concatenate(parts) / 2 - changes)
    return np.divide(errors, whole).ravel()
