"""How well a map fits what is known by construction: no output of a network judges here."""

from itertools import combinations

import numpy as np

from xai_utils.heatmaps import pointing_hit, resize_heatmap, share_inside


def mass_on(heatmap, masks):
    """The sum of a map over each object, and nothing for a map without values there.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)
        It is resized to the masks.
    masks : ndarray, bool (objects, H, W)

    Returns
    -------
    ndarray, float64 (objects,)
    """
    resized = resize_heatmap(heatmap, *masks.shape[1:])
    return np.array([resized[mask].sum(dtype=np.float64) for mask in masks])


def effect_rank(masses, effects):
    """The share of pairs of objects whose masses are in the order of their effects.

    Parameters
    ----------
    masses : ndarray, float (objects,)
        From `mass_on`; at least two objects.
    effects : ndarray, float (objects,)
        By how much the presence of each object raises an output.

    Returns
    -------
    float
        In [0, 1]; a pair of equal masses, as of an empty map, counts one half.
    """
    found = [
        (1 + np.sign(masses[i] - masses[j]) * np.sign(effects[i] - effects[j])) / 2
        for i, j in combinations(range(len(masses)), 2)
    ]
    return float(np.mean(found))


def effect_scale(masses, effects):
    """The cosine between the masses on the objects and their effects: do they scale alike?

    A map that is never negative cannot show a negative effect; give it the positive parts of the
    effects if that is not to be held against it.

    Parameters
    ----------
    masses, effects : ndarray, float (objects,)

    Returns
    -------
    float
        In [-1, 1]; 0 for a map without mass, NaN if no object has an effect.
    """
    masses, effects = (np.asarray(v, np.float64) for v in (masses, effects))
    if not effects.any():
        return float("nan")
    if not masses.any():
        return 0.0
    # each divided by its largest first: the masses of a vanishing score would underflow
    masses, effects = (v / np.abs(v).max() for v in (masses, effects))
    return float(masses @ effects / np.linalg.norm(masses) / np.linalg.norm(effects))


def prefers(heatmap, mask, other):
    """Whether a larger share of a map lies on its own object than on the other one: 0.0 or 1.0.

    An empty map prefers nothing: 0.0.
    """
    own, others = share_inside(heatmap, mask), share_inside(heatmap, other)
    return float(own > others)


def locate(heatmap, masks, own):
    """The measures of place for one map.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)
    masks : ndarray, bool (objects, H, W)
    own : int
        The object that the map explains.

    Returns
    -------
    dict of float
        "share inside", "pointing", and with two objects "prefers it". An empty map counts as 0.
    """
    values = {
        "share inside": np.nan_to_num(share_inside(heatmap, masks[own])),
        "pointing": np.nan_to_num(pointing_hit(heatmap, masks[own])),
    }
    if len(masks) == 2:
        values["prefers it"] = prefers(heatmap, masks[own], masks[1 - own])
    return {name: float(value) for name, value in values.items()}


def compare_effects(heatmap, masks, effects):
    """How the masses on the objects rank and scale like their effects on each output.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)
    masks : ndarray, bool (objects, H, W)
    effects : dict of ndarray, float (objects,)
        By output. Empty for objects whose effects are not known.

    Returns
    -------
    dict from (measure, output) to float
        "effect rank"; "effect scale" with the positive parts of map and effects; and for a map
        with negative values "signed scale" with both signs.
    """
    values = {}
    if not effects:
        return values
    positive = mass_on(np.maximum(heatmap, 0), masks)
    signed = mass_on(heatmap, masks) if np.min(heatmap) < 0 else positive
    for output, effect in effects.items():
        values["effect rank", output] = effect_rank(signed, effect)
        values["effect scale", output] = effect_scale(positive, np.maximum(effect, 0))
        if signed is not positive:
            values["signed scale", output] = effect_scale(signed, effect)
    return values


def tile_masks(size, tiles=2):
    """Masks of the tiles of a mosaic, row by row: ndarray, bool (tiles ** 2, *size)."""
    row, column = (np.arange(length) * tiles // length for length in size)
    number = row[:, None] * tiles + column
    return np.arange(tiles**2)[:, None, None] == number
