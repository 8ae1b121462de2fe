"""When does the sign of the difference between log-odds and logit turn? The plan's hypotheses."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from xai_utils.study.best.answer import difference, in_digits, outcome
from xai_utils.study.best.plan import MARGINS, SEED
from xai_utils.study.statistics import Difference, paired_difference

MEASURE, METHOD = "grid pointing", "grad_cam"
PAIR = ("odds", "pre")
P2 = 0.1
COOLEST, HOTTEST = "@0.5", "@4"
BORNE_OUT, REFUTED, OPEN = "borne out", "refuted", "open"
SIDES = {  # what a hypothesis compares
    "H1": ("linear head", "rectified layers"),
    "H2": ("p2 above .1", "below"),
    "H3": ("many rivals", "few"),
    "H4": ("logits × 4", "× 0.5"),
}


class Finding(NamedTuple):
    """What became of a hypothesis in one network.

    Attributes
    ----------
    hypothesis, network : str
    shown : Difference or None
        What the hypothesis is about; None if the table does not have it.
    verdict : {"borne out", "refuted", "open"}
    sides : tuple of two (Difference or None)
        Those of PAIR, whose difference it is; they are named in SIDES.
    """

    hypothesis: str
    network: str
    shown: Difference | None
    verdict: str
    sides: tuple = (None, None)

    def __str__(self):
        named = zip(SIDES[self.hypothesis], self.sides, strict=True)
        sides = ", ".join(f"{name} {_shown(side)}" for name, side in named)
        return (
            f"{self.hypothesis} {self.network}: {sides}; difference {_shown(self.shown)}: "
            f"{self.verdict}"
        )


def _shown(difference):
    return in_digits(difference) if difference else "unknown"


def larger(shown, least=0.0):
    """The verdict on "it is larger than `least`"."""
    if shown is None:
        return OPEN
    return BORNE_OUT if shown.low > least else REFUTED if shown.high < least else OPEN


def negligible(shown, margin):
    """The verdict on "it is smaller than the margin"."""
    if shown is None:
        return OPEN
    if shown.is_negligible(margin):
        return BORNE_OUT
    return REFUTED if shown.low > margin or shown.high < -margin else OPEN


def independent_difference(a, b):
    """The difference of two differences that are of two groups of images: Difference or None.

    Their intervals count as independent: the widths are put together by the root of the sum of
    squares. An image that is in both groups, by two of its classes, makes that too wide.

    Parameters
    ----------
    a, b : Difference or None
    """
    if a is None or b is None:
        return None
    mean = a.mean - b.mean
    low, inner_low, inner_high, high = (
        mean + sign * float(np.hypot(getattr(a, end) - a.mean, getattr(b, opposite) - b.mean))
        for sign, end, opposite in (
            (-1, "low", "high"),
            (-1, "inner_low", "inner_high"),
            (1, "inner_high", "inner_low"),
            (1, "high", "low"),
        )
    )
    error = (high - low) / (2 * norm.ppf(0.975))
    p = float(2 * norm.sf(abs(mean) / error)) if error > 0 else float(mean == 0)
    return Difference(mean, low, high, inner_low, inner_high, p, a.count + b.count)


def change_between(first, second, seed=SEED):
    """By how much the difference of PAIR changes from one table to another, on the same images.

    Parameters
    ----------
    first, second : Table
        Of METHOD and MEASURE; of one network and layer each.

    Returns
    -------
    Difference or None
    """
    sides = []
    for table in (first, second):
        found = outcome(table, PAIR)
        if not len(found.values):
            return None
        images = [name.split("|")[-1] for name in found.factors["image"]]
        keys = zip(images, found.factors["class"], strict=True)
        sides.append(dict(zip(keys, found.values[:, 0] - found.values[:, 1], strict=True)))
    shared = sorted(set(sides[0]) & set(sides[1]))
    if len({image for image, _ in shared}) < 4 or len({name for _, name in shared}) < 2:
        return None
    values = [[side[key] for key in shared] for side in sides]
    return paired_difference(*values, *zip(*shared, strict=True), seed=seed)


def _side(table, seed):
    """The difference of PAIR in a table of METHOD and MEASURE: Difference or None."""
    return difference(outcome(table, PAIR), *PAIR, seed, PAIR)


def examine(table, seed=SEED):
    """What became of the hypotheses, network by network: list of Finding.

    Parameters
    ----------
    table : Table
    seed : int
    """
    table, findings = table.where(method=METHOD, measure=MEASURE), []
    for network in table.present("network"):
        own = table.where(network=network)
        if network.endswith(HOTTEST):
            cool = table.where(network=network.replace(HOTTEST, COOLEST))
            findings.append(_of_saturation(network, _primary(own), _primary(cool), seed))
        if "@" not in network:
            findings += [*_of_heads(network, own, seed), *_of_rivals(network, own, seed)]
    return findings


def _primary(table):
    """The rows at the first layer that the table has."""
    layers = table.present("layer")
    return table.where(layer=layers[0]) if layers else table


def _of_saturation(network, hot, cool, seed):
    change = change_between(hot, cool, seed)
    sides = _side(hot, seed), _side(cool, seed)
    return Finding("H4", network, change, negligible(change, MARGINS[MEASURE]), sides)


def _of_heads(network, table, seed):
    """H1, of a network that has layers of both kinds."""
    linear, rectified = (table.where(head=head) for head in ("linear", "rectified"))
    margin, found = MARGINS[MEASURE], []
    for layer in rectified.present("layer") if len(linear) else []:
        both = _primary(linear), rectified.where(layer=layer)
        change, sides = change_between(*both, seed), tuple(_side(one, seed) for one in both)
        verdicts = {larger(sides[0], margin), larger(change, margin)}
        verdict = verdicts.pop() if len(verdicts) == 1 else REFUTED if REFUTED in verdicts else OPEN
        found.append(Finding("H1", f"{network}, {layer}", change, verdict, sides))
    return found


def _of_rivals(network, table, seed):
    found = outcome(_primary(table), PAIR)
    rivals = found.numbers["rivals"]
    groups = {"H2": found.numbers["p2"] > P2, "H3": rivals > np.median(rivals)}
    for name, upper in groups.items():
        sides = [difference(found.keep(rows), *PAIR, seed, PAIR) for rows in (upper, ~upper)]
        shown = independent_difference(*sides)
        yield Finding(name, network, shown, larger(shown), tuple(sides))
