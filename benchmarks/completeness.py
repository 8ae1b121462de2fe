"""The completeness gap of Integrated Gradients against the evaluations of the network.

On held-out scenes with ``vgg19-mini``, for all four scores: equal steps, Gauss-Legendre nodes,
points placed by the slope of the scores (after Integrated Decision Gradients, arXiv 2305.20052),
and the adaptive path of ``ScoreGradients``. Prints tables, and writes
benchmarks/completeness.json.

Scenes are shared among processes, one on each core. On some of the scenes also what the path may be
made of: how many intervals are halved at once, and Richardson's rule (four times the trapezoids on
both halves, less that on the whole, over three) where it is nearer to the known change of the
scores. Each is judged by its evaluations and by how far its map is from that of all points known,
more than a thousand: a rule that only adds up sooner has a worse map.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from xai_utils import ScoreGradients, completeness, load_classifier
from xai_utils.embedded.scenes import make_scene
from xai_utils.files import write_atomically
from xai_utils.paths import FIRST_STEPS, HALVED, split_evenly, worst_first
from xai_utils.results import versions
from xai_utils.scores import SCORES, score_factor, score_value

STREAM = 5  # of the scenes; training, tests and notebooks use others
SCENES = 100
COMPARED = 10  # of them, with every way to place the points
EVALUATIONS = (51, 101, 201, 401)
CELLS = 14  # maps are compared as sums over 14 x 14 blocks of pixels
MAX_STEPS = 1000
TOLERANCE = 0.01
OUTPUT = Path(__file__).with_name("completeness.json")


class Path1D:
    """The scores on the path from black to an image, and how they change along it."""

    def __init__(self, classifier, image, target):
        self.classifier, self.pixels = classifier, classifier.pixels([image])[0]
        self.target = classifier.class_index(target)
        self.known = {}

    def at(self, alphas):
        """The four scores, (4, n), and the slopes due to each block of pixels, (4, n, 14, 14)."""
        new = [a for a in alphas if a not in self.known]
        for some in split_evenly(np.array(new), 16) if new else ():
            pixels = some[:, None, None, None].astype(np.float32) * self.pixels
            targets = np.full(len(some), self.target, np.int32)
            points = self.classifier.split("block5_pool").at_pixels(pixels, targets)
            gradients = points.pixels.of_logit, points.pixels.of_log_odds
            along = np.stack([self.in_blocks(g * self.pixels) for g in gradients], axis=1)
            scores = np.stack([points.logit, points.log_odds], axis=1)
            self.known.update(zip(some, zip(scores, along, strict=True), strict=True))
        known = [self.known[a] for a in alphas]
        values, along = (np.array(some) for some in zip(*known, strict=True))
        logit, log_odds = values.T
        slopes = [along[:, 0]]
        for score in SCORES[1:]:
            slopes.append(score_factor(score, log_odds)[:, None, None] * along[:, 1])
        return np.array([score_value(s, logit, log_odds) for s in SCORES]), np.array(slopes)

    def in_blocks(self, maps):
        height, width = (size // CELLS for size in maps.shape[1:3])
        blocks = maps.reshape(len(maps), CELLS, height, CELLS, width, -1)
        return blocks.sum(axis=(2, 4, 5), dtype=np.float64)

    def gaps(self, alphas, weights):
        """The gap of each score for a quadrature rule: (4,)."""
        ends, _ = self.at([0.0, 1.0])
        change = ends[:, 1] - ends[:, 0]
        return np.abs(self.map(alphas, weights).sum(axis=(1, 2)) - change) / np.abs(change)

    def map(self, alphas, weights):
        """Integrated Gradients in blocks, for each score: (4, 14, 14)."""
        return np.einsum("snij,n->sij", self.at(alphas)[1], weights)

    def map_error(self, alphas, weights):
        """How far the map of the worst score is from that of all known points, relative."""
        every = np.sort(list(self.known))
        best = self.map(every, trapezoid(every))
        error = np.abs(self.map(alphas, weights) - best).sum(axis=(1, 2))
        return float((error / np.abs(best).sum(axis=(1, 2))).max())


def trapezoid(alphas):
    """The weights of the trapezoid rule."""
    steps = np.diff(alphas)
    return (np.append(steps, 0) + np.insert(steps, 0, 0)) / 2


def equal_steps(path, count):
    alphas = np.linspace(0, 1, count)
    return path.gaps(alphas, trapezoid(alphas))


def gauss_legendre(path, count):
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return path.gaps((nodes + 1) / 2, weights / 2)


def by_slope(path, count):
    """A quarter of the points evenly, the others where the scores change most."""
    coarse = np.linspace(0, 1, count // 4)
    values, _ = path.at(coarse)
    changes = np.abs(np.diff(values))
    density = (changes / changes.sum(axis=1, keepdims=True)).mean(axis=0)
    # as many in each interval as its share, rounded so that the total is right
    added = np.diff(np.round(np.cumsum([0, *density]) * (count - len(coarse)))).astype(int)
    inner = [
        np.linspace(*ends, n + 2)[1:-1] for ends, n in zip(pairwise(coarse), added, strict=True)
    ]
    alphas = np.sort(np.concatenate([coarse, *inner]))
    return path.gaps(alphas, trapezoid(alphas))


PLACEMENTS = {"equal steps": equal_steps, "Gauss-Legendre": gauss_legendre, "by slope": by_slope}
RULES = {
    **{f"trapezoid, {n} halved at once": {"halved": n} for n in (4, 8, 16)},
    "Richardson where nearer, 4 halved at once": {"halved": 4, "richardson": True},
}


def refined(path, scores, halved=HALVED, richardson=False):
    """Points and weights with which the gaps of some scores, by index, are within the tolerance."""
    alphas = np.linspace(0, 1, FIRST_STEPS + 1)
    while True:
        values, slopes = path.at(alphas)
        values, slopes = values[scores], slopes[scores].sum(axis=(2, 3))
        whole, steps = np.abs(values[:, -1:] - values[:, :1]), np.diff(alphas)
        errors = ((slopes[:, 1:] + slopes[:, :-1]) / 2 * steps - np.diff(values)) / whole
        weights = trapezoid(alphas)
        for left in halves_of_one(alphas) if richardson else ():
            both, three = slice(left, left + 2), slice(left, left + 3)
            rule = steps[left] / 3 * np.array([1, 4, 1])
            error = slopes[:, three] @ rule - (values[:, left + 2] - values[:, left])
            error /= whole[:, 0]
            if np.abs(error).max() < np.abs(errors[:, both].sum(axis=1)).max():
                errors[:, both] = error[:, None] / 2
                weights[three] += rule - steps[left] / 2 * np.array([1, 2, 1])
        if np.abs(errors.sum(axis=1)).max() <= TOLERANCE or len(alphas) > MAX_STEPS:
            return alphas, weights
        worst = worst_first(errors.T, TOLERANCE)[:halved]
        alphas = np.sort(np.append(alphas, (alphas[worst] + alphas[worst + 1]) / 2))


def halves_of_one(alphas):
    """The left ones of the pairs of intervals that one interval was halved into."""
    steps = np.diff(alphas)
    places = np.round(alphas[:-1] / steps)
    return np.flatnonzero((steps[1:] == steps[:-1]) & (places[:-1] % 2 == 0))


def judged(path, **how):
    """Evaluations and map error of a path that is refined for all scores."""
    alphas, weights = refined(path, list(range(len(SCORES))), **how)
    return {"evaluations": len(alphas), "map_error": path.map_error(alphas, weights)}


def adaptive(classifier, scene, at="pixels", **options):
    """Evaluations used, and the gap of each score."""
    gradients = ScoreGradients(classifier, [scene.image], [scene.classes[0]], **options)
    gradients.path(at)
    balances = [completeness(gradients, score, at) for score in SCORES]
    return int(balances[0].steps[0]) + 1, [float(b.gap[0]) for b in balances]


@cache
def load_network():
    return load_classifier("vgg19-mini")


def measure(index):
    """All that is measured on one scene, as a dictionary."""
    classifier = load_network()
    scene = make_scene((STREAM, index), backgrounds="held_out")
    path = Path1D(classifier, scene.image, scene.classes[0])
    found = {
        "class": scene.classes[0],
        "equal_steps": {count: equal_steps(path, count).tolist() for count in EVALUATIONS},
        "adaptive": {
            at: adaptive(classifier, scene, at, tolerance=TOLERANCE, max_steps=MAX_STEPS)
            for at in ("pixels", "layer")
        },
    }
    if index >= COMPARED:
        return found
    found["compared"] = {
        name: {count: place(path, count).tolist() for count in EVALUATIONS}
        for name, place in PLACEMENTS.items()
    }
    found["compared"]["adaptive"] = {
        count: adaptive(classifier, scene, tolerance=1e-9, max_steps=count - 1)[1]
        for count in EVALUATIONS
    }
    which = {"one path for all": list(range(len(SCORES))), **{s: [k] for k, s in enumerate(SCORES)}}
    found["evaluations_with"] = {name: len(refined(path, own)[0]) for name, own in which.items()}
    found["rules"] = {name: judged(path, **how) for name, how in RULES.items()}
    return found


def gather(dictionaries):
    """One dictionary of lists, from dictionaries with the same keys, nested alike."""
    first = dictionaries[0]
    if not isinstance(first, dict):
        return dictionaries
    return {key: gather([one[key] for one in dictionaries]) for key in first}


def main():
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # of the processes, one on each core
    found = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for one in pool.map(measure, range(SCENES)):
            found.append(one)
            print(f"scene {len(found)} of {SCENES}", file=sys.stderr)
    some = gather(found[:COMPARED])
    every = gather([{name: one[name] for name in found[-1]} for one in found])
    report = {
        "stream": STREAM,
        "classes": every["class"],
        "scores": SCORES,
        "tolerance": TOLERANCE,
        "max_steps": MAX_STEPS,
        "equal_steps_gaps": every["equal_steps"],
        "adaptive": {
            at: {"evaluations": [n for n, _ in results], "gaps": [g for _, g in results]}
            for at, results in every["adaptive"].items()
        },
        "compared_gaps": some["compared"],
        "evaluations_with": some["evaluations_with"],
        "rules": some["rules"],
        "versions": versions(),
    }
    write_atomically(OUTPUT, lambda file: file.write(json.dumps(report, indent=1).encode() + b"\n"))
    print_summary(report)


def print_summary(report):
    print(f"share of scenes with all four gaps at most {TOLERANCE:.0%}, equal steps:")
    for count, gaps in report["equal_steps_gaps"].items():
        print(f"  {count:4} evaluations: {np.mean(np.max(gaps, axis=1) <= TOLERANCE):.2f}")
    for at, results in report["adaptive"].items():
        gaps, used = np.array(results["gaps"]), results["evaluations"]
        print(
            f"adaptive, {at}: {np.mean(gaps.max(axis=1) <= TOLERANCE):.2f} of the scenes, "
            f"{(gaps > TOLERANCE).sum()} of {gaps.size} gaps not reached; "
            f"{np.median(used):.0f} evaluations at the median, {max(used)} at most"
        )
    for name, used in report["evaluations_with"].items():
        print(f"{name:16} {np.median(used):4.0f} evaluations at the median")
    for name, results in report["rules"].items():
        used, error = (np.median(results[k]) for k in ("evaluations", "map_error"))
        print(f"{name:42} {used:4.0f} evaluations, map off by {error:.1%}, at the median")
    for name, by_count in report["compared_gaps"].items():
        medians = [f"{np.median(np.max(gaps, axis=1)):7.2%}" for gaps in by_count.values()]
        print(f"{name:16} median worst gap at {EVALUATIONS} evaluations:", *medians)


if __name__ == "__main__":
    main()
