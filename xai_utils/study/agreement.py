"""How alike gradients and heatmaps are."""

import numpy as np

from xai_utils.heatmaps import correlation, normalise


def cosine(a, b):
    """The cosine of the angle between gradients, one for each image.

    Parameters
    ----------
    a, b : array_like, float (N, ...)
        Of one shape.

    Returns
    -------
    ndarray, float64 (N,)
    """
    a, b = (np.reshape(v, (len(v), -1)).astype(np.float64) for v in (a, b))
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def median_correlation(some, others):
    """The median over the images of the correlation of two heatmaps of each.

    Parameters
    ----------
    some, others : sequence of ndarray, float (h, w)
        As many in one as in the other.

    Returns
    -------
    float
    """
    return np.nanmedian([correlation(a, b) for a, b in zip(some, others, strict=True)])


def largest_difference(some, others):
    """The largest difference of two heatmaps of one image, each divided by its maximum.

    Over all images and cells, in parts of the maximum. Parameters are those of
    `median_correlation`.
    """
    a, b = (np.array([normalise(m) for m in maps]) for maps in (some, others))
    return np.abs(a - b).max()
