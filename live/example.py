"""The example that the live page opens on: pictures, tables and sentences, as HTML."""

import base64
import io

import numpy as np
from matplotlib import colormaps
from PIL import Image

from xai_utils import (
    ScoreGradients,
    grad_cam,
    grad_cam_plus,
    grad_cam_plus_plus,
    integrated_gradients,
    load_classifier,
    load_image,
    overlay,
    rsi_grad_cam,
)
from xai_utils.classifier import softmax
from xai_utils.heatmaps import SIGNED_COLORMAP, correlation, signed_limit
from xai_utils.images import resize_image
from xai_utils.scores import SCORES, score_factor, score_value
from xai_utils.study.agreement import largest_difference
from xai_utils.study.equivalent import add_to_kernel, vector_for_map
from xai_utils.study.saturation import ROUNDINGS, rounded_weights
from xai_utils.style import METHOD_LABELS

METHODS = (grad_cam, grad_cam_plus, grad_cam_plus_plus, rsi_grad_cam, integrated_gradients)
TOLERANCE = 0.01  # of the path methods
FACTOR = 2.0  # of the logits

# Patterns of 7 x 7 cells that t(x) can draw, as in notebook 5
PATTERNS = {
    "Letter T": "####### ####### ...#... ...#... ...#... ...#... ...#...",
    "Letter L": "##..... ##..... ##..... ##..... ##..... ####### #######",
    "Cross": "#.....# .#...#. ..#.#.. ...#... ..#.#.. .#...#. #.....#",
    "Ring": ".#####. #.....# #.....# #.....# #.....# #.....# .#####.",
}
ROUNDING_TITLES = {
    "to 1": "softmax in 32 bits, y rounded to 1",
    "below 1": "softmax in 32 bits, y rounded below 1",
}

ROW, TOP, WIDTH, DOTS = 22, 200, 460, 290  # of the drawing of the path, in its own units


def draw_example(name):
    """All parts of the page that show the example: dict of str.

    Parameters
    ----------
    name : str
        A sample photograph, and the class to explain.
    """
    classifier = load_classifier("vgg19-mini")
    photo = resize_image(load_image(name), *classifier.input_size)
    gradients = ScoreGradients(classifier, [photo], [name], tolerance=TOLERANCE)
    gradients.path("pixels")
    return {
        "photo": cell("photo", photo, f"The picture: {name}", "as the network sees it"),
        "classes": _classes(classifier, photo, name),
        **_shift(classifier, gradients, photo),
        **_grid(gradients, photo),
        **_scale(gradients, photo),
        **_path(gradients, photo),
    }


def cell(slot, picture, alt, note, title=""):
    """One picture with what is above and below it: str.

    Parameters
    ----------
    slot : str
        By which the scripts find it.
    picture : ndarray, uint8 (H, W, 3)
    alt, note, title : str
    """
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=85)
    source = base64.b64encode(buffer.getvalue()).decode("ascii")
    above = f'<strong class="{slot}">{title}</strong>' if title else ""
    return (
        f'<figure class="cell" data-slot="{slot}">{above}<img alt="{alt}" width="224" height="224" '
        f'src="data:image/jpeg;base64,{source}"><figcaption>{note}</figcaption></figure>'
    )


def _classes(classifier, photo, target):
    rows = zip(classifier.class_names, classifier.probabilities([photo])[0], strict=True)
    return "".join(
        f"<div{' class=target' if name == target else ''}><span>{name}</span>"
        f'<span class="bar"><i style="width:{100 * p:.1f}%"></i></span><span>{p:.3f}</span></div>'
        for name, p in rows
    )


