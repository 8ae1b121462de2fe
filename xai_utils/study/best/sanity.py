"""Sanity of maps: what each should differ from, what it should be equal to, and naive rounding.

Nothing of this says that a map is good, only that it is not nonsense: that it depends on the class
and on the weights, and not on what has no part in any output.
"""

import numpy as np
import tensorflow as tf
from scipy.special import softmax

from xai_utils.gradients import ScoreGradients
from xai_utils.graph import tensors_in_order
from xai_utils.heatmaps import correlation
from xai_utils.methods import grad_cam
from xai_utils.scores import SCORES, logit_and_log_odds, score_factor
from xai_utils.study.best.judges import judging_outputs
from xai_utils.study.best.maps import TOGETHER, point_maps
from xai_utils.study.best.measuring import describe_logits, make_rows, name_target
from xai_utils.study.best.networks import head_kind
from xai_utils.study.best.plan import NAIVE, SEED
from xai_utils.study.contrast import GivenGradients, combine_logit_gradients
from xai_utils.study.equivalent import in_precision
from xai_utils.study.saturation import ROUNDINGS, rounded_weights

JUDGE = "construction"


def likeness(first, second):
    """The correlation of two maps: float, 0 if one of them is empty, or the same everywhere."""
    return float(np.nan_to_num(correlation(first, second)))


def compare_maps(own, rival, fresh, twin):
    """The measures of one map against three others of the same image, layer, method and score.

    Parameters
    ----------
    own : ndarray, float (h, w)
    rival : ndarray, float (h, w)
        Of the most probable other class.
    fresh : ndarray, float (h, w)
        By the network with shuffled weights behind the layer, see `fresh_head`.
    twin : ndarray, float (h, w)
        By an equivalent network, see `draw_mixture`.

    Returns
    -------
    dict from (measure, judge) to float
        Larger is better. A map that is the same everywhere, as an empty one, shows nothing: 0.
    """
    shows = float(np.ptp(own) > 0)
    return {
        ("class sensitivity", JUDGE): shows * (1 - likeness(own, rival)),
        ("randomised head", JUDGE): shows * (1 - abs(likeness(own, fresh))),
        ("invariance", JUDGE): likeness(own, twin),
    }


def compare_naive(naive, exact):
    """The correlation of a naive map with the exact one: float, NaN if the exact one is empty."""
    return likeness(naive, exact) if np.ptp(exact) > 0 else float("nan")


def fresh_head(classifier, layer):
    """The half of a network behind a layer, each of its arrays of weights shuffled: callable.

    After J. Adebayo et al. 2018 (arXiv 1810.03292), who draw them anew. Shuffled they keep their
    sizes, so that nothing vanishes or grows that did not before.

    Parameters
    ----------
    classifier : Classifier
        It is not changed.
    layer : str

    Returns
    -------
    callable
        From activations to logits.
    """
    copy, rng = in_precision(classifier, classifier.dtype), np.random.default_rng(SEED)
    for tensor in tensors_in_order(copy.network.output, copy.tensors[layer]):
        for weights in getattr(tensor._keras_history.operation, "weights", ()):
            weights.assign(rng.permuted(np.asarray(weights)))
    return copy.split(layer).head


def draw_mixture(seed, classes):
    """The weights of the logits in what an equivalent network adds to each: float64 (classes,).

    A random direction of length 1, so that what is added is of the size of a logit. The sum is the
    same for all logits, so that no probability changes (arXiv 2306.13197, eq. 8).
    """
    drawn = np.random.default_rng(seed).normal(size=classes)
    return drawn / np.linalg.norm(drawn)


