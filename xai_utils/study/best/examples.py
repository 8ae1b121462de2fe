"""Example maps at the quartiles of an effect: chosen by rank, not by eye."""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from xai_utils.figures import draw_overlay
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import COLORMAP, share_inside
from xai_utils.methods import grad_cam
from xai_utils.study.best.answer import outcome
from xai_utils.study.best.cases import Source, make_case
from xai_utils.style import ACCENT, SCORE_LABELS, STYLE

KIND, MEASURE, METHOD = "one", "share inside", "grad_cam"
RANKS = (0, 0.25, 0.5, 0.75, 1)
PAIR = ("pre", "odds")  # in the order in which their maps are shown
CLOSE = 0.01  # two shares of the same map, on different processors


class Example(NamedTuple):
    """A scene, and where it stands among all by the difference between the scores of PAIR.

    Attributes
    ----------
    number : int
        Of the case.
    rank : float
        From 0, where the second score is furthest behind the first, to 1.
    shares : tuple of two floats
        Of the map that lies on the object, by the table, for the scores of PAIR.
    """

    number: int
    rank: float
    shares: tuple


def choose_examples(table):
    """The scenes at the quartiles of the difference: list of Example, empty if there are no scenes.

    Parameters
    ----------
    table : Table
        Of one network and layer.
    """
    found = outcome(table.where(method=METHOD, measure=MEASURE, kind=KIND), PAIR)
    order = (found.values[:, 1] - found.values[:, 0]).argsort(kind="stable")
    last = len(order) - 1
    places = sorted({round(rank * last) for rank in RANKS}) if len(order) else []
    return [
        Example(
            int(found.factors["image"][order[place]].rpartition("-")[2]),
            place / max(last, 1),
            tuple(found.values[order[place]].tolist()),
        )
        for place in places
    ]


def examples_figure(classifier, layer, examples, title):
    """Each example with its two maps, drawn anew: a column of three pictures.

    Parameters
    ----------
    classifier : Classifier
        The network of the table.
    layer : str
    examples : sequence of Example
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a map is not the one that the table speaks of.
    """
    with plt.rc_context(STYLE):
        size = (2.1 * len(examples) + 1.2, 7)
        figure, axes = plt.subplots(3, len(examples), figsize=size, squeeze=False)
        for column, example in zip(axes.T, examples, strict=True):
            _draw_example(column, classifier, layer, example)
        for ax, label in zip(axes[:, 0], ("scene", *(SCORE_LABELS[s] for s in PAIR)), strict=True):
            ax.set_ylabel(label)
        colors = ScalarMappable(Normalize(0, 1), COLORMAP)
        figure.colorbar(colors, ax=list(axes[:, -1]), shrink=0.5, label="part of the maximum")
        figure.suptitle(title)
    return figure


def _draw_example(column, classifier, layer, example):
    case = make_case(KIND, Source(classifier), example.number)
    mask = case.masks[0]
    gradients = ScoreGradients(classifier, [case.image], case.targets, layer)
    maps = [grad_cam(gradients, score)[0] for score in PAIR]
    shares = [np.nan_to_num(share_inside(heatmap, mask)) for heatmap in maps]
    if np.abs(np.subtract(shares, example.shares)).max() > CLOSE:
        raise ValueError(
            f"the maps of {case.name!r} have the shares {np.round(shares, 3)} on the object, and "
            f"the table says {np.round(example.shares, 3)}: it was made with another network; run "
            "make study"
        )
    column[0].imshow(case.image)
    column[0].set(xticks=[], yticks=[])
    column[0].spines[:].set_visible(False)
    first, second = example.shares
    name = classifier.class_names[case.targets[0]]
    column[0].set_title(f"rank {example.rank:.0%}: {second - first:+.2f}\n{name}")
    for ax, heatmap, share in zip(column[1:], maps, example.shares, strict=True):
        draw_overlay(ax, case.image, heatmap, f"{share:.2f} on the object")
        ax.contour(mask, [0.5], colors=[ACCENT], linewidths=1.2)
