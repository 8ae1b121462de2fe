"""The networks of the study by name, and what is known of each."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from xai_utils.classifier import INPUT
from xai_utils.embedded.scenes import CLASS_NAMES
from xai_utils.embedded.vgg19_mini import load_vgg19_mini
from xai_utils.loading import load_classifier
from xai_utils.study.best.plan import LAYERS, TRAININGS
from xai_utils.study.saturation import scale_logits

PROBES = 4  # random activations on which a head is tried


def load_network(name):
    """A network of the study.

    Parameters
    ----------
    name : str
        As `load_classifier` takes it; the path of a weights file of another training of
        ``vgg19-mini``, ``.npz``; any of these with "@factor" for scaled logits.

    Returns
    -------
    Classifier
    """
    base, _, factor = name.partition("@")
    if base.endswith(".npz"):
        classifier = load_classifier(load_vgg19_mini(base), "vgg19", CLASS_NAMES)
    else:
        classifier = load_classifier(base)
    return scale_logits(classifier, float(factor)) if factor else classifier


def find_trainings(folder=TRAININGS):
    """Weights files of other trainings, as "notebooks/trainings/sigmoid-0.npz": list of str."""
    return sorted(str(p) for p in Path(folder).glob("*.npz") if "checkpoint" not in p.name)


def role_of(name):
    """What a network is in the plan: "network", "copy" (with other logits) or "training"."""
    if "@" in name:
        return "copy"
    return "training" if name.endswith(".npz") else "network"


def places_of(name):
    """Where a network is read: dict from layer to "primary", "further" or "pixels".

    What has no layers of its own in the plan is another training of vgg19-mini.
    """
    first, *others = LAYERS.get(name.partition("@")[0], LAYERS["vgg19-mini"])
    return {first: "primary", **dict.fromkeys(others, "further"), INPUT: "pixels"}


def images_of(name):
    """The network whose images one is shown: copies and other trainings see those of vgg19-mini."""
    base = name.partition("@")[0]
    return base if base in LAYERS else "vgg19-mini"


def knows_scenes(classifier):
    """Whether the classes of the scenes are among those of a network."""
    return set(CLASS_NAMES) <= set(classifier.class_names)


def head_kind(classifier, layer):
    """ "linear" if the logits are an affine function of a layer's activations, else "rectified".

    It is tried on random activations of the size of those of a photograph, not read off the layers.
    """
    split = classifier.split(layer)
    pixels = np.full((1, *classifier.input_size, 3), 128, classifier.dtype)
    seen = split.activations(pixels)
    rng = np.random.default_rng(0)
    a, b = np.abs(rng.normal(0, np.abs(seen).max() + 1, (2, PROBES, *seen.shape[1:]))).astype(
        seen.dtype
    )
    # as tensors: the preprocessing that Keras has would change an array in place
    inputs = [tf.constant(v) for v in (a, b, a + b, 0 * a)]
    of_a, of_b, of_sum, of_zero = (np.asarray(split.head(v)) for v in inputs)
    off = np.abs(of_a + of_b - of_sum - of_zero).max()
    return "linear" if off < 1e-3 * np.abs(of_sum - of_zero).max() else "rectified"
