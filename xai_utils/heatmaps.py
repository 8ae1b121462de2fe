"""From a map at a layer's resolution to colours on the image."""

import numpy as np
from matplotlib import colormaps
from PIL import Image

COLORMAP = "inferno"  # perceptually uniform; the paper's figures use "jet"
SIGNED_COLORMAP = "RdBu_r"
OPACITY = 0.6

# A few pixels carry the largest values of a signed map at full resolution; without clipping
# them the rest of the picture is white.
SIGNED_PERCENTILE = 99.5

# Values that differ by less, relative to the largest, are one value: what a float32 sum over the
# channels of a layer leaves of it.
ROUNDING = 1e-5


def normalise(heatmap):
    """Divide a map by its own largest absolute value.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)

    Returns
    -------
    ndarray, float32 (h, w)
        In [0, 1], or in [-1, 1] if signed. A map that is zero everywhere stays zero.

    Raises
    ------
    ValueError
        If the map holds NaN or infinity.

    Examples
    --------
    >>> normalise(np.array([[0.0, 2.0], [4.0, 1.0]])).tolist()
    [[0.0, 0.5], [1.0, 0.25]]
    """
    heatmap = _finite(heatmap)
    largest = np.abs(heatmap).max()
    if largest == 0:
        return heatmap.astype(np.float32)
    return (heatmap / largest).astype(np.float32)


def signed_limit(values):
    """Where the colours of signed values end: a percentile of their sizes, 1 if all are zero.

    Of the values that are not zero: black pixels have no attribution, and can be many.
    """
    sizes = np.abs(values)
    return np.percentile(sizes[sizes > 0], SIGNED_PERCENTILE) if sizes.any() else 1.0


def _finite(heatmap):
    heatmap = np.asarray(heatmap, np.float64)
    if heatmap.size == 0 or not np.isfinite(heatmap).all():
        raise ValueError(
            "the heatmap is empty or holds values that are not finite; check the weights and the "
            "preprocessing of the network"
        )
    return heatmap


def describe_emptiness(heatmap):
    """What a map cannot tell, being zero, constant or a single value, and what to do about it.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)

    Returns
    -------
    list of str
        Empty for a map that tells places apart.

    Raises
    ------
    ValueError
        If the map holds NaN or infinity.
    """
    heatmap = _finite(heatmap)
    largest = np.abs(heatmap).max()
    if heatmap.size == 1:
        return ["The map is a single value and cannot tell places apart: choose an earlier layer."]
    if largest == 0:
        return [
            "The map is zero everywhere: it does not say where the class is seen. Look at the map "
            "of another score or method, or choose an earlier layer."
        ]
    if np.ptp(heatmap) <= ROUNDING * largest:
        return [
            "The map has the same value everywhere: it does not say where the class is seen. "
            "Choose an earlier layer, or another image."
        ]
    return []


def describe_place(heatmap):
    """In words, where in the image a map is largest in absolute value: "at the lower left".

    Parameters
    ----------
    heatmap : ndarray, float (h, w)

    Returns
    -------
    str
    """
    place = np.unravel_index(np.abs(heatmap).argmax(), heatmap.shape)
    row, column = (
        min(2, int(3 * (i + 0.5) / n)) for i, n in zip(place, heatmap.shape, strict=True)
    )
    if (row, column) == (1, 1):
        return "in the middle"
    words = (("upper", "", "lower")[row], ("left", "middle", "right")[column])
    return f"at the {' '.join(word for word in words if word)}"


def correlation(a, b):
    """Pearson's correlation of two maps of one size: float, NaN if one of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def distance(a, b):
    """How much of the attribution lies elsewhere: half of sum |a / sum |a| - b / sum |b||.

    For maps >= 0 it is the total variation distance of two distributions (A. Gibbs and F. Su 2002,
    arXiv math/0209021), and 1 minus the similarity of saliency maps (Z. Bylinskii et al. 2016,
    arXiv 1604.03605).

    Parameters
    ----------
    a, b : ndarray, float (h, w)
        Not normalised; may be signed.

    Returns
    -------
    float
        In [0, 1]: 0 for maps that are multiples of each other, 1 for those that have no place in
        common, or if one is zero everywhere; NaN if both are.
    """
    a, b = _finite(a), _finite(b)
    totals = np.abs(a).sum(), np.abs(b).sum()
    if 0 in totals:
        return float("nan") if totals == (0, 0) else 1.0
    return float(np.abs(a / totals[0] - b / totals[1]).sum() / 2)


def resize_heatmap(heatmap, height, width):
    """Resize a map bilinearly: float32 (h, w) to float32 (height, width).

    Examples
    --------
    >>> resize_heatmap(np.array([[0.0, 4.0]]), 1, 4).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """
    image = Image.fromarray(np.asarray(heatmap, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def overlay(image, heatmap, colormap=COLORMAP, opacity=OPACITY):
    """Lay a heatmap in colours over the grey image.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
        RGB in [0, 255].
    heatmap : ndarray, float (h, w)
        >= 0; it is resized to the image and normalised.
    colormap : str
        The name of a Matplotlib colour map.
    opacity : float
        Of the heatmap where it is largest, in [0, 1]; it falls with the value, so that zeros leave
        the photograph as it is.

    Returns
    -------
    ndarray, uint8 (H, W, 3)
        RGB in [0, 255].

    Examples
    --------
    >>> image = load_image("cat")
    >>> overlay(image, np.eye(7)).shape == image.shape
    True
    """
    if np.min(heatmap) < 0:
        raise ValueError("only a heatmap >= 0 can be laid over an image; this one is signed")
    height, width = image.shape[:2]
    values = normalise(resize_heatmap(heatmap, height, width))
    heat, weight = colormaps[colormap](values)[..., :3], opacity * values[..., None]
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float32)[..., None] / 255
    mixed = (1 - weight) * grey + weight * heat
    return (mixed * 255).round().astype(np.uint8)


def share_inside(heatmap, mask):
    """The share of a map's positive part that lies inside a mask.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)
    mask : ndarray, bool (H, W)
        The heatmap is resized to it.

    Returns
    -------
    float
        In [0, 1]; NaN if no value of the map is positive.
    """
    positive = np.maximum(resize_heatmap(heatmap, *mask.shape), 0)
    total = positive.sum(dtype=np.float64)
    return float(positive[mask].sum(dtype=np.float64) / total) if total > 0 else float("nan")


def pointing_hit(heatmap, mask):
    """Whether a map's maximum lies inside a mask: the pointing game.

    As in J. Zhang et al. 2016 (arXiv 1608.00507), but without their tolerance of 15
    pixels, which an exact mask does not need. A maximum that several pixels share, as at the edge
    of a resized map, counts with the share of them that is inside.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)
    mask : ndarray, bool (H, W)
        The heatmap is resized to it.

    Returns
    -------
    float
        In [0, 1]; NaN if no value of the map is positive.
    """
    resized = resize_heatmap(heatmap, *mask.shape)
    largest = resized.max()
    return float(mask[resized == largest].mean()) if largest > 0 else float("nan")
