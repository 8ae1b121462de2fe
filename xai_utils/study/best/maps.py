"""All maps of some images at one layer: methods and scores, contrasts, and floors."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from xai_utils.classifier import INPUT
from xai_utils.methods import (
    POINT_METHODS,
    RSI_VARIANTS,
    grad_cam,
    integrated_gradients,
    rsi_grad_cam,
)
from xai_utils.scores import SCORES
from xai_utils.study.best.judges import CELLS
from xai_utils.study.contrast import GivenGradients, combine_logit_gradients, contrast_weights
from xai_utils.study.localisation import centred

CONTRASTS = ("mean", "max", "weighted")
SIMILAR, STRENGTH = 3, 0.6  # of Finer-CAM: how many classes, and how much of them is taken away
TOGETHER = 16  # images in one backward pass
NO_SCORE = "none"
BLUR = 1.0  # cells, of a blurred map


def finer_weights(logits, targets):
    """The weights of the logits in the difference to similar classes.

    As in Z. Zhang et al., Finer-CAM (arXiv 2501.11309): the logit of the target, minus STRENGTH
    times the mean of the SIMILAR other logits that are nearest to it.

    Parameters
    ----------
    logits : ndarray, float (N, classes)
    targets : ndarray, int (N,)

    Returns
    -------
    ndarray, float64 (N, classes)
    """
    rows = np.arange(len(logits))
    distance = np.abs(logits - logits[rows, targets][:, None])
    distance[rows, targets] = np.inf
    count = min(SIMILAR, logits.shape[1] - 1)
    weights = np.zeros(logits.shape)
    np.put_along_axis(weights, distance.argsort(axis=1)[:, :count], -STRENGTH / count, axis=1)
    weights[rows, targets] = 1
    return weights


def point_maps(gradients):
    """Maps of the methods that read one point: dict from (method, score) to (N, h, w).

    "grad_cam_signed" is Grad-CAM before its ReLU.

    Parameters
    ----------
    gradients : PointGradients
    """
    maps = {(m, s): draw(gradients, s) for m, draw in POINT_METHODS.items() for s in SCORES}
    turned = {s: -gradients.point_gradient(s) for s in SCORES}
    negative = GivenGradients(gradients.activations, turned)
    for s in SCORES:
        maps["grad_cam_signed", s] = maps["grad_cam", s] - grad_cam(negative, s)
    return maps


def contrast_maps(head, activations, logits, targets):
    """Grad-CAM of contrasts in place of scores: dict from ("grad_cam", contrast) to (N, h, w)."""
    weights = {name: contrast_weights(name, logits, targets) for name in CONTRASTS}
    weights["similar"] = finer_weights(logits, targets)
    parts = [np.s_[start : start + TOGETHER] for start in range(0, len(activations), TOGETHER)]
    found = {
        name: np.concatenate([combine_logit_gradients(head, activations[p], w[p]) for p in parts])
        for name, w in weights.items()
    }
    given = GivenGradients(activations, found)
    return {("grad_cam", name): grad_cam(given, name) for name in found}


def path_maps(gradients):
    """Maps of the path methods at the layer: dict from (method, score) to (N, h, w).

    At the layer of the pixels it is Integrated Gradients, summed over the colours, and summed
    over the cells of the grid in which images are changed.
    """
    if gradients.layer != INPUT:
        names = ("rsi_grad_cam", "rsi_positive_gradients")
        return {
            (name, s): rsi_grad_cam(gradients, s, variant)
            for name, variant in zip(names, RSI_VARIANTS, strict=True)
            for s in SCORES
        }
    maps = {}
    for s in SCORES:
        pixels = integrated_gradients(gradients, s).sum(axis=-1)
        maps["integrated_gradients", s] = pixels
        maps["integrated_gradients_cells", s] = np.stack([sum_cells(m) for m in pixels])
    return maps


def sum_cells(heatmap, cells=CELLS):
    """Sums of a map over a grid: float (h, w) to float32 (cells, cells)."""
    rows, columns = ((np.arange(n) * cells) // n for n in heatmap.shape)
    sums = np.zeros((cells, cells))
    np.add.at(sums, (rows[:, None], columns), heatmap)
    return sums.astype(np.float32)


def floor_maps(images, activations, seeds):
    """Maps that know nothing of the class: dict from (floor, "none") to (N, h, w).

    Parameters
    ----------
    images : sequence of ndarray, uint8 (H, W, 3)
    activations : ndarray, float (N, h, w, channels)
    seeds : sequence of sequence of int
        Of the random map of each image.
    """
    shape = activations.shape[1:3]
    maps = {
        "random": np.stack([np.random.default_rng(seed).random(shape) for seed in seeds]),
        "centre": np.stack([centred(shape)] * len(images)),
        "edges": np.stack([edges(image, shape) for image in images]),
        "class-blind": np.maximum(activations.sum(axis=-1), 0),
    }
    return {(name, NO_SCORE): values.astype(np.float32) for name, values in maps.items()}


def edges(image, shape):
    """How strongly the grey image changes, on a layer's grid: float32 (h, w)."""
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float32)
    strength = np.hypot(*np.gradient(grey))
    resized = Image.fromarray(strength).resize(shape[::-1], Image.Resampling.BOX)
    return np.asarray(resized)


def damaged_maps(maps, shift=1):
    """Grad-CAM's maps blurred, and those of another image, if there is one, in place of the own.

    Parameters
    ----------
    maps : dict from (method, score) to ndarray, float (N, h, w)
    shift : int
        How many rows further the other image is.

    Returns
    -------
    dict from (method, score) to ndarray, float (N, h, w)
    """
    found = {}
    for (method, score), values in maps.items():
        if method == "grad_cam" and score in SCORES:
            found["grad_cam, blurred", score] = gaussian_filter(values, (0, BLUR, BLUR))
            if shift < len(values):
                found["grad_cam, other image", score] = np.roll(values, shift, axis=0)
    return found
