"""One picture explained: every method and score from passes that they share."""

import hashlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from xai_utils.baselines import (
    BASELINES,
    PLAIN,
    baseline_image,
    train_baseline,
    undecided,
)
from xai_utils.classifier import softmax
from xai_utils.completeness_gap import completeness
from xai_utils.embedded.samples import load_image
from xai_utils.files import write_atomically
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import correlation, distance
from xai_utils.methods import POINT_METHODS, grad_cam
from xai_utils.report.settings import AUTOBASELINE, PATH_METHODS
from xai_utils.study.contrast import GivenGradients

PAIR = ("pre", "odds")  # the two scores whose maps are compared


class Baseline(NamedTuple):
    """Where the paths of a report begin.

    Attributes
    ----------
    name : str
    image : ndarray, uint8 (height, width, 3), or None
        None if each picture has its own.
    undecided : float or None
        The entropy of the network's output there, see `undecided`.
    """

    name: str
    image: np.ndarray | None
    undecided: float | None

    def sha256(self):
        """Of the pixels, if it is a picture of somebody's own; None for one with a name."""
        if self.name in (*BASELINES, AUTOBASELINE):
            return None
        return hashlib.sha256(self.image.tobytes()).hexdigest()

    def at(self, classifier, image):
        """The same for one picture."""
        if self.image is not None:
            return self
        own = baseline_image(self.name, image, *classifier.input_size)
        return Baseline(self.name, own, undecided(classifier, own))


def prepare_baseline(classifier, settings):
    """The baseline of a report, but for one that has to be trained: Baseline."""
    name = settings.baseline
    if name in BASELINES and name not in (*PLAIN, "noise"):
        return Baseline(name, None, None)
    if name == AUTOBASELINE:
        return Baseline(name, None, None)
    if name in BASELINES:
        image = baseline_image(name, None, *classifier.input_size, settings.seed)
    else:
        image = load_image(name)
    return Baseline(name, image, undecided(classifier, image))


def trained_baseline(classifier, path):
    """The "autobaseline" of a report: Baseline.

    It is trained once and kept as a picture, since another training may differ in the last digits.

    Parameters
    ----------
    classifier : Classifier
    path : Path
        Of the picture, a PNG file.
    """
    if not path.is_file():
        image = Image.fromarray(train_baseline(classifier))
        write_atomically(path, lambda file: image.save(file, "PNG"))
    image = load_image(path)
    return Baseline(AUTOBASELINE, image, undecided(classifier, image))


def crop_center(image, height, width):
    """The largest part in the middle of an image with the proportions of height and width."""
    rows, columns = image.shape[:2]
    scale = min(rows / height, columns / width)
    kept = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (rows - kept[0]) // 2, (columns - kept[1]) // 2
    return np.ascontiguousarray(image[top : top + kept[0], left : left + kept[1]])


def explain_image(classifier, image, settings, baseline, expected=None):
    """What a network says of one picture, and the maps of all methods and scores.

    Parameters
    ----------
    classifier : Classifier
    image : ndarray, uint8 (H, W, 3)
    settings : Settings
    baseline : Baseline
    expected : int, optional
        The index of the class that is expected. Where it is not the predicted one, it is explained
        too.

    Returns
    -------
    record : dict
        Can be written as JSON.
    maps : dict of ndarray, float32 (h, w)
        By "class-method-score", with "predicted" or "expected" as class, not normalised. Those of
        Integrated Gradients are summed over the colours. "difference": Grad-CAM of the logit of
        the predicted class minus that of its rival.
    """
    logits = classifier.logits([image])[0]
    y = softmax(logits)
    order = np.argsort(-y, kind="stable")
    predicted = int(order[0])
    missed = expected is not None and expected != predicted
    rival = expected if missed else int(order[1])
    explained = {"predicted": predicted, **({"expected": expected} if missed else {})}
    layer = settings.layer or classifier.default_layer

    pair = ScoreGradients(
        classifier, [image] * 2, [predicted, rival], layer, scores=(*settings.scores, "pre")
    )
    maps = dict(_point_maps(pair, explained, settings))
    maps["difference"] = _difference(pair)
    balances, at_baseline = {}, None
    if settings.path_methods:
        start = baseline.at(classifier, image)
        at_baseline = start.undecided
        path = ScoreGradients(
            classifier, [image] * len(explained), list(explained.values()), layer,
            baseline=start.image, scores=settings.scores,
            tolerance=settings.tolerance, max_steps=settings.max_steps,
        )  # fmt: skip
        if "integrated_gradients" in settings.path_methods:
            path.path("pixels")  # holds the integrals at the layer, too
        maps |= _path_maps(path, explained, settings)
        balances = _balances(path, explained, settings)
    record = {
        "width": image.shape[1],
        "height": image.shape[0],
        "layer": layer,
        "cells": " x ".join(map(str, pair.activations.shape[1:3])),
        "predicted": classifier.class_names[predicted],
        "predicted_index": predicted,
        "probability": float(y[predicted]),
        "logit": float(pair.logit[0]),
        "log_odds": float(pair.log_odds[0]),
        "rival": classifier.class_names[rival],
        "rival_probability": float(y[rival]),
        "rival_log_odds": float(pair.log_odds[1]),
        "log_odds_against_rival": float(pair.logit[0] - pair.logit[1]),
        "margin": float(y[predicted] - y[order[1]]),
        "runner_up": classifier.class_names[int(order[1])],
        "raw_maxima": {name: float(np.abs(m).max()) for name, m in maps.items()},
        "completeness": balances,
        "baseline_undecided": at_baseline,
        **_compare(maps, explained, settings),
    }
    return record, maps


