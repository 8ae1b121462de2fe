"""Example maps at the quartiles of an effect: chosen by rank, not by eye."""

from itertools import combinations
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from xai_utils.embedded.cutouts import REGIONS, outlined_photograph
from xai_utils.figures import draw_overlay, format_probability
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import COLORMAP, share_inside
from xai_utils.images import resize_image
from xai_utils.methods import grad_cam
from xai_utils.study.best.answer import outcome
from xai_utils.study.best.cases import Case, Source, assemble, make_case
from xai_utils.study.best.judges import judging_outputs
from xai_utils.study.best.plan import TILES
from xai_utils.study.best.truths import tile_masks
from xai_utils.style import ACCENT, SCORE_LABELS, STYLE

KIND, MEASURE, METHOD = "one", "share inside", "grad_cam"
RANKS = (0, 0.25, 0.5, 0.75, 1)
PAIR = ("pre", "odds")  # in the order in which their maps are shown
CLOSE = 0.01  # two shares of the same map, on different processors


class Example(NamedTuple):
    """An image and a class in it, and where it stands by the difference between the scores of PAIR.

    Attributes
    ----------
    case : Case
    place : int
        Of the class that is explained, among those of the case.
    rank : float
        From 0, where the second score is furthest behind the first, to 1.
    shares : tuple of two floats
        Of the map that lies where the class is, for the scores of PAIR.
    """

    case: Case
    place: int
    rank: float
    shares: tuple

    @property
    def difference(self):
        """Of the second share to the first, float."""
        return self.shares[1] - self.shares[0]


def choose_examples(table, classifier):
    """The scenes at the quartiles of the difference: list of Example, empty if there are no scenes.

    Parameters
    ----------
    table : Table
        Of one network and layer.
    classifier : Classifier
        That network.
    """
    found = outcome(table.where(method=METHOD, measure=MEASURE, kind=KIND), PAIR)
    names, source = found.factors["image"], Source(classifier)
    return [
        Example(
            make_case(KIND, source, int(names[row].rpartition("-")[2])),
            0,
            rank,
            tuple(found.values[row].tolist()),
        )
        for row, rank in at_quartiles(_ranked(found.values))
    ]


def photographs_alone(classifier):
    """The photographs that packages bring, with the outline of their object: list of Case.

    The class is the one that the network holds most probable.
    """
    return [
        _as_case(classifier, name, np.asarray(photo), np.asarray(outline))
        for name, (photo, outline) in ((n, outlined_photograph(n)) for n in REGIONS["polygons"])
    ]


def _as_case(classifier, name, photo, outline):
    size = classifier.input_size
    target = int(classifier.logits([photo])[0].argmax())
    mask = resize_image(np.repeat(outline[..., None], 3, -1), *size)[..., 0] > 127
    return Case(name, resize_image(photo, *size), (target,), mask[None], tiles=(photo,))


def photographs_in_mosaics(classifier):
    """Every four of `photographs_alone` as the tiles of a mosaic: list of Case.

    Photographs with the same class are not put together.
    """
    size = classifier.input_size
    masks, cases = tile_masks(size, TILES), []
    for four in combinations(photographs_alone(classifier), TILES**2):
        targets = tuple(case.targets[0] for case in four)
        if len(set(targets)) == len(four):
            image = assemble([case.tiles[0] for case in four], masks, size)
            cases.append(Case("+".join(case.name for case in four), image, targets, masks))
    return cases


def measure_examples(classifier, layer, cases):
    """Each class of each case, from the lowest difference to the highest: list of Example."""
    found, shares = [], []
    for case in cases:
        maps = _draw_pair(classifier, layer, case)
        found += [(case, place) for place in range(len(case.targets))]
        shares += zip(*(map(_share, of_score, case.masks) for of_score in maps), strict=True)
    ranked = _ranked(np.array(shares).reshape(-1, len(PAIR)))
    return [Example(*found[row], rank, shares[row]) for row, rank in ranked]


def at_quartiles(examples):
    """The two ends, the quartiles and the median of a sequence, without repetition: list."""
    last = len(examples) - 1
    return [examples[i] for i in sorted({round(rank * last) for rank in RANKS}) if last >= 0]


def _ranked(shares):
    # three digits, so that the last ones of a processor do not change places
    order = (shares[:, 1] - shares[:, 0]).round(3).argsort(kind="stable").tolist()
    return [(row, place / max(len(order) - 1, 1)) for place, row in enumerate(order)]


def examples_figure(classifier, layer, examples, title):
    """Each example with its two maps, drawn anew: a column of three pictures.

    Parameters
    ----------
    classifier : Classifier
    layer : str
    examples : sequence of Example
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a map is not the one that was measured.
    """
    with plt.rc_context(STYLE):
        size = (2.1 * len(examples) + 1.2, 7)
        figure, axes = plt.subplots(3, len(examples), figsize=size, squeeze=False)
        for column, example in zip(axes.T, examples, strict=True):
            _draw_example(column, classifier, layer, example)
        for ax, label in zip(axes[:, 0], ("image", *(SCORE_LABELS[s] for s in PAIR)), strict=True):
            ax.set_ylabel(label)
        colors = ScalarMappable(Normalize(0, 1), COLORMAP)
        figure.colorbar(colors, ax=list(axes[:, -1]), shrink=0.5, label="part of the maximum")
        figure.suptitle(title)
    return figure


def _draw_pair(classifier, layer, case):
    gradients = ScoreGradients(classifier, [case.image] * len(case.targets), case.targets, layer)
    return [grad_cam(gradients, score) for score in PAIR]


def _share(heatmap, mask):
    return float(np.nan_to_num(share_inside(heatmap, mask)))  # an empty map has none


def _draw_example(column, classifier, layer, example):
    case, place = example.case, example.place
    mask, target = case.masks[place], case.targets[place]
    outputs = judging_outputs(classifier.logits([case.image]), target)
    name = classifier.class_names[target]
    p = format_probability(outputs["post"][0], outputs["odds"][0])
    maps = [of_score[place] for of_score in _draw_pair(classifier, layer, case)]
    shares = [_share(heatmap, mask) for heatmap in maps]
    if np.abs(np.subtract(shares, example.shares)).max() > CLOSE:
        raise ValueError(
            f"the maps of {case.name!r} have the shares {np.round(shares, 3)} on the object, and "
            f"the table says {np.round(example.shares, 3)}: it was made with another network; run "
            "make study"
        )
    column[0].imshow(case.image)
    column[0].set(xticks=[], yticks=[])
    column[0].spines[:].set_visible(False)
    column[0].set_title(f"rank {example.rank:.0%}: {example.difference:+.2f}\n{name}\np = {p}")
    for ax, heatmap, share in zip(column[1:], maps, example.shares, strict=True):
        draw_overlay(ax, case.image, heatmap, f"{share:.2f} inside")
        ax.contour(mask, [0.5], colors=[ACCENT], linewidths=1.2)
