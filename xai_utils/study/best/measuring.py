"""From cases to rows of the table: the maps of each case, and what each measure says of them."""

import numpy as np
import tensorflow as tf
from scipy.special import softmax

from xai_utils.classifier import INPUT
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import normalise, resize_heatmap
from xai_utils.images import resize_image
from xai_utils.scores import SCORES
from xai_utils.study.best.judges import CELLS, blur_image, changed_images, judge, judging_outputs
from xai_utils.study.best.maps import (
    contrast_maps,
    damaged_maps,
    floor_maps,
    path_maps,
    point_maps,
)
from xai_utils.study.best.networks import head_kind
from xai_utils.study.best.plan import BIN_EDGES, BINS, SEED
from xai_utils.study.best.truths import compare_effects, locate, tile_masks
from xai_utils.study.best.unreachable import unreachable_gradients

NO_JUDGE = "truth"
SAME = 4  # decimals in which two normalised maps agree that are judged once


def describe_logits(logits, target):
    """What a row says of an image: log-odds and its bin, p2, and the number of rivals in effect.

    Parameters
    ----------
    logits : ndarray, float (classes,)
    target : int

    Returns
    -------
    dict
        "p2": the second largest probability. "rivals": 1 / sum of the squares of the softmax over
        the other classes, 1 if a single one counts.
    """
    others = softmax(np.delete(np.asarray(logits, np.float64), target))
    log_odds = judging_outputs(logits[None], target)["odds"][0]
    return {
        "log_odds": log_odds,
        "bin": BINS[np.searchsorted(BIN_EDGES, log_odds, side="right")],
        "p2": np.sort(softmax(np.asarray(logits, np.float64)))[-2],
        "rivals": 1 / np.sum(others**2),
    }


def measure_cases(classifier, layer, kind, cases, paths):
    """The rows of some cases of one kind: iterator of dict.

    Parameters
    ----------
    classifier : Classifier
    layer : str
        "input" for Integrated Gradients.
    kind : {"one", "two", "mosaic", "difull", "photo"}
    cases : dict from int to Case
        By number.
    paths : Paths
    """
    fixed = {"layer": layer, "head": head_kind(classifier, layer), "kind": kind}
    if kind == "difull":
        for case in cases.values():
            yield from _rows_of_unreachable(classifier, layer, case, fixed)
        return
    measure = {"photo": _Judged}.get(kind, _Located)(classifier)
    logits = classifier.logits([case.image for case in cases.values()])
    maps = draw_all(classifier, layer, cases, logits, paths)
    for row, (number, case) in enumerate(cases.items()):
        measure.begin(number, case, logits[row])
        for place, target in enumerate(case.targets):
            context = {**fixed, **name_target(classifier, case, place)}
            context |= describe_logits(logits[row], target)
            for (method, score), of_cases in maps.items():
                if (number, place) in of_cases:
                    found = measure(of_cases[number, place], place)
                    yield from make_rows(context, method, score, found)


