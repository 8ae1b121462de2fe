"""The figures, in one style."""

import io
import json
import textwrap
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import FancyBboxPatch

from xai_utils.heatmaps import (
    COLORMAP,
    SIGNED_COLORMAP,
    describe_emptiness,
    normalise,
    overlay,
    resize_heatmap,
)
from xai_utils.results import versions, write_atomically

STYLE = {
    "figure.dpi": 80,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.interpolation": "nearest",
    "pdf.fonttype": 42,  # text stays text
    "figure.constrained_layout.use": True,
}

SAVED_DPI = 110
JPEG_QUALITY = 80  # pictures in notebooks stay below 250 kB
CHARACTERS_PER_INCH = 12  # of text of size 10, at most
RED, GRAY = "#b5442e", "#8a8f98"

METHOD_LABELS = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus": "Grad-CAM+",
    "grad_cam_plus_plus": "Grad-CAM++",
    "rsi_grad_cam": "RSI-Grad-CAM",
    "integrated_gradients": "Integrated Gradients",
}
SCORE_LABELS = {
    "pre": "pre-softmax, $z_c$",
    "post": "post-softmax, $y_c$",
    "log": "log-softmax, $\\log\\, y_c$",
    "odds": "log-odds, $o_c$",
}

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


def softmax_score_diagram(model, layer):
    """Figure 1: the structure of the classifier, and where each score is read.

    Parameters
    ----------
    model, layer : str
        Names, for the labels.

    Returns
    -------
    matplotlib.figure.Figure
    """
    blocks = [
        ("image\n$x$", 0.9, "#e8e8e8"),
        ("convolutional\nblocks", 1.5, "#cfe0f0"),
        (f"activations\n$A$  ({layer})", 1.9, "#cfe0f0"),
        ("fully connected\nlayers", 1.6, "#d8ead3"),
        ("logits\n$z$", 0.9, "#fbe3c0"),
        ("softmax", 1.0, "#eeeeee"),
        ("probabilities\n$y$", 1.4, "#f6cfc4"),
    ]
    with plt.rc_context({**STYLE, "figure.constrained_layout.use": False}):
        figure, ax = plt.subplots(figsize=(11, 3.3))
        figure.subplots_adjust(0, 0, 1, 1)
        x, centres = 0.2, []
        for label, width, color in blocks:
            ax.add_patch(
                FancyBboxPatch((x, 1.3), width, 1, "round,pad=0.04", fc=color, ec="#555555")
            )
            ax.text(x + width / 2, 1.8, label, ha="center", va="center")
            if centres:
                ax.annotate("", (x - 0.05, 1.8), (x - 0.33, 1.8), arrowprops={"arrowstyle": "-|>"})
            centres.append(x + width / 2)
            x += width + 0.38
        _draw_readings(ax, centres[4], centres[6])
        gradient = "$\\partial {} / \\partial A$".format
        for start, end, y, names in (
            (centres[4], centres[2] + 0.2, 0.55, ["z_c"]),
            (centres[6], centres[2] - 0.2, 0.0, ["y_c", "\\log y_c", "o_c"]),
        ):
            ax.plot([start, start, end, end], [1.22, y, y, 1.1], color=RED, linewidth=1.2)
            ax.annotate("", (end, 1.25), (end, 1.0), arrowprops={"arrowstyle": "-|>", "color": RED})
            label = ",  ".join(map(gradient, names))
            ax.text(centres[3], y + 0.07, label, color=RED, ha="center", va="bottom")
        ax.set(xlim=(0, x - 0.1), ylim=(-0.2, 3.6))
        ax.axis("off")
        ax.text(
            0.2, 3.25, f"The classifier ({model}) and the four scores of a class $c$", fontsize=12
        )
    return figure


def _draw_readings(ax, logits, probabilities):
    """Above the boxes: which score is read where."""
    ax.text(logits, 2.48, "pre:  $z_c$", ha="center", va="bottom")
    ax.text(
        probabilities, 2.48,
        "post:  $y_c$\nlog:  $\\log y_c$\nodds:  $o_c = \\log\\frac{y_c}{1 - y_c}$",
        ha="center", va="bottom",
    )  # fmt: skip


def show(figure, alt=None):
    """Show a figure in a notebook as a small picture, with a text for those who cannot see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        It is closed.
    alt : str, optional
        Without it, the figure's title.
    """
    buffer = io.BytesIO()
    pil_kwargs = {"quality": JPEG_QUALITY, "subsampling": 0}
    figure.savefig(buffer, format="jpeg", pil_kwargs=pil_kwargs)
    plt.close(figure)
    display(Image(buffer.getvalue(), format="jpeg", alt=alt or figure.get_suptitle()))


def save_figure(figure, stem, source):
    """Save a figure as PNG and PDF; both say inside what made them.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    stem : str or Path
        Path without ending; folders are made.
    source : dict
        What it was made from: notebook and parameters.

    Returns
    -------
    list of Path
        The files.
    """
    stem = Path(stem)
    origin = json.dumps({**source, "versions": versions()})
    files = []
    for ending, metadata in (
        ("png", {"Description": origin, "Software": None}),
        ("pdf", {"Subject": origin, "CreationDate": None, "Creator": None, "Producer": None}),
    ):
        path = stem.with_name(f"{stem.name}.{ending}")
        options = {"format": ending, "metadata": metadata, "dpi": SAVED_DPI}
        with plt.rc_context(STYLE):
            write_atomically(path, partial(figure.savefig, **options))
        files.append(path)
    return files
