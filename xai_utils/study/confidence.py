"""How sure a classifier is of the class that it predicts, over many photographs."""

import re

import numpy as np
from scipy.special import logsumexp

from xai_utils.classifier import BATCH
from xai_utils.images import read_image
from xai_utils.pretrained.imagenet import load_class_ids
from xai_utils.study.saturation import LOST_ABOVE

WORDNET_ID = re.compile(r"n\d{8}")
QUANTILES = {"least": 0, "median": 0.5, "q95": 0.95, "q99": 0.99, "largest": 1}


def predicted_log_odds(logits):
    """The log-odds of the predicted class against all others.

    Parameters
    ----------
    logits : array_like, float (N, classes)

    Returns
    -------
    ndarray, float64 (N,)
    """
    ordered = np.sort(np.asarray(logits, np.float64), axis=1)
    return ordered[:, -1] - logsumexp(ordered[:, :-1], axis=1)


def summarise_confidence(log_odds):
    """Shares and quantiles of the log-odds of the predicted classes.

    Parameters
    ----------
    log_odds : ndarray, float (N,)

    Returns
    -------
    dict of float
        "p_above_0.999" and "lost_in_float32" are shares of the images; the others are log-odds, in
        nats.
    """
    return {
        "p_above_0.999": np.mean(log_odds > np.log(0.999 / 0.001)),
        "lost_in_float32": np.mean(log_odds > LOST_ABOVE),
        **{name: np.quantile(log_odds, q) for name, q in QUANTILES.items()},
    }


def central_square(image):
    """The largest square in the middle of an image: ndarray, uint8 (side, side, 3)."""
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def logits_of_files(classifier, paths, cut=central_square):
    """Logits of image files, a batch at a time.

    Parameters
    ----------
    classifier : Classifier
    paths : sequence of Path
    cut : callable
        From an image to the part of it that is shown to the network.

    Returns
    -------
    ndarray, float (N, classes)
    """
    batches = (paths[i : i + BATCH] for i in range(0, len(paths), BATCH))
    return np.concatenate([classifier.logits([cut(read_image(p)) for p in b]) for b in batches])


def top_shares(logits, paths, counts=(1, 5)):
    """The shares of files whose class of ImageNet is among the most probable ones.

    Parameters
    ----------
    logits : ndarray, float (N, 1000)
    paths : sequence of Path
        With the class's WordNet id in each name, as in "n02123045_tabby.JPEG".
    counts : sequence of int
        How many of the most probable classes count.

    Returns
    -------
    list of float

    Raises
    ------
    ValueError
        If a name has no id of a class.
    """
    ids = load_class_ids()
    found = [WORDNET_ID.match(path.name) for path in paths]
    for path, id in zip(paths, found, strict=True):
        if not id or id.group() not in ids:
            raise ValueError(
                f"the name of {path.name!r} does not begin with the WordNet id of a class of "
                "ImageNet, as in 'n02123045_tabby.JPEG'; rename or remove it"
            )
    true = np.array([ids.index(id.group()) for id in found])
    best = np.argsort(logits, axis=1)[:, ::-1]
    return [float(np.mean((best[:, :n] == true[:, None]).any(axis=1))) for n in counts]