def _shift(classifier, gradients, photo):
    pattern = [[c == "#" for c in row] for row in PATTERNS["Letter T"].split()]
    network = add_to_kernel(classifier, vector_for_map(gradients, np.array(pattern, float)))
    changed = ScoreGradients(network, [photo], gradients.targets)
    before, after = ({s: grad_cam(g, s)[0] for s in SCORES} for g in (gradients, changed))
    moved = {s: largest_difference([before[s]], [after[s]]) for s in SCORES}
    others = max(moved[s] for s in SCORES if s != "pre")
    p = abs(network.probabilities([photo]) - classifier.probabilities([photo])).max()
    cells = (
        cell(s, overlay(photo, after[s]), f"Grad-CAM, {s}, with the letter T in every logit",
             f"moved by {moved[s]:.3f}", s)
        for s in SCORES
    )  # fmt: skip
    words = (
        f"pre moved by {moved['pre']:.2f} of its maximum; the other three by {at_most(others)}. "
        f"The probabilities changed by {at_most(p)}."
    )
    return {"shift": "".join(cells), "shift_words": words}


def _grid(gradients, photo):
    heads = "".join(f'<strong class="head {s}">{s}</strong>' for s in SCORES)
    parts, maps = [f'<span class="corner"></span>{heads}'], {}
    for method in METHODS:
        name = method.__name__
        parts.append(f'<h3 data-method="{name}">{METHOD_LABELS[name]}</h3>')
        for s in SCORES:
            maps[name, s] = values = method(gradients, s)[0]
            signed = values.ndim == 3
            values = values.sum(axis=-1) if signed else values
            picture = _signed(values) if signed else overlay(photo, values)
            alt = f"{METHOD_LABELS[name]}, {s}"
            parts.append(cell(f"{name} {s}", picture, alt, scientific(np.abs(values).max(), 1)))
    apart = {s: largest_difference([maps["grad_cam", s]], [maps["grad_cam", "odds"]])
             for s in SCORES}  # fmt: skip
    path = largest_difference([maps["rsi_grad_cam", "post"]], [maps["rsi_grad_cam", "odds"]])
    words = (
        f"At one point post, log and odds have one Grad-CAM map: they differ by "
        f"{at_most(max(apart['post'], apart['log']))} of the maximum, and pre from them by "
        f"{apart['pre']:.2f}. Along a path they part: the RSI-Grad-CAM maps of post and odds "
        f"differ by {path:.2f}."
    )
    return {"grid": "".join(parts), "grid_words": words}


def _signed(values):
    colours = colormaps[SIGNED_COLORMAP]((values / signed_limit(values) + 1).clip(0, 2) / 2)
    return (colours[..., :3] * 255).round().astype(np.uint8)


def _scale(gradients, photo):
    """The network with its logits multiplied, from the gradients of the logits."""
    (of_logits,) = gradients.logit_gradients.astype(np.float64)
    target, activations = gradients.targets[0], gradients.activations[0].astype(np.float64)
    logits = gradients.classifier.logits([photo])[0].astype(np.float64)

    def draw(weights):
        channels = np.tensordot(weights, of_logits.mean(axis=(1, 2)), axes=1)
        return np.maximum(activations @ channels, 0)

    maps, maxima = {}, {}
    others = np.delete(np.arange(len(logits)), target)
    for factor in (1.0, FACTOR):
        z = factor * logits
        odds = z[target] - np.logaddexp.reduce(z[others])
        contrast = np.eye(len(z))[target]
        contrast[others] = -softmax(z[others])
        exact = draw(factor * contrast)
        pre = factor * draw(np.eye(len(z))[target])
        maxima[factor] = {"pre": pre.max()} | {
            s: score_factor(s, odds) * exact.max() for s in SCORES[1:]
        }
    for rounding in ROUNDINGS:
        weights = rounded_weights(rounding, softmax(z)[None], np.array([odds]), np.array([target]))
        maps[rounding] = draw(factor * weights[0])
    r = {rounding: correlation(m, exact) for rounding, m in maps.items()}
    cells = [cell("odds", overlay(photo, exact), "Grad-CAM of the log-odds", "right", "log-odds")]
    cells += [
        cell(
            k, overlay(photo, m), ROUNDING_TITLES[k], f"correlation {r[k]:.2f}", ROUNDING_TITLES[k]
        )
        for k, m in maps.items()
    ]
    rows = "".join(
        f'<tr><th class="{s}">{s}</th><td><span class="bar"><i style="width:'
        f'{bar_length(maxima[FACTOR][s] / maxima[1.0][s]):.1f}%"></i></span></td>'
        f"<td>{scientific(maxima[FACTOR][s], 1)}</td></tr>"
        for s in SCORES
    )
    words = (
        f"With the logits times {FACTOR:g} the log-odds is {odds:.1f} and the maximum of post "
        f"{scientific(maxima[FACTOR]['post'])}, "
        f"{scientific(maxima[FACTOR]['post'] / maxima[1.0]['post'])} times what it was. With the "
        f"right map, the softmax in 32 bits keeps a correlation of "
        f"{r['to 1']:.2f} or {r['below 1']:.2f}."
    )
    caption = (
        "<caption class=quiet>Raw maximum of the Grad-CAM map (bar: by powers of ten)</caption>"
    )
    return {"scale": "".join(cells), "maxima": caption + rows, "scale_words": words}


