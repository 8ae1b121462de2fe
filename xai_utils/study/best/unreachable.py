"""A mosaic in which each class can see its own tile only: what lies elsewhere is wrong.

After DiFull of S. Rao, M. Böhle and B. Schiele 2022 (arXiv 2205.10435): every tile goes through the
network by itself, and of each only the logit of its own class is taken. These logits are one
network of as many classes as tiles, whose activations are those of the tiles, side by side.
"""

import numpy as np
from scipy.special import softmax

from xai_utils.scores import SCORES, score_factor
from xai_utils.study.best.judges import judging_outputs
from xai_utils.study.best.plan import TILES
from xai_utils.study.contrast import GivenGradients


def join_tiles(tiles):
    """Activations of the tiles, side by side: float (TILES ** 2, h, w, C) to one of (H, W, C)."""
    rows = np.split(tiles, TILES)
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)


def unreachable_gradients(logits, activations, gradients):
    """The gradients of the four scores of each class of the joined network.

    Parameters
    ----------
    logits : ndarray, float (tiles,)
        Of the class of each tile.
    activations, gradients : ndarray, float (tiles, h, w, channels)
        Of each tile, and of its logit with respect to them.

    Returns
    -------
    GivenGradients
        Of as many rows as tiles, each for the class of one, on the joined activations.
    """
    count = len(logits)
    whole = np.stack([join_tiles(activations)] * count)
    found = {score: [] for score in SCORES}
    for i in range(count):
        others = np.where(np.arange(count) == i, -np.inf, logits)
        of_log_odds = np.eye(count)[i] - softmax(others)
        log_odds = judging_outputs(logits[None], i)["odds"]
        for score in SCORES:
            weights = np.eye(count)[i]
            if score != "pre":
                weights = score_factor(score, log_odds) * of_log_odds
            weights = weights.astype(gradients.dtype)[:, None, None, None]
            found[score].append(join_tiles(weights * gradients))
    return GivenGradients(whole, {score: np.stack(rows) for score, rows in found.items()})
