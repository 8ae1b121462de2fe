"""The figures of the answer."""

import matplotlib.pyplot as plt
import numpy as np

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import compare_scores, judge_matrix
from xai_utils.study.best.decision import METHODS
from xai_utils.study.best.plan import BINS, MARGINS
from xai_utils.style import NEUTRAL, SCORE_COLORS, SCORE_MARKERS, STYLE

AGAINST = ("pre", "post")


def show_band(ax, margin):
    """Mark where a difference does not matter, and zero."""
    ax.axvspan(-margin, margin, color=NEUTRAL, alpha=0.4, linewidth=0)
    ax.axvline(0, color="black", linewidth=1)


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
        handles = {}
        for ax in axes[0]:
            drawn, labels = ax.get_legend_handles_labels()
            handles |= dict(zip(labels, drawn, strict=True))
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=4, frameon=False)
        figure.suptitle(title or f"Differences to {against}")
    return figure


def _difference_panel(ax, table, measure, against):
    scores = [score for score in SCORES if score != against]
    show_band(ax, MARGINS[measure])
    for c in compare_scores(table, measure):
        if against not in (c.first, c.second) or c.method not in METHODS:
            continue
        score, sign = (c.first, 1) if c.second == against else (c.second, -1)
        low, high = sorted((sign * c.difference.low, sign * c.difference.high))
        mean = sign * c.difference.mean
        row = list(METHODS).index(c.method) + 0.22 * (scores.index(score) - 1)
        color = SCORE_COLORS[score]
        ax.plot([low, high], [row, row], color=color, linewidth=1.5)
        face = "white" if c.verdict == "undecided" else color
        ax.plot(mean, row, SCORE_MARKERS[score], color=color, markerfacecolor=face,
                markersize=5, label=f"{score} − {against}")  # fmt: skip
    ax.set_yticks(range(len(METHODS)), METHODS.values())
    ax.set(title=measure, ylim=(len(METHODS) - 0.5, -0.5), xlabel="difference")


def bins_figure(differences, margin, title):
    """A difference by log-odds.

    Parameters
    ----------
    differences : dict from str to dict from bin to Difference or None
        By label, such as a measure.
    margin : float
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
            show_band(ax, margin)
            for row, name in enumerate(BINS):
                if d := found[name]:
                    ax.plot([d.low, d.high], [row, row], color=SCORE_COLORS["odds"])
                    ax.plot(d.mean, row, "o", color=SCORE_COLORS["odds"], markersize=5)
                    ax.annotate(f"n = {d.count}", (d.mean, row), (0, 5), fontsize=7, ha="center",
                                textcoords="offset points")  # fmt: skip
            ax.set_yticks(range(len(BINS)), BINS)
            ax.set(title=label, ylim=(-0.5, len(BINS) - 0.5), xlabel="difference")
        axes[0, 0].set_ylabel("log-odds")
        figure.suptitle(title)
    return figure


def judges_figure(table, measures):
    """Explained score against judging output, a matrix for each measure.

    Each column is shown as its deviation from its mean, since the outputs have different units.

    Parameters
    ----------
    table : Table
        Of one method, network and layer.
    measures : sequence of str

    Returns
    -------
    matplotlib.figure.Figure
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(measures), figsize=(2.7 * len(measures), 3.2), sharey=True, squeeze=False
        )
        for ax, measure in zip(axes[0], measures, strict=True):
            matrix, advantage = judge_matrix(table.where(measure=measure))
            deviation = matrix - matrix.mean(axis=0)
            reach = max(np.nanmax(np.abs(np.append(deviation, 0))), MARGINS[measure])
            ax.imshow(deviation, cmap="RdBu", vmin=-reach, vmax=reach)
            for (row, column), value in np.ndenumerate(matrix):
                ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8)
            ax.set_xticks(range(len(SCORES)), SCORES)
            ax.set_yticks(range(len(SCORES)), SCORES)
            said = (
                f"{advantage.mean:+.3f} [{advantage.low:+.3f}, {advantage.high:+.3f}]"
                if advantage else "too few images"
            )  # fmt: skip
            ax.set(title=measure, xlabel=f"judging output\nown judge: {said}")
        axes[0, 0].set_ylabel("explained score")
    return figure
