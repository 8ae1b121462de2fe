"""From the table to differences between scores, with intervals."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from xai_utils.scores import SCORES
from xai_utils.study.best.networks import images_of
from xai_utils.study.best.plan import BINS, MARGINS, SEED
from xai_utils.study.statistics import LAST, Difference, decide, holm, paired_difference
from xai_utils.style import METHOD_LABELS

METHODS = {  # that are compared, as readers know them; floors and damaged maps are not among them
    **METHOD_LABELS,
    "rsi_positive_gradients": "RSI-Grad-CAM, positive gradients",
    "integrated_gradients_cells": "Integrated Gradients, 7 × 7 cells",
}
PAIRS = tuple(combinations(SCORES[::-1], 2))  # (odds, log), (odds, post), (odds, pre), ...
UNIT = ("network", "layer", "kind", "image", "object")  # what is paired
VERDICTS = ("better", "worse", "equal", "undecided")  # of the first of two scores
FEWEST = 4  # pairs, of different images, below which nothing is said


class Outcome(NamedTuple):
    """A number for each image and score, from one or several measures.

    Attributes
    ----------
    values : ndarray, float64 (units, scores)
        The mean over those measures and judges that a unit has.
    factors : dict of ndarray of str (units,)
        "image", "class", "network", "head". An image that several networks are shown, as a scene
        with its number, is one image.
    numbers : dict of ndarray, float64 (units,)
        "log_odds", "p2", "rivals".
    bins : ndarray of str (units,)
    """

    values: np.ndarray
    factors: dict
    numbers: dict
    bins: np.ndarray

    def keep(self, rows):
        """Some of the units: Outcome."""
        return Outcome(
            self.values[rows],
            {name: values[rows] for name, values in self.factors.items()},
            {name: values[rows] for name, values in self.numbers.items()},
            self.bins[rows],
        )


def outcome(table, scores=SCORES):
    """What the rows of a table say of each score, image by image.

    A measure and judge that one of the scores has no number of, as where an output does not judge,
    is left out for all of them.

    Parameters
    ----------
    table : Table
        Of one method.
    scores : sequence of str

    Returns
    -------
    Outcome
    """
    table = table.where(score=scores)
    codes = np.stack([table.codes[name] for name in UNIT], axis=1)
    _, first, unit = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    combined = np.stack([table.codes[name] for name in ("measure", "judge")], axis=1)
    _, which = np.unique(combined, axis=0, return_inverse=True)
    place = np.array([scores.index(s) if s in scores else -1 for s in table.names["score"]], int)
    shape = (len(first), len(scores), which.max(initial=-1) + 1)
    cube = np.full(shape, np.nan)
    cube[unit.ravel(), place[table.codes["score"]], which.ravel()] = table.numbers["value"]
    complete = np.isfinite(cube).all(axis=1, keepdims=True)
    count = complete.sum(axis=2)
    total = np.where(complete, cube, 0).sum(axis=2)
    values = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    columns = ("network", "head", "kind", "class", "bin")
    texts = {name: table.values(name)[first] for name in columns}
    shown_to = [images_of(name) for name in texts["network"]]
    image = ["|".join(parts) for parts in zip(
        shown_to, texts["kind"], table.values("image")[first], strict=True
    )]  # fmt: skip
    factors = {"image": np.array(image), **{n: texts[n] for n in ("class", "network", "head")}}
    numbers = {name: table.numbers[name][first] for name in ("log_odds", "p2", "rivals")}
    found = Outcome(values, factors, numbers, texts["bin"])
    return found.keep(np.isfinite(values).all(axis=1))


def difference(found, first, second, seed=SEED, scores=SCORES):
    """The paired difference of two scores, clustered by image, class and network.

    Parameters
    ----------
    found : Outcome
    first, second : str
    seed : int
    scores : sequence of str
        Those of the outcome.

    Returns
    -------
    Difference or None
        None for fewer than FEWEST images, or a single class.
    """
    factors = [found.factors["image"], found.factors["class"]]
    if len(set(factors[0])) < FEWEST or len(set(factors[1])) < 2:
        return None
    if len(set(found.factors["network"])) > 1:
        factors.append(found.factors["network"])
    a, b = (found.values[:, scores.index(score)] for score in (first, second))
    return paired_difference(a, b, *factors, seed=seed)


def in_digits(found, digits=2):
    """A difference with its 95 % interval: "+0.11 [+0.10, +0.12]".

    Parameters
    ----------
    found : Difference, or what has its mean, low and high
    digits : int
    """
    mean, low, high = (  # no minus before a zero, and an edge is an edge on every processor
        f"{round(round(value, LAST), digits) + 0.0:+.{digits}f}"
        for value in (found.mean, found.low, found.high)
    )
    return f"{mean} [{low}, {high}]"


class Comparison(NamedTuple):
    """Two scores of one method by one measure.

    Attributes
    ----------
    method, first, second : str
    difference : Difference
    adjusted : float
        The p-value, adjusted for its family.
    verdict : {"better", "worse", "equal", "undecided"}
        Of the first.
    """

    method: str
    first: str
    second: str
    difference: Difference
    adjusted: float
    verdict: str


def compare_scores(table, measure, seed=SEED):
    """All pairs of scores within each method, a family: list of Comparison.

    Parameters
    ----------
    table : Table
        Of one network and layer.
    measure : str
    seed : int
    """
    table, rows = table.where(measure=measure, method=list(METHODS)), []
    for method in METHODS:
        found = outcome(table.where(method=method))
        for first, second in PAIRS:
            if len(found.values) and (d := difference(found, first, second, seed)):
                rows.append((method, first, second, d))
    adjusted = holm([d.p for *_, d in rows]) if rows else []
    return [
        Comparison(*row, p, decide(row[-1], p, MARGINS[measure]))
        for row, p in zip(rows, adjusted, strict=True)
    ]


def tally(comparisons):
    """How many comparisons have which verdict: "3 better, 0 worse, 1 equal, 2 undecided"."""
    verdicts = [c.verdict for c in comparisons]
    return ", ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS)


def by_bin(table, first, second, seed=SEED):
    """The difference of two scores by log-odds: dict from bin to Difference or None.

    Parameters
    ----------
    table : Table
        Of one method and measure.
    """
    found = outcome(table)
    return {name: difference(found.keep(found.bins == name), first, second, seed) for name in BINS}


def judge_matrix(table, seed=SEED):
    """Explained scores against judging outputs, and how much an output favours its own score.

    Parameters
    ----------
    table : Table
        Of one method and one measure in which outputs judge.

    Returns
    -------
    matrix : ndarray, float64 (explained, judging)
        Means over the images that all four outputs judge.
    advantage : Difference or None
        Of the diagonal over the rest, in which every row and column has the same weight.
    """
    of_judges = [outcome(table.where(judge=output)) for output in SCORES]
    keys = [list(zip(*(o.factors["image"], o.factors["class"]), strict=True)) for o in of_judges]
    shared = set(keys[0]).intersection(*keys[1:])
    rows = [sorted(range(len(k)), key=k.__getitem__) for k in keys]
    rows = [[i for i in order if k[i] in shared] for order, k in zip(rows, keys, strict=True)]
    if not shared:
        return np.full((len(SCORES), len(SCORES)), np.nan), None
    cube = np.stack([o.values[r] for o, r in zip(of_judges, rows, strict=True)], axis=2)
    own = np.einsum("nss->n", cube) / len(SCORES)
    rest = (cube.sum(axis=(1, 2)) - own * len(SCORES)) / (len(SCORES) ** 2 - len(SCORES))
    kept = of_judges[0].keep(rows[0])
    pair = kept._replace(values=np.stack([own, rest], axis=1))
    return cube.mean(axis=0), difference(pair, "own", "rest", seed, ("own", "rest"))
