"""Figures of cells: the decision table at a glance, and explained scores against judges."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import METHODS, in_digits, judge_matrix
from xai_utils.study.best.cells import ANY
from xai_utils.style import NEUTRAL, SCORE_COLORS, STYLE

WIDTH = 26  # characters in a line of a question
DARK = ("post", "odds")  # scores whose colours take white letters


def decision_figure(cells, title):
    """Which score to take, by method and question: each cell has a box for each score.

    The boxes of the scores that are taken are filled. Below them stands by how much the best of
    them is ahead of the best of the others, or of the worst where any will do.

    Parameters
    ----------
    cells : sequence of Cell
        From `fill_table`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
        Its label has the answers in words.
    """
    methods, questions = (list(dict.fromkeys(c[i] for c in cells)) for i in (0, 1))
    with plt.rc_context(STYLE):
        figure, ax = plt.subplots(figsize=(2.7 * len(questions) + 2.6, 0.6 * len(methods) + 1))
        for cell in cells:
            _draw_cell(ax, cell, questions.index(cell.question), methods.index(cell.method))
        ax.set_xticks(range(len(questions)), [fill(question, WIDTH) for question in questions])
        ax.set_yticks(range(len(methods)), [METHODS[m] for m in methods])
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set(xlim=(-0.5, len(questions) - 0.5), ylim=(len(methods) - 0.5, -0.5))
        figure.suptitle(title)
    said = "; ".join(f"{METHODS[c.method]}, {c.question} {c.answer}" for c in cells)
    figure.set_label(f"{title}: {said}")
    return figure


def _draw_cell(ax, cell, column, row):
    width, height = 0.92 / len(SCORES), 0.44
    for step, score in enumerate(SCORES):
        left, taken = column - 0.46 + step * width, score in cell.scores
        color = SCORE_COLORS[score] if taken else "white"
        ax.add_patch(
            Rectangle((left, row - 0.4), width, height, facecolor=color, edgecolor=NEUTRAL)
        )
        ax.text(
            left + width / 2, row - 0.4 + height / 2, score, ha="center", va="center",
            color=("white" if score in DARK else "black") if taken else NEUTRAL,
            fontweight="bold" if taken else None, fontsize=9,
        )  # fmt: skip
    ax.text(column, row + 0.22, _below(cell), ha="center", va="center", fontsize=8)


def _below(cell):
    """What stands below the boxes: the difference that the cell rests on, or what is wanting."""
    if not cell.compared:
        return "too few images"
    c = cell.compared
    shown = f"{c.first} − {c.second}: {in_digits(c)}"
    if cell.scores:
        alike = "any; " if cell.answer == ANY else "equal; " if c.verdict == "equal" else ""
        return alike + shown
    return f"undecided, would take {cell.needed:,} images" if cell.needed else f"undecided; {shown}"


def judges_figure(tables, margin):
    """Explained score against judging output, a matrix for each table.

    Colours show how far a score is from the mean of its column, since the outputs have different
    units; one scale for all matrices.

    Parameters
    ----------
    tables : dict from str to Table
        By title; each of one method, network, layer and measure.
    margin : float
        The smallest difference that matters: colours are not stronger for less.

    Returns
    -------
    matplotlib.figure.Figure
    """
    found = {title: judge_matrix(table) for title, table in tables.items()}
    deviations = {title: matrix - matrix.mean(axis=0) for title, (matrix, _) in found.items()}
    reach = max(margin, *(np.abs(d[np.isfinite(d)]).max(initial=0) for d in deviations.values()))
    with plt.rc_context(STYLE):
        size = (2.7 * len(tables) + 0.8, 3.7)
        figure, axes = plt.subplots(1, len(tables), figsize=size, sharey=True, squeeze=False)
        for ax, (title, (matrix, advantage)) in zip(axes[0], found.items(), strict=True):
            colors = ax.imshow(deviations[title], cmap="RdBu", vmin=-reach, vmax=reach)
            _write_numbers(ax, matrix, deviations[title], reach)
            said = in_digits(advantage, 3) if advantage else "too few images"
            ax.set(title=title, xlabel=f"judging output\n\nadvantage of the own judge\n{said}")
        axes[0, 0].set_ylabel("explained score")
        label = "difference to the column's mean"
        figure.colorbar(colors, ax=list(axes[0]), shrink=0.6, label=label)
    return figure


def _write_numbers(ax, matrix, deviation, reach):
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            color = "white" if abs(deviation[row, column]) > 0.6 * reach else "black"
            style = {"ha": "center", "va": "center", "fontsize": 9, "color": color}
            ax.text(column, row, f"{value:.2f}", **style)
    ax.set_xticks(range(len(SCORES)), SCORES)
    ax.set_yticks(range(len(SCORES)), SCORES)