def draw_all(classifier, layer, cases, logits, paths):
    """All maps: dict from (method, score) to dict from (number, place of target) to (h, w)."""
    keys = [(n, place) for n, case in cases.items() for place in range(len(case.targets))]
    few = [key for key in keys if key[0] < paths.count]
    maps = {}
    if layer != INPUT:
        gradients = _gradients(classifier, layer, cases, keys, paths)
        rows = np.repeat(logits, [len(case.targets) for case in cases.values()], axis=0)
        head, seeds = classifier.split(layer).head, [(SEED, *key) for key in keys]
        found = point_maps(gradients)
        found |= contrast_maps(head, gradients.activations, rows, gradients.targets)
        found |= damaged_maps(found, shift=len(keys) // len(cases))
        found |= floor_maps(gradients.images, gradients.activations, seeds)
        maps = {name: dict(zip(keys, values, strict=True)) for name, values in found.items()}
    if few:
        found = path_maps(_gradients(classifier, layer, cases, few, paths))
        maps |= {name: dict(zip(few, values, strict=True)) for name, values in found.items()}
    return maps


def _gradients(classifier, layer, cases, keys, paths):
    images = [cases[number].image for number, _ in keys]
    targets = [cases[number].targets[place] for number, place in keys]
    return ScoreGradients(
        classifier, images, targets, layer, steps=paths.steps, tolerance=paths.tolerance,
        max_steps=paths.max_steps,
    )  # fmt: skip


def name_target(classifier, case, place):
    """What a row says of the class of a case that is explained: dict of str."""
    return {
        "image": case.name,
        "object": str(place),
        "class": classifier.class_names[case.targets[place]],
    }


def make_rows(context, method, score, found):
    """A row for each number that was found of one map: iterator of dict.

    Parameters
    ----------
    context : dict
        What all of them have.
    method, score : str
    found : dict from (measure, judge) to float
    """
    for (measure, judging), value in found.items():
        names = {"method": method, "score": score, "measure": measure, "judge": judging}
        yield {**context, **names, "value": value}


class _Located:
    """Measures by masks, and by effects where they are known."""

    def __init__(self, classifier):
        self.classifier = classifier

    def begin(self, number, case, logits):
        self.case, self.effects = case, [{}] * len(case.targets)
        if case.without:
            without = self.classifier.logits(case.without)
            self.effects = [_effects(logits, without, target) for target in case.targets]

    def __call__(self, heatmap, place):
        masks = self.case.masks
        heatmap = resize_heatmap(heatmap, *masks.shape[1:])  # once for all measures
        found = locate(heatmap, masks, place)
        if self.case.tiles:
            found = {"grid pointing": found["share inside"]}
        values = {(name, NO_JUDGE): value for name, value in found.items()}
        return values | compare_effects(heatmap, masks, self.effects[place])


def _effects(logits, without, target):
    """By how much each object raises each output of a class: dict of ndarray (objects,)."""
    whole, less = judging_outputs(logits[None], target), judging_outputs(without, target)
    return {output: whole[output] - less[output] for output in SCORES}


class _Judged:
    """Measures by outputs of the network; a map that was judged already is not judged again."""

    def __init__(self, classifier):
        self.size = classifier.input_size
        shape = tf.TensorSpec((None, *self.size, 3), classifier.dtype)
        network, preprocess = classifier.network, classifier.preprocess
        self.run = tf.function(lambda x: network(preprocess(x), training=False), [shape])
        self.dtype = classifier.dtype

    def begin(self, number, case, logits):
        self.case, self.known = case, {}
        self.image = resize_image(case.image, *self.size)
        self.blurred = blur_image(self.image)
        self.ends = self._predict([self.image, self.blurred])
        self.ties = np.random.default_rng((SEED, number)).random(CELLS**2)
        self.order = np.argsort(logits)[::-1]

    def _predict(self, images):
        return np.asarray(self.run(tf.constant(np.stack(images).astype(self.dtype))))

    def __call__(self, heatmap, place):
        # the scores whose maps are the same but for rounding are judged by one pass
        key = (heatmap.shape, np.round(normalise(heatmap), SAME).tobytes())
        if key not in self.known:
            changed = changed_images(self.image, self.blurred, heatmap, self.ties)
            logits = self._predict([image for images in changed.values() for image in images])
            ends = np.cumsum([len(images) for images in changed.values()])[:-1]
            self.known[key] = dict(zip(changed, np.split(logits, ends), strict=True))
        target = self.case.targets[place]
        rival = next(int(i) for i in self.order if i != target)
        return judge(self.known[key], self.ends, target, rival)


def _rows_of_unreachable(classifier, layer, case, fixed):
    split = classifier.split(layer)
    pixels = classifier.pixels(case.tiles)
    targets = np.array(case.targets, np.int32)
    points = split.at_layer(split.activations(pixels), targets, ("pre",))
    logits = points.logit.astype(np.float64)
    gradients = unreachable_gradients(logits, points.layer.values, points.layer.of_logit)
    maps = point_maps(gradients)
    masks = tile_masks(gradients.activations.shape[1:3])
    for place in range(len(targets)):
        context = {
            **fixed,
            **name_target(classifier, case, place),
            **describe_logits(logits, place),
        }
        for (method, score), heatmaps in maps.items():
            value = locate(heatmaps[place], masks, place)["share inside"]
            found = {("grid pointing, unreachable", NO_JUDGE): value}
            yield from make_rows(context, method, score, found)
