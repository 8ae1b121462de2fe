"""The figures of the answer: differences between scores, with their intervals."""

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import METHODS, compare_scores
from xai_utils.study.best.plan import BINS, MARGINS
from xai_utils.style import NEUTRAL, SCORE_COLORS, SCORE_MARKERS, STYLE


def show_band(ax, margin):
    """Mark where a difference does not matter, and zero."""
    ax.axvspan(-margin, margin, color=NEUTRAL, alpha=0.4, linewidth=0)
    ax.axvline(0, color="black", linewidth=1)


def show_interval(ax, difference, row, color, marker, label=None, filled=True):
    """Draw a difference with its 95 % interval; an open mark is an undecided one."""
    ax.plot([difference.low, difference.high], [row, row], color=color, linewidth=1.5)
    ax.plot(difference.mean, row, marker, color=color, markersize=5, label=label,
            markerfacecolor=color if filled else "white")  # fmt: skip


def show_legend(figure, axes):
    """One legend below a figure, for the labels of all its axes; its marks are filled."""
    marks = {}
    for ax in axes:
        for line, label in zip(*ax.get_legend_handles_labels(), strict=True):
            style = {"color": line.get_color(), "marker": line.get_marker(), "markersize": 5}
            marks[label] = Line2D([], [], linestyle="", **style)
    figure.legend(marks.values(), marks, loc="outside lower center", ncols=4, frameon=False)


def difference_figure(table, measures, against="pre", title=None):
    """Differences of the scores to one of them, a panel for each measure.

    Intervals are of 95 %; the band is what does not matter; an open mark is a difference that is
    neither shown to matter nor shown not to.

    Parameters
    ----------
    table : Table
        Of one network and layer.
    measures : sequence of str
    against : {"pre", "post"}
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    with plt.rc_context(STYLE):
        size = (3.0 * len(measures) + 1.6, 3.8)
        figure, axes = plt.subplots(1, len(measures), figsize=size, sharey=True, squeeze=False)
        for ax, measure in zip(axes[0], measures, strict=True):
            _difference_panel(ax, table, measure, against)
        show_legend(figure, axes[0])
        figure.suptitle(title or f"Differences to {against}")
    return figure


def _difference_panel(ax, table, measure, against):
    scores = [score for score in SCORES if score != against]
    show_band(ax, MARGINS[measure])
    for c in compare_scores(table, measure):
        if against not in (c.first, c.second):
            continue
        score = c.first if c.second == against else c.second
        d = c.difference if c.second == against else _turned(c.difference)
        row = list(METHODS).index(c.method) + 0.22 * (scores.index(score) - 1)
        show_interval(
            ax, d, row, SCORE_COLORS[score], SCORE_MARKERS[score], f"{score} − {against}",
            c.verdict != "undecided",
        )  # fmt: skip
    ax.set_yticks(range(len(METHODS)), METHODS.values())
    ax.set(title=measure, ylim=(len(METHODS) - 0.5, -0.5), xlabel="difference")
    ax.locator_params(axis="x", nbins=5)


def _turned(d):
    """The difference of the second and the first."""
    return d._replace(mean=-d.mean, low=-d.high, high=-d.low)


def bins_figure(differences, margins, title):
    """A difference by log-odds.

    Parameters
    ----------
    differences : dict from str to dict from bin to Difference or None
        By label, such as a measure.
    margins : dict from str to float
        By the same labels.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(differences), figsize=(3.0 * len(differences) + 1, 2.8), sharey=True,
            squeeze=False,
        )  # fmt: skip
        for ax, (label, found) in zip(axes[0], differences.items(), strict=True):
            show_band(ax, margins[label])
            for row, name in enumerate(BINS):
                if d := found[name]:
                    show_interval(ax, d, row, SCORE_COLORS["odds"], SCORE_MARKERS["odds"])
                    ax.annotate(
                        f"n = {d.count}", (1, row), (-2, 4), ("axes fraction", "data"),
                        "offset points", fontsize=7, ha="right",
                    )  # fmt: skip
            ax.set_yticks(range(len(BINS)), BINS)
            ax.set(title=label, ylim=(-0.5, len(BINS) - 0.5), xlabel="difference")
        axes[0, 0].set_ylabel("log-odds")
        figure.suptitle(title)
    return figure
