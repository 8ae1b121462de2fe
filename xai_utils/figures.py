"""Heatmaps as figures: one with its image, and grids of them."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from xai_utils.heatmaps import (
    COLORMAP,
    SIGNED_COLORMAP,
    describe_emptiness,
    normalise,
    overlay,
    resize_heatmap,
)
from xai_utils.style import GRAY, METHOD_LABELS, RED, SCORE_LABELS, STYLE

CHARACTERS_PER_INCH = 12  # of text of size 10, at most

# A few pixels carry the largest values of a signed map at full resolution; without clipping
# them the rest of the picture is white.
SIGNED_PERCENTILE = 99.5


def describe_target(record):
    """One line that says what a heatmap explains: class, probability, model."""
    return (
        f"{record['class']}, p = {format_probability(record['probability'], record['log_odds'])}"
        f" · {record['model']}"
    )


def format_probability(probability, log_odds):
    """A probability with the digits that tell it from 1: "0.73", "1 - 3e-09"."""
    if probability <= 0.999:
        return f"{probability:.3g}"
    return f"1 - {np.exp(-np.logaddexp(0, log_odds)):.0e}".replace("e-0", "e-")


def attribution_figure(image, heatmap, record, top):
    """The image, the heatmap, both together, and the most probable classes.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    heatmap : ndarray, float (h, w)
        Not normalised; signed maps get a diverging colour map centred on zero.
    record : dict
        As from `make_record`.
    top : list of (str, float)
        Names and probabilities, the most probable first.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 4, figsize=(11, 3.1), width_ratios=[1, 1.16, 1, 0.8])
        figure.suptitle(
            f"{METHOD_LABELS[record['method']]} at {record['layer']}, "
            f"{SCORE_LABELS[record['score']]} — {describe_target(record)}"
        )
        axes[0].imshow(image)
        axes[0].set_title("image")
        colors = _draw_heatmap(axes[1], heatmap, image.shape[:2], _signed_limit([heatmap]))
        axes[1].set_title("heatmap, divided by its maximum")
        axes[1].set_xlabel(_describe_maximum(record["raw_maximum"]))
        figure.colorbar(colors, ax=axes[1], shrink=0.85)
        axes[2].imshow(overlay(image, _magnitude(heatmap)))
        axes[2].set_title("overlay" if heatmap.min() >= 0 else "overlay of the absolute values")
        for ax in axes[:3]:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        _draw_top(axes[3], top, record["class"])
        _warn(figure, {"": heatmap})
    return figure


def heatmap_grid(image, heatmaps, records, title, colormap=COLORMAP):
    """Heatmaps of several methods (rows) and scores (columns) of one image.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    heatmaps, records : dict
        By (row, score), with the method as row or any other text: the maps, not normalised, and
        their records. All of one image and one class.
    title : str
    colormap : str
        For the maps >= 0, for example "jet" as in the paper.

    Returns
    -------
    matplotlib.figure.Figure
    """
    for name in ("class", "image_sha256"):
        if len({records[cell][name] for cell in heatmaps}) > 1:
            raise ValueError(f"the heatmaps of one grid must have one {name}")
    methods = list(dict.fromkeys(method for method, _ in heatmaps))
    scores = list(dict.fromkeys(score for _, score in heatmaps))
    with plt.rc_context(STYLE):
        panel = 2.25 * image.shape[0] / image.shape[1]  # inches
        size = (2.25 * len(scores) + 1.1, (panel + 0.25) * len(methods) + 0.9)
        figure, axes = plt.subplots(len(methods), len(scores), figsize=size, squeeze=False)
        for row, method in zip(axes, methods, strict=True):
            limit = _signed_limit([heatmaps[method, score] for score in scores])
            for ax, score in zip(row, scores, strict=True):
                heatmap = heatmaps[method, score]
                if heatmap.min() < 0:
                    colors = _draw_heatmap(ax, heatmap, image.shape[:2], limit)
                else:
                    ax.imshow(overlay(image, heatmap, colormap))
                    colors = ScalarMappable(Normalize(0, 1), colormap)
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
                ax.set_xlabel(_describe_maximum(records[method, score]["raw_maximum"]), fontsize=9)
            layer = records[method, scores[0]]["layer"]
            row[0].set_ylabel(f"{METHOD_LABELS.get(method, method)}\n{layer}")
            figure.colorbar(colors, ax=row[-1], shrink=0.85)
        for ax, score in zip(axes[0], scores, strict=True):
            ax.set_title(SCORE_LABELS[score], fontsize=11)
        figure.suptitle(f"{title}\n{describe_target(next(iter(records.values())))}")
        named = {f"{METHOD_LABELS.get(m, m)} {s}": heatmaps[m, s] for m, s in heatmaps}
        _warn(figure, named)
    return figure


def _warn(figure, heatmaps):
    """Write below a figure which of its maps (dict by name) cannot answer the question."""
    names = {}
    for name, heatmap in heatmaps.items():
        for sentence in describe_emptiness(heatmap):
            names.setdefault(sentence, []).append(name)
    lines = [f"{', '.join(n)}: {sentence}".removeprefix(": ") for sentence, n in names.items()]
    if lines:
        width = int(CHARACTERS_PER_INCH * figure.get_figwidth())
        text = "\n".join(textwrap.fill(line, width) for line in lines)
        figure.supxlabel(text, color=RED, fontsize=10)


def _magnitude(heatmap):
    if heatmap.min() >= 0:
        return heatmap
    return np.minimum(np.abs(heatmap), _percentile(np.abs(heatmap)))


def _signed_limit(heatmaps):
    """Where the colours of signed maps end, as a part of their maximum."""
    return _percentile(np.abs([normalise(h) for h in heatmaps]))


def _percentile(values):
    """Of the values that are not zero: black pixels have no attribution, and can be many."""
    return np.percentile(values[values > 0], SIGNED_PERCENTILE) if values.any() else 1.0


def _draw_heatmap(ax, heatmap, shape, limit):
    resized = normalise(resize_heatmap(heatmap, *shape))
    if heatmap.min() >= 0:
        return ax.imshow(resized, cmap=COLORMAP, vmin=0, vmax=1)
    return ax.imshow(resized, cmap=SIGNED_COLORMAP, vmin=-limit, vmax=limit)


def _describe_maximum(maximum):
    return "zero everywhere" if maximum == 0 else f"raw maximum {maximum:.2e}"


def _draw_top(ax, top, target):
    names, values = zip(*reversed(top), strict=True)
    colors = [RED if name == target else GRAY for name in names]
    bars = ax.barh(names, values, color=colors)
    ax.bar_label(bars, [f"{v:.3f}" for v in values], padding=3, fontsize=9)
    ax.set(xlim=(0, 1.3), xticks=[0, 0.5, 1], title="probability")