def _point_maps(gradients, explained, settings):
    """The rows of the gradients are the predicted class and its rival."""
    for method in settings.methods:
        if method in POINT_METHODS:
            for score in settings.scores:
                rows = POINT_METHODS[method](gradients, score)
                for of, heatmap in zip(explained, rows, strict=False):
                    yield f"{of}-{method}-{score}", heatmap


def _difference(pair):
    """Grad-CAM of z_a - z_b, the log-odds of one class against the other."""
    gradient = pair.point_gradient("pre")
    both = GivenGradients(pair.activations[:1], {"a-b": gradient[:1] - gradient[1:]})
    return grad_cam(both, "a-b")[0]


def _path_maps(gradients, explained, settings):
    maps = {}
    for method in settings.path_methods:
        function, _ = PATH_METHODS[method]
        for score in settings.scores:
            rows = function(gradients, score)
            if rows.ndim == 4:
                rows = rows.sum(axis=-1)
            maps |= {f"{of}-{method}-{score}": m for of, m in zip(explained, rows, strict=True)}
    return maps


def _balances(gradients, explained, settings):
    """Completeness of every path: dict by "class-method-score"; a gap without bound is None."""
    found = {}
    for method in settings.path_methods:
        for score in settings.scores:
            balance = completeness(gradients, score, PATH_METHODS[method][1])
            for row, of in enumerate(explained):
                found[f"{of}-{method}-{score}"] = {
                    "attributed": float(balance.attributed[row]),
                    "change": float(balance.change[row]),
                    "gap": _number(balance.gap[row]),
                    "steps": int(balance.steps[row]),
                }
    return found


def worst_gap(balances):
    """The largest gap of some balances, infinity included: float."""
    return max(np.inf if b["gap"] is None else b["gap"] for b in balances.values())


def most_evaluations(balances):
    """Points of the longest path, each an evaluation of the network and its gradients: int."""
    return 1 + max(balance["steps"] for balance in balances.values())


def _compare(maps, explained, settings):
    """How far maps of two scores, and of two classes, are apart."""
    compared = {"distance": None, "distances": {}, "correlations": {}, "class_distances": {}}
    if set(PAIR) <= set(settings.scores):
        for method in settings.methods:
            both = [maps[f"predicted-{method}-{score}"] for score in PAIR]
            compared["distances"][method] = _number(distance(*both))
            compared["correlations"][method] = _number(correlation(*both))
        known = [d for d in compared["distances"].values() if d is not None]
        compared["distance"] = float(np.median(known)) if known else None
    if "expected" in explained:
        for method in settings.methods:
            for score in settings.scores:
                both = [maps[f"{of}-{method}-{score}"] for of in explained]
                compared["class_distances"][f"{method}-{score}"] = _number(distance(*both))
    return compared


def _number(value):
    """A float for JSON, which knows neither NaN nor infinity."""
    return float(value) if np.isfinite(value) else None
