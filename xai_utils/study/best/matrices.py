"""Figures of cells: the decision table at a glance, and explained scores against judges."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import METHODS, in_digits, judge_matrix
from xai_utils.study.best.decision import ANY
from xai_utils.style import NEUTRAL, SCORE_COLORS, STYLE

WIDTH = 22  # characters in a line of a question


def decision_figure(cells, title):
    """Which score to take, by method and question: a cell has the colours of its scores.

    Under the scores stands by how much the best of them is ahead of the best of the others; where
    any will do, by how much of the worst. White: undecided.

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
        figure, ax = plt.subplots(figsize=(2.6 * len(questions) + 2.4, 0.55 * len(methods) + 1))
        for cell in cells:
            place = questions.index(cell.question), methods.index(cell.method)
            _draw_cell(ax, cell, *place)
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
    colors = [SCORE_COLORS[score] for score in cell.scores]
    if cell.answer == ANY:
        colors = [NEUTRAL]
    width, height = 0.96, 0.92
    left, top = column - width / 2, row - height / 2
    for step, color in enumerate(colors):
        part = width / len(colors)
        ax.add_patch(Rectangle((left + step * part, top), part, height, color=color, linewidth=0))
    ax.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=NEUTRAL))
    sure = bool(cell.scores) and cell.answer != ANY
    style = {"ha": "center", "va": "center", "color": "white" if sure else "black"}
    ax.text(column, row - 0.17, _headline(cell), fontweight="bold" if sure else None, **style)
    ax.text(column, row + 0.22, _subline(cell), fontsize=8, **style)


def _headline(cell):
    if cell.answer == ANY:
        return "any of the four"
    return " · ".join(cell.scores) if cell.scores else "undecided"


def _subline(cell):
    if not cell.scores:
        return f"would take n = {cell.needed:,}" if cell.needed else "too few images"
    c = cell.compared
    return f"{c.first} − {c.second}: {in_digits(c)}"


def judges_figure(tables, margin):
    """Explained score against judging output, a matrix for each table.

    Each column is shown as its deviation from its mean, since the outputs have different units.

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
    with plt.rc_context(STYLE):
        size = (2.7 * len(tables), 3.2)
        figure, axes = plt.subplots(1, len(tables), figsize=size, sharey=True, squeeze=False)
        for ax, (title, table) in zip(axes[0], tables.items(), strict=True):
            _draw_judges(ax, *judge_matrix(table), margin)
            ax.set_title(title)
        axes[0, 0].set_ylabel("explained score")
    return figure


def _draw_judges(ax, matrix, advantage, margin):
    deviation = matrix - matrix.mean(axis=0)
    reach = max(np.nanmax(np.abs(np.append(deviation, 0))), margin)
    ax.imshow(deviation, cmap="RdBu", vmin=-reach, vmax=reach)
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8)
    ax.set_xticks(range(len(SCORES)), SCORES)
    ax.set_yticks(range(len(SCORES)), SCORES)
    said = in_digits(advantage, 3) if advantage else "too few images"
    ax.set_xlabel(f"judging output\nown judge: {said}")
