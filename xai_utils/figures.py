"""Heatmaps as figures: one with its image, and grids of them."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from xai_utils.heatmaps import (
    COLORMAP,
    SIGNED_COLORMAP,
    describe_emptiness,
    describe_place,
    normalise,
    overlay,
    resize_heatmap,
    signed_limit,
)
from xai_utils.style import ACCENT, METHOD_LABELS, NEUTRAL, SCORE_LABELS, STYLE

CHARACTERS_PER_INCH = 12  # of text of size 10, at most
SMALLEST_LIMIT = 0.1  # of the colours of differences, so that rounding is not drawn


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

    Examples
    --------
    >>> classifier, image = load_classifier("vgg19-mini"), load_image("cat")
    >>> gradients = ScoreGradients(classifier, [image], ["cat"])
    >>> heatmap = grad_cam(gradients, "odds")[0]
    >>> record = make_record("grad_cam", "odds", gradients, heatmap, image="cat")
    >>> figure = attribution_figure(image, heatmap, record, classifier.top_classes(image))
    >>> figure.get_suptitle().startswith("Grad-CAM at block5_pool, log-odds")
    True
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 4, figsize=(11, 3.1), width_ratios=[1, 1.16, 1, 0.8])
        figure.suptitle(
            f"{METHOD_LABELS.get(record['method'], record['method'])} at {record['layer']}, "
            f"{SCORE_LABELS[record['score']]} — {describe_target(record)}"
        )
        axes[0].imshow(image)
        axes[0].set_title("image")
        colors = _draw_heatmap(axes[1], heatmap, image.shape[:2], signed_limit(normalise(heatmap)))
        signed = heatmap.min() < 0
        axes[1].set_title(f"heatmap, divided by its {'largest |value|' if signed else 'maximum'}")
        axes[1].set_xlabel(_describe_maximum(record["raw_maximum"], signed))
        figure.colorbar(colors, ax=axes[1], shrink=0.85)
        axes[2].imshow(overlay(image, _magnitude(heatmap)))
        axes[2].set_title("overlay" if heatmap.min() >= 0 else "overlay of the absolute values")
        for ax in axes[:3]:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        _draw_top(axes[3], top, record["class"])
        _warn(figure, {"": heatmap})
        figure.set_label(
            f"{METHOD_LABELS.get(record['method'], record['method'])} heatmap of {record['class']} "
            f"for the score {record['score']}, largest {describe_place(heatmap)}"
        )
    return figure


def heatmap_grid(image, heatmaps, records, title, colormap=COLORMAP, difference=None):
    """Heatmaps of several methods (rows) and scores (columns) of one image.

    Maps >= 0 are laid over the grey image. The colours of signed ones end at the 99.5th percentile
    of their absolute values.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    heatmaps : dict of ndarray, float (h, w)
        Not normalised, by (row, score), with the method as row or any other text.
    records : dict of dict
        As from `make_record`, by the same keys. All of one image and class; where networks differ,
        rows say how sure each is.
    title : str
    colormap : str
        For the maps >= 0, for example "jet" as in the paper.
    difference : tuple of two scores, optional
        A last column, the first one's maps minus the second one's, each divided by its maximum.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> classifier, image = load_classifier("vgg19-mini"), load_image("cat")
    >>> gradients = ScoreGradients(classifier, [image], ["cat"])
    >>> heatmap = grad_cam(gradients, "odds")[0]
    >>> record = make_record("grad_cam", "odds", gradients, heatmap, image="cat")
    >>> cell = "grad_cam", "odds"
    >>> figure = heatmap_grid(image, {cell: heatmap}, {cell: record}, "One heatmap")
    >>> figure.get_suptitle().splitlines()[0]
    'One heatmap'
    """
    for name in ("class", "image_sha256"):
        if len({records[cell][name] for cell in heatmaps}) > 1:
            raise ValueError(f"the heatmaps of one grid must have one {name}")
    rows = list(dict.fromkeys(row for row, _ in heatmaps))
    scores = list(dict.fromkeys(score for _, score in heatmaps))
    columns = len(scores) + (difference is not None)
    with plt.rc_context(STYLE):
        panel = 2.25 * image.shape[0] / image.shape[1]  # inches
        size = (2.25 * columns + 1.1, (panel + 0.25) * len(rows) + 0.9)
        figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
        bars = {}  # what a colour bar says: its colours, and the rows that it stands beside
        several = np.ptp([records[cell]["log_odds"] for cell in heatmaps]) > 0.01  # networks
        for k, row in enumerate(rows):
            maps = {score: heatmaps[row, score] for score in scores}
            limit = signed_limit([normalise(heatmap) for heatmap in maps.values()])
            for ax, (score, heatmap) in zip(axes[k], maps.items(), strict=False):
                if heatmap.min() < 0:
                    colors = _draw_heatmap(ax, heatmap, image.shape[:2], limit)
                else:
                    ax.imshow(overlay(image, heatmap, colormap))
                    colors = ScalarMappable(Normalize(0, 1), colormap)
                raw = records[row, score]["raw_maximum"]
                ax.set_xlabel(_describe_maximum(raw, heatmap.min() < 0), fontsize=9)
            signed = any(heatmap.min() < 0 for heatmap in maps.values())
            label = "part of the largest\nabsolute value" if signed else "part of the maximum"
            bars.setdefault((label, limit if signed else 1), (colors, []))[1].append(k)
            record = records[row, scores[0]]
            p = format_probability(record["probability"], record["log_odds"])
            where = f"{record['layer']}, p = {p}" if several else record["layer"]
            axes[k, 0].set_ylabel(f"{METHOD_LABELS.get(row, row)}\n{where}")
        for ax, score in zip(axes[0], scores, strict=False):
            ax.set_title(SCORE_LABELS[score], fontsize=11)
        if difference:
            pairs = [[heatmaps[row, score] for score in difference] for row in rows]
            _draw_differences(figure, axes, pairs, " − ".join(difference), image.shape[:2])
        for (label, _), (colors, beside) in bars.items():
            shown = {"shrink": 0.85, "aspect": 16 * len(beside), "label": label}
            figure.colorbar(colors, ax=list(axes[beside, -1]), **shown)
        for ax in axes.flat:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        first = next(iter(records.values()))
        models = {records[cell]["model"] for cell in heatmaps}
        one = f" · {first['model']}" if len(models) == 1 else ""
        target = f"{first['class']}{one}" if several else describe_target(first)
        figure.suptitle(f"{title}\n{target}")
        named = {f"{METHOD_LABELS.get(r, r)} {s}": heatmaps[r, s] for r, s in heatmaps}
        _warn(figure, named)
        lines = ", ".join(METHOD_LABELS.get(r, r).replace("\n", " ") for r in rows)
        figure.set_label(f"{title}: heatmaps of {lines} (rows), for {', '.join(scores)} (columns)")
    return figure


def draw_overlay(ax, image, heatmap, note=""):
    """Lay a heatmap >= 0 over its image on one axes, with a note underneath."""
    ax.imshow(overlay(image, heatmap))
    ax.set(xticks=[], yticks=[], xlabel=note)
    ax.spines[:].set_visible(False)


def _draw_differences(figure, axes, pairs, title, shape):
    """The last column of a grid: differences of two maps each, all in one scale of colours."""
    values = [normalise(first) - normalise(second) for first, second in pairs]
    limit = max(SMALLEST_LIMIT, *map(signed_limit, values))
    for ax, v in zip(axes[:, -1], values, strict=True):
        colors = ax.imshow(resize_heatmap(v, *shape), SIGNED_COLORMAP, vmin=-limit, vmax=limit)
        ax.set_xlabel(f"largest difference {np.abs(v).max():.2f}", fontsize=9)
    axes[0, -1].set_title(title, fontsize=11)
    place = {"location": "bottom", "shrink": 0.4, "aspect": 30, "anchor": (1, 0)}
    place["ticks"] = MaxNLocator(4)  # more would run into each other
    figure.colorbar(colors, ax=list(axes.flat), label=f"{title}, parts of the maximum", **place)


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
        figure.supxlabel(text, color=ACCENT, fontsize=10)


def _magnitude(heatmap):
    if heatmap.min() >= 0:
        return heatmap
    return np.minimum(np.abs(heatmap), signed_limit(heatmap))


def _draw_heatmap(ax, heatmap, shape, limit):
    resized = normalise(resize_heatmap(heatmap, *shape))
    if heatmap.min() >= 0:
        return ax.imshow(resized, cmap=COLORMAP, vmin=0, vmax=1)
    return ax.imshow(resized, cmap=SIGNED_COLORMAP, vmin=-limit, vmax=limit)


def _describe_maximum(maximum, signed):
    if maximum == 0:
        return "zero everywhere"
    return f"largest |value| {maximum:.2e}" if signed else f"raw maximum {maximum:.2e}"


def _draw_top(ax, top, target):
    names, values = zip(*reversed(top), strict=True)
    colors = [ACCENT if name == target else NEUTRAL for name in names]
    bars = ax.barh(names, values, color=colors)
    ax.bar_label(bars, [f"{v:.3f}" for v in values], padding=3, fontsize=9)
    ax.set(xlim=(0, 1.3), xticks=[0, 0.5, 1], title="probability")
