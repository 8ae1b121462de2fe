"""Riemann-Stieltjes sums along a path of points, and where its points have to lie."""

from itertools import pairwise

import numpy as np
import tensorflow as tf

from xai_utils.scores import SCORES, score_factor, score_value

FIRST_STEPS = 16  # of a path that is refined, before anything is known about it


def integrate(batches):
    """The Riemann-Stieltjes sums of the four scores along a path.

    With points l = 0..m, values v (activations, or pixels) and gradients g, the sum is the
    trapezoid rule sum_l (g_l + g_{l+1}) / 2 * (v_{l+1} - v_l).

    Parameters
    ----------
    batches : iterable of Points
        The points in their order, at least two; batches of any size.

    Returns
    -------
    dict
        "sums": dict of ndarray, float (4, h, w, channels) in the order of SCORES, "layer" at the
        layer, "positive" with gradients clipped at zero before, and if the points have it,
        "pixels". "logit", "log_odds": ndarray, float64 (m + 1,). "start", "end": the activations
        at the first and the last point, float (h, w, channels).
    """
    sums, curves, start, last = {}, [], None, None
    for batch in batches:
        curves.append([batch.logit, batch.log_odds])
        start = batch.layer.values[0] if start is None else start
        # the first interval of a batch begins at the last point of the batch before it
        run = batch if last is None else _concatenate([last, batch])
        sites = {"layer": run.layer, "positive": _clip_gradients(run.layer), "pixels": run.pixels}
        weights = _weights(run)
        for name, site in sites.items():
            if site:
                sums[name] = sums.get(name, 0) + _site_sums(site, weights)
        last = tf.nest.map_structure(lambda array: array[-1:], batch)
    logit, log_odds = np.concatenate(curves, axis=1)
    end = last.layer.values[0]
    return {"sums": sums, "logit": logit, "log_odds": log_odds, "start": start, "end": end}


def refine(evaluate, tolerance, max_steps, batch):
    """Points of a path for which completeness holds to a tolerance.

    On every interval the change of a score is known exactly from its values, so the error of the
    trapezoid rule is known too. The intervals with the largest error, relative to the change of
    the score along the whole path and for the worst of the four scores, are halved until what the
    errors add up to is below the tolerance for every score.

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

    Returns
    -------
    alphas : ndarray, float64 (n,)
        The positions, ascending.
    batches : iterator of Points
        At these positions, `batch` at once.
    """
    points, errors = {}, {}

    def add(alphas):
        for some in split_evenly(alphas, batch):
            evaluated = evaluate(some)
            for row, alpha in enumerate(some):
                points[alpha] = tf.nest.map_structure(lambda a, i=row: a[i : i + 1], evaluated)

    add(np.linspace(0, 1, min(FIRST_STEPS, max_steps) + 1))
    whole = np.abs(_changes(_concatenate([points[0.0], points[1.0]])))
    while True:
        alphas = np.array(sorted(points))
        intervals = list(pairwise(alphas))
        for a, b in intervals:
            if (a, b) not in errors:
                errors[a, b] = _error(_concatenate([points[a], points[b]]), whole)
        relative = np.stack([errors[interval] for interval in intervals])
        room = max_steps - len(intervals)
        if np.abs(relative.sum(axis=0)).max() <= tolerance or room == 0:
            rows = split_evenly(alphas, batch)
            return alphas, (_concatenate([points[alpha] for alpha in some]) for some in rows)
        worst = np.abs(relative).max(axis=1).argsort()[::-1][: min(batch, room)]
        add((alphas[worst] + alphas[worst + 1]) / 2)


def split_evenly(array, size):
    """Parts of an array, in order, of at most `size` and as equal as can be."""
    return np.array_split(array, -(-len(array) // size))


def _concatenate(points):
    return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *points)


def _clip_gradients(site):
    return site._replace(
        of_logit=np.maximum(site.of_logit, 0), of_log_odds=np.maximum(site.of_log_odds, 0)
    )


def _weights(points):
    """What the gradients of the logit, and of the log-odds, are multiplied with, score by score."""
    log_odds = points.log_odds.astype(np.float64)
    factors = np.stack([score_factor(score, log_odds) for score in SCORES[1:]], axis=-1)
    return np.ones_like(factors[:, :1]), factors


def _site_sums(site, weights):
    """The trapezoid sums over all points: (4, ...)."""
    steps = np.diff(site.values, axis=0)
    sums = []
    for gradient, weight in zip((site.of_logit, site.of_log_odds), weights, strict=True):
        weight = weight.astype(steps.dtype)
        left = np.tensordot(weight[:-1], gradient[:-1] * steps, axes=(0, 0))
        right = np.tensordot(weight[1:], gradient[1:] * steps, axes=(0, 0))
        sums.append((left + right) / 2)
    return np.concatenate(sums)


def _changes(points):
    """The change of each score from the first to the last of the points: (4,)."""
    values = np.array([score_value(s, points.logit, points.log_odds) for s in SCORES])
    return values[:, -1] - values[:, 0]


def _error(ends, whole):
    """The errors of the trapezoid rule on one interval: sites x scores, relative to `whole`."""
    weights, changes = _weights(ends), _changes(ends)
    errors = []
    for site in (ends.layer, ends.pixels):
        if site:
            step = site.values[1] - site.values[0]
            parts = [
                weight.T @ (gradient * step).sum(axis=(1, 2, 3), dtype=np.float64)
                for gradient, weight in zip((site.of_logit, site.of_log_odds), weights, strict=True)
            ]
            errors.append(np.concatenate(parts) / 2 - changes)
    # a score that is the same at both ends of the path has no change to be complete to
    return np.divide(errors, whole, out=np.zeros(np.shape(errors)), where=whole > 0).ravel()