def draw_points(head, activations, targets, mixtures=None):
    """The maps of the methods that read one point, by a network given as its half behind a layer.

    Parameters
    ----------
    head : callable
        From activations to logits.
    activations : ndarray, float (N, h, w, channels)
    targets : ndarray, int (N,)
    mixtures : ndarray, float (N, classes), optional
        To every logit of an image the sum of all of them, with these weights, is added.

    Returns
    -------
    dict from (method, score) to ndarray, float (N, h, w)
    """
    found = {score: [] for score in SCORES}
    for rows in _parts(len(targets)):
        x = tf.constant(activations[rows])
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = head(x)
            if mixtures is not None:
                added = tf.constant(mixtures[rows], logits.dtype) * logits
                logits += tf.reduce_sum(added, axis=1, keepdims=True)
            logit, log_odds = logit_and_log_odds(logits, tf.constant(targets[rows]))
        found["pre"].append(np.asarray(tape.gradient(logit, x)))
        of_log_odds = np.asarray(tape.gradient(log_odds, x))
        for score in SCORES[1:]:
            factor = score_factor(score, log_odds).astype(of_log_odds.dtype)
            found[score].append(factor[:, None, None, None] * of_log_odds)
    gradients = {score: np.concatenate(parts) for score, parts in found.items()}
    return point_maps(GivenGradients(activations, gradients))


def naive_maps(head, activations, logits, targets):
    """Grad-CAM of the probability as float32 has it: dict from rounding to (N, h, w).

    Both roundings that processors have are made here, the same on every machine, see
    `rounded_complement`. The maps are not of their own size, which vanishes.

    Parameters
    ----------
    head : callable
        From activations to logits.
    activations : ndarray, float (N, h, w, channels)
    logits : ndarray, float (N, classes)
    targets : ndarray, int (N,)
    """
    rows = zip(logits, targets, strict=True)
    log_odds = np.array([judging_outputs(row[None], target)["odds"][0] for row, target in rows])
    probabilities, found = softmax(np.asarray(logits, np.float64), axis=1), {}
    for rounding in ROUNDINGS:
        weights = rounded_weights(rounding, probabilities, log_odds, targets)
        weights /= np.abs(weights).max(axis=1, keepdims=True)
        parts = [
            combine_logit_gradients(head, activations[rows], weights[rows])
            for rows in _parts(len(targets))
        ]
        given = GivenGradients(activations, {rounding: np.concatenate(parts)})
        found[rounding] = grad_cam(given, rounding)
    return found


def _parts(count):
    return [np.s_[start : start + TOGETHER] for start in range(0, count, TOGETHER)]


def check_cases(classifier, layer, kind, cases):
    """The rows of sanity of some cases at one layer: iterator of dict.

    Parameters
    ----------
    classifier : Classifier
    layer : str
    kind : str
        Of the cases.
    cases : dict from int to Case
        By number.
    """
    fixed = {"layer": layer, "head": head_kind(classifier, layer), "kind": kind}
    keys = [(number, place) for number, case in cases.items() for place in range(len(case.targets))]
    images = [cases[number].image for number, _ in keys]
    targets = np.array([cases[number].targets[place] for number, place in keys], np.int32)
    logits = classifier.logits([case.image for case in cases.values()])
    logits = np.repeat(logits, [len(case.targets) for case in cases.values()], axis=0)
    activations = ScoreGradients(classifier, images, targets, layer).activations
    head = classifier.split(layer).head
    others = np.where(np.eye(logits.shape[1], dtype=bool)[targets], -np.inf, logits)
    mixtures = np.stack([draw_mixture((SEED, *key), logits.shape[1]) for key in keys])
    own = draw_points(head, activations, targets)
    compared = (
        draw_points(head, activations, others.argmax(axis=1).astype(np.int32)),
        draw_points(fresh_head(classifier, layer), activations, targets),
        draw_points(head, activations, targets, mixtures),
    )
    naive = naive_maps(head, activations, logits, targets)
    for i, (number, place) in enumerate(keys):
        context = {**fixed, **name_target(classifier, cases[number], place)}
        context |= describe_logits(logits[i], targets[i])
        for name, maps in own.items():
            found = compare_maps(maps[i], *(others[name][i] for others in compared))
            yield from make_rows(context, *name, found)
        # of the same direction as the exact map of the probability, and never too small for float32
        exact = own["grad_cam", "odds"][i]
        found = {(NAIVE, r): compare_naive(maps[i], exact) for r, maps in naive.items()}
        yield from make_rows(context, "grad_cam", "post", found)