def bar_length(ratio):
    """Length of the bar, in per cent, of a maximum in units of what it was: 5 for each ten."""
    return float(np.clip(80 + 5 * np.log10(ratio), 0, 100)) if ratio > 0 else 0.0


def _path(gradients, photo):
    path = gradients.path()
    alphas, logit, odds = path.alphas[0], path.logit[0], path.log_odds[0]
    lengths = np.gradient(alphas, np.arange(len(alphas)))
    lengths[[0, -1]] /= 2
    parts, middle = [_axes()], {}
    for row, s in enumerate(SCORES):
        values = score_value(s, logit, odds)
        shares = (values - values[0]) / (values[-1] - values[0])
        weights = lengths * (score_factor(s, odds) if s != "pre" else 1)
        points = " ".join(
            f"{WIDTH * a:.1f},{TOP * (1 - share):.1f}"
            for a, share in zip(alphas, shares.clip(-0.1, 1.2), strict=True)
        )
        parts.append(f'<g class="{s}"><polyline class="curve" points="{points}"/>')
        y = DOTS + ROW * row
        parts += [
            f'<circle class="dot" cx="{WIDTH * a:.1f}" cy="{y}" r="{9 * np.sqrt(w):.2f}"/>'
            for a, w in zip(alphas, weights / weights.max(), strict=True)
        ]
        parts.append(f'<text x="{WIDTH + 12}" y="{y + 4}">{s}</text></g>')
        middle[s] = alphas[np.searchsorted(np.cumsum(weights) / weights.sum(), 0.5)]
    title = "Four scores along the path, and the weight of each point"
    svg = f'<svg viewBox="-10 -50 520 420" role="img" aria-label="{title}">{"".join(parts)}</svg>'
    words = (
        f"Half of the weight of post lies before α = {middle['post']:.2f}, half of that of log "
        f"before {middle['log']:.2f}; odds and pre weigh all parts of the path alike."
    )
    picture = cell("path", photo, "The picture on the path", "α = 1.00")
    return {"path_picture": picture, "curves": svg, "path_words": words}


def _axes():
    return (
        f'<path class="axis" fill="none" d="M0 0V{TOP}H{WIDTH}M0 0H{WIDTH}"/>'
        f'<text x="0" y="-8">the score at the picture</text>'
        f'<text x="0" y="{TOP + 38}">black, α = 0</text>'
        f'<text x="{WIDTH}" y="{TOP + 38}" text-anchor="end">the picture, α = 1</text>'
        f'<text x="0" y="{DOTS - 18}">weight of each point</text>'
    )


def at_most(value):
    """ "less than 0.001" or "0.012": str."""
    return "less than 0.001" if value < 0.001 else f"{value:.3f}"


def scientific(value, digits=0):
    """ "3e-8", as the scripts write it: str."""
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent):+d}"
