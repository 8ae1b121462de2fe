"""How outputs of the network judge a map: the image is changed where the map says so.

Whatever is judged, one pass of the network gives all four outputs, so that each measure is a matrix
of explained score and judging output. What is taken from an image is replaced by its blurred self.
Every value is larger for a better map.
"""

import numpy as np
from PIL import Image, ImageFilter
from scipy.special import expit, logsumexp

from xai_utils.heatmaps import normalise, resize_heatmap
from xai_utils.scores import SCORES, score_value

CELLS = 7  # along each side of the grid that an image is changed in
STEPS = 7  # of deletion and insertion, each of CELLS ** 2 / STEPS cells
BLUR = 0.1  # radius of the blur, of the image's shorter side
# Of each output between the image and its blurred self; below, there is nothing to be explained
SMALLEST_CHANGE = {"pre": 1.0, "post": 0.1, "log": 0.1, "odds": 1.0}


def judging_outputs(logits, target):
    """The four outputs for one class.

    Parameters
    ----------
    logits : ndarray, float (N, classes)
    target : int

    Returns
    -------
    dict of ndarray, float64 (N,)
        By the name of the score.
    """
    logits = np.asarray(logits, np.float64)
    logit = logits[:, target]
    log_odds = logit - logsumexp(np.delete(logits, target, axis=1), axis=1)
    return {score: score_value(score, logit, log_odds) for score in SCORES}


def blur_image(image):
    """An image without its details: uint8 (H, W, 3) to the same."""
    radius = BLUR * min(image.shape[:2])
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def order_cells(heatmap, tie_breaker):
    """The cells of the grid, the one with most of the map's positive part first.

    Parameters
    ----------
    heatmap : ndarray, float (h, w)
    tie_breaker : ndarray, float (CELLS ** 2,)
        Cells of one value, as where a map is zero, are taken in the order of these numbers.

    Returns
    -------
    ndarray, int (CELLS ** 2,)
    """
    positive = Image.fromarray(np.maximum(normalise(heatmap), 0))
    means = np.asarray(positive.resize((CELLS, CELLS), Image.Resampling.BOX)).ravel()
    return np.lexsort((tie_breaker, -means))


def change_cells(image, other, cells):
    """An image with some cells of the grid taken from another one: as the two, (H, W, 3)."""
    chosen = np.zeros(CELLS**2, bool)
    chosen[cells] = True
    row, column = (np.arange(length) * CELLS // length for length in image.shape[:2])
    return np.where(chosen.reshape(CELLS, CELLS)[row[:, None], column][..., None], other, image)


def changed_images(image, blurred, heatmap, tie_breaker):
    """The images by which a map is judged.

    Parameters
    ----------
    image, blurred : ndarray, uint8 (H, W, 3)
    heatmap : ndarray, float (h, w)
    tie_breaker : ndarray, float (CELLS ** 2,)

    Returns
    -------
    dict from str to list of ndarray, (H, W, 3)
        "deletion", "insertion": STEPS - 1 images. "kept": one, in which the map, as it is
        overlaid, says how much of each pixel stays. "relative": one, with the better half of the
        cells.
    """
    order = order_cells(heatmap, tie_breaker)
    counts = np.arange(1, STEPS) * CELLS**2 // STEPS
    share = np.maximum(normalise(resize_heatmap(heatmap, *image.shape[:2])), 0)[..., None]
    return {
        "deletion": [change_cells(image, blurred, order[:n]) for n in counts],
        "insertion": [change_cells(blurred, image, order[:n]) for n in counts],
        "kept": [share * image + (1 - share) * blurred],
        "relative": [change_cells(blurred, image, order[: CELLS**2 // 2])],
    }


def response(values, whole, nothing, smallest):
    """Outputs as shares of the way from the blurred image (0) to the image (1).

    Parameters
    ----------
    values : ndarray, float (n,)
    whole, nothing : float
        Of the image and of its blurred self.
    smallest : float
        A change from blurred to image below this is nothing: NaN.

    Returns
    -------
    ndarray, float64 (n,)
    """
    if whole - nothing < smallest:
        return np.full(len(values), np.nan)
    return (np.asarray(values, np.float64) - nothing) / (whole - nothing)


def area(responses, first, last):
    """The area under a curve of equal steps from `first` to `last` over [0, 1]: float."""
    curve = np.array([first, *responses, last])
    return float((curve[1:] + curve[:-1]).sum() / 2 / (len(curve) - 1))


def judge(logits, ends, target, rival):
    """The measures of one map, by each output.

    Parameters
    ----------
    logits : dict of ndarray, float (n, classes)
        Of the images from `changed_images`.
    ends : ndarray, float (2, classes)
        Of the image and of its blurred self.
    target : int
    rival : int
        The most probable class that is not the target.

    Returns
    -------
    dict from (measure, output) to float
        "deletion": 1 - area under the response; "insertion": the area; "average drop": the
        response of what was kept, at most 1 (A. Chattopadhay et al. 2017, arXiv 1710.11063, with
        blur in place of black, and 1 for no drop); "relative": the probability of the target among
        the two of target and rival, from each output (Y. Wang and X. Wang, NeurIPS 2022).
    """
    whole, blurred = (judging_outputs(end[None], target) for end in ends)
    of = {name: judging_outputs(rows, target) for name, rows in logits.items()}
    of_rival = judging_outputs(logits["relative"], rival)
    found = {}
    for output in SCORES:
        scale = (whole[output][0], blurred[output][0], SMALLEST_CHANGE[output])
        curves = {name: response(values[output], *scale) for name, values in of.items()}
        found["deletion", output] = 1 - area(curves["deletion"], 1, 0)
        found["insertion", output] = area(curves["insertion"], 0, 1)
        found["average drop", output] = float(np.minimum(curves["kept"][0], 1))
        found["relative", output] = relative(of["relative"], of_rival, output)
    return found


def relative(of_target, of_rival, output):
    """What an output says of the target against the rival, in [0, 1]: float.

    With the probability it is y_t / (y_t + y_r), which is the logistic function of the difference
    of the logits, and of that of the log-probabilities: only the log-odds can say anything else.
    """
    if output == "post":
        output = "log"
    return float(expit(of_target[output][0] - of_rival[output][0]))
