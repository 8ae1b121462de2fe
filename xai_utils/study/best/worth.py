"""What the measures themselves are worth: reliability, agreement, and reaction to known damage."""

import numpy as np

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import FEWEST, difference, outcome
from xai_utils.study.best.plan import SEED
from xai_utils.study.statistics import kendalls_w, split_half_reliability


def map_values(table, measure):
    """A measure of each map, image by image: names of the maps, and float64 (units, maps).

    Maps are methods with a score; those that were not made for every image are left out.
    """
    table = table.where(measure=measure)
    keys = [(m, s) for m in table.present("method") for s in SCORES]
    found = {key: table.where(method=key[0], score=key[1]) for key in keys}
    most = max((len(rows) for rows in found.values()), default=0)
    names = [key for key, rows in found.items() if most and len(rows) == most]
    values = [found[key].numbers["value"] for key in names]
    return names, np.stack(values, axis=1) if values else np.empty((0, 0))


def reliabilities(table):
    """How far each measure agrees with itself over halves of the images: dict of float."""
    found = {}
    for measure in table.present("measure"):
        names, values = map_values(table, measure)
        if len(values) >= 2 * FEWEST and len(names) > 2:
            found[measure] = split_half_reliability(values, SEED)
    return found


def agreement(table, measures):
    """Kendall's W between the orders of the maps by some measures: float.

    Over the maps that all of them have; NaN for fewer than three maps.
    """
    means = []
    for measure in measures:
        names, values = map_values(table, measure)
        means.append(dict(zip(names, np.nanmean(values, axis=0), strict=True)))
    shared = sorted(set(means[0]).intersection(*means[1:]))
    if len(shared) < 3:
        return float("nan")
    return kendalls_w([[of[name] for name in shared] for of in means])


def reactions(table, seed=SEED):
    """Whether each measure sees known damage: dict from (measure, damage) to Difference or None.

    Grad-CAM's map of the log-odds against itself blurred, and against that of another image. None
    also where the other map is no damage: that of another mosaic, whose class is in the same tile.
    """
    found = {}
    for measure in table.present("measure"):
        for damage in ("blurred", "other image"):
            names = ("grad_cam", f"grad_cam, {damage}")
            rows = table.where(measure=measure, score="odds", method=names)
            swapped = rows.as_scores("method")
            pair = outcome(swapped, names)
            harmless = (measure, damage) == ("grid pointing", "other image")
            found[measure, damage] = None if harmless else difference(pair, *names, seed, names)
    return found
