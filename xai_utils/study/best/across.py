"""Do networks and layers agree? The comparisons at every place, and their figure."""

from typing import NamedTuple

import matplotlib.pyplot as plt

from xai_utils.study.best.answer import METHODS, compare_scores
from xai_utils.study.best.pictures import show_band, show_interval, show_legend
from xai_utils.study.best.plan import MARGINS, SEED
from xai_utils.style import NEUTRAL, PAIR_COLORS, SCORE_MARKERS, STYLE

# Pairs of scores that are shown for every network, with their marks
SHOWN_PAIRS = {
    ("odds", "pre"): SCORE_MARKERS["odds"],
    ("odds", "post"): "D",
    ("post", "pre"): SCORE_MARKERS["post"],
}


class Place(NamedTuple):
    """Where maps are read, and what the scores do there.

    Attributes
    ----------
    network, layer, head : str
    comparisons : dict from measure to list of Comparison
    """

    network: str
    layer: str
    head: str
    comparisons: dict

    def of(self, measure, method, first, second):
        """The comparison of two scores, or None: Comparison."""
        wanted = (method, first, second)
        return next((c for c in self.comparisons[measure] if c[:3] == wanted), None)


def compare_places(table, measures, seed=SEED):
    """All comparisons in every network at every layer, each place a family: list of Place.

    Parameters
    ----------
    table : Table
    measures : sequence of str
    seed : int
    """
    found, table = [], table.where(measure=measures)
    for network in table.present("network"):
        own = table.where(network=network)
        for layer in own.present("layer"):
            rows = own.where(layer=layer)
            comparisons = {measure: compare_scores(rows, measure, seed) for measure in measures}
            found.append(Place(network, layer, rows.present("head")[0], comparisons))
    return found


def networks_figure(places, methods, title):
    """Differences between scores in every network, a row of panels for each method.

    Parameters
    ----------
    places : sequence of Place
        From `compare_places`.
    methods : sequence of str
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    measures = list(places[0].comparisons)
    of_methods = {m: [p for p in places if _knows(p, m)] for m in methods}
    of_methods = {m: found for m, found in of_methods.items() if found}
    heights = [len(found) + 2 for found in of_methods.values()]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(heights), len(measures), sharex="col", sharey="row", squeeze=False,
            figsize=(2.5 * len(measures) + 3.6, 0.34 * sum(heights) + 0.6), height_ratios=heights,
        )  # fmt: skip
        for line, (method, found) in zip(axes, of_methods.items(), strict=True):
            for ax, measure in zip(line, measures, strict=True):
                _networks_panel(ax, found, measure, method)
            line[0].set_ylabel(METHODS[method])
        for ax, measure in zip(axes[0], measures, strict=True):
            ax.set_title(measure)
        for ax in axes[-1]:
            ax.set_xlabel("difference")
        show_legend(figure, axes.flat)
        figure.suptitle(title)
    return figure


def _knows(place, method):
    return any(c.method == method for found in place.comparisons.values() for c in found)


def _networks_panel(ax, places, measure, method):
    show_band(ax, MARGINS[measure])
    for row, place in enumerate(places):
        ax.axhline(row + 0.5, color=NEUTRAL, linewidth=0.5)
        for step, (pair, marker) in enumerate(SHOWN_PAIRS.items()):
            if c := place.of(measure, method, *pair):
                color = PAIR_COLORS[frozenset(pair)]
                show_interval(
                    ax, c.difference, row + 0.25 * (step - 1), color, marker, " − ".join(pair),
                    c.verdict != "undecided",
                )  # fmt: skip
    ax.set_yticks(range(len(places)), [_name(place) for place in places])
    ax.set_ylim(len(places) - 0.5, -0.5)


def _name(place):
    network, at, factor = place.network.partition("@")
    return f"{network}{f', logits × {factor}' if at else ''} · {place.layer} · {place.head}"
