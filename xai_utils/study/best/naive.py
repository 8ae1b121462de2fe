"""From the table to the share of naive float32 maps that are wrong."""

from typing import NamedTuple

import numpy as np

from xai_utils.study.best.plan import BINS, NAIVE, WRONG_BELOW
from xai_utils.study.saturation import ROUNDINGS


class Share(NamedTuple):
    """How many of some maps are wrong.

    Attributes
    ----------
    wrong, count : int
    """

    wrong: int
    count: int

    def __str__(self):
        return f"{self.wrong / self.count:.0%} of {self.count}" if self.count else "none"


def wrong_maps(table):
    """Naive maps that are not the exact one, by what float32 makes of 1 - y_c and by log-odds.

    Parameters
    ----------
    table : Table
        Of the networks that are to be counted together.

    Returns
    -------
    dict from (rounding, bin) to Share
        All roundings and bins; in each, the maps whose correlation with the exact one is below
        WRONG_BELOW, of those whose exact map is not empty.
    """
    table, found = table.where(measure=NAIVE), {}
    for rounding in ROUNDINGS:
        for name in BINS:
            values = table.where(judge=rounding, bin=name).numbers["value"]
            values = values[np.isfinite(values)]
            found[rounding, name] = Share(int((values < WRONG_BELOW).sum()), len(values))
    return found
