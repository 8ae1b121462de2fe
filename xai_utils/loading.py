"""From a name, a file or a Keras model to a classifier, checked on real images."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice, read_json, reason
from xai_utils.classifier import Classifier, softmax
from xai_utils.embedded.scenes import CLASS_NAMES
from xai_utils.embedded.vgg19_mini import load_vgg19_mini
from xai_utils.images import photograph
from xai_utils.labels import check_class_names
from xai_utils.logits import logit_network
from xai_utils.model_files import find_model_file, read_model
from xai_utils.preprocessing import (
    check_preprocessing,
    describe_preprocessing,
    find_preprocessing,
)
from xai_utils.pretrained import PRETRAINED, load_pretrained

DESCRIPTION_KEYS = ("preprocessing", "class_names")
DESCRIPTION_EXAMPLE = '{"preprocessing": "none", "class_names": ["ant", "bee"]}'


def load_classifier(model, preprocessing=None, class_names=None):
    """A classifier by name, from a file, or from a Keras model in memory.

    Parameters
    ----------
    model : str, Path or keras.Model
        ``"vgg19-mini"``: the embedded network with twelve classes. ``"efficientnet-lite0"``: a
        network with ImageNet weights that is installed with this package. ``"vgg19"``,
        ``"resnet50"``, ...: classifiers of ``keras.applications`` with ImageNet weights, downloaded
        on first use; all names are in ``xai_utils.pretrained.PRETRAINED``. A path to a ``.keras``,
        ``.h5`` or ``.hdf5`` file, which may have a description beside it, see `read_description`.
        A functional or Sequential model; it is not changed. Its input may be grey: the images are
        then made grey for it.
    preprocessing : str, dict or callable, optional
        For a file or a model in memory: how RGB pixels in [0, 255] become the network's input.
        ``"none"`` if the model does that itself; the name of a module of ``keras.applications``
        (for example ``"vgg19"``) for its ``preprocess_input``; ``"tf"``, ``"torch"`` or
        ``"caffe"``, Keras's names for pixels from -1 to 1, normalised with ImageNet's mean and
        deviation, and BGR minus ImageNet's mean; ``{"mean": [...], "std": [...]}``, one number
        for each channel, for (pixels / 255 - mean) / std; or a differentiable function.
    class_names : sequence of str, dict, str or Path, optional
        For a file or a model in memory: a list, a dictionary of index by name or of name by index,
        or the path of a text file with one name a line. Without them classes are named by their
        index.

    Returns
    -------
    Classifier

    Raises
    ------
    ValueError
        If the model does not end in one softmax over at least two classes, or cannot be read.
    TypeError
        If the model is a subclassed one.
    FileNotFoundError
        If a file is missing; the message says which one, and where to put it.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> classifier.class_names[:3]
    ('cat', 'cup', 'astronaut')
    """
    if isinstance(model, keras.Model):
        return _wrap(model.name, model, preprocessing, class_names)
    if model == "vgg19-mini":
        return _wrap(model, load_vgg19_mini(), "vgg19", CLASS_NAMES)
    if isinstance(model, str) and model in PRETRAINED:
        return _wrap(model, *load_pretrained(model))
    path = find_model_file(model)
    described, folder = read_description(path), path.parent
    preprocessing = described.get("preprocessing") if preprocessing is None else preprocessing
    if class_names is None:
        class_names = described.get("class_names")
    else:
        folder = Path()
    return _wrap(path.stem, read_model(path), preprocessing, class_names, folder)


def _wrap(name, model, preprocessing, class_names, folder="."):
    network, tensors, has_softmax = logit_network(model)
    channels = network.input_shape[-1]
    preprocess = find_preprocessing(preprocessing, channels)
    names = check_class_names(class_names, network.output_shape[-1], folder)
    described = describe_preprocessing(preprocessing)
    classifier = Classifier(name, network, preprocess, names, tensors, described)
    _check_logits(classifier, model, has_softmax)
    return classifier


# How far two computations of one output may be apart, relative to its largest value
TOLERANCES = {"float16": 2e-2, "bfloat16": 1e-1}
TOLERANCE = 1e-3


def _check_logits(classifier, model, has_softmax):
    """Refuse a logit network that is not the given model before its softmax, on real images."""
    cat = photograph("chelsea.png")
    images = [cat, cat // 4 + 96, np.zeros_like(cat)]  # the dim ones are far from saturation
    pixels = tf.constant(classifier.pixels(images))
    check_preprocessing(classifier.preprocess, pixels, model.inputs[0].shape[-1])
    try:
        own = _output(model, classifier.preprocess(pixels))
        logits = classifier.logits(images)
    except Exception as error:  # from whatever the layers of the model are
        raise ValueError(
            f"{classifier.name!r} fails on a batch of {len(images)} images: {reason(error)}; it "
            "must run on any number of images at a time; try model.predict on a few in Python"
        ) from error
    _check_finite(classifier, own, logits)
    precisions = {layer.compute_dtype for layer in model.layers}
    tolerance = max(TOLERANCES.get(dtype, TOLERANCE) for dtype in precisions)
    is_distribution = own.min() >= 0 and np.abs(own.sum(axis=1) - 1).max() < tolerance
    if is_distribution and not has_softmax:
        raise ValueError(
            f"the output of {classifier.name!r} is a distribution already, and no softmax is seen "
            "at its end: it is hidden inside a layer, or several are put together, so its logits "
            "cannot be reached; end the model with a Dense layer with softmax activation, a "
            "Softmax layer, or plain logits"
        )
    expected = softmax(logits) if has_softmax else logits
    error = np.abs(own - expected).max() / np.abs(expected).max()
    if not error < tolerance:
        raise ValueError(
            f"the logits found in {classifier.name!r} are not what its output is the softmax of "
            f"(they differ by {error:.2g} of the largest value on a photograph of a cat); end the "
            "model with a Dense layer with softmax activation, a Softmax layer, or plain logits"
        )


def _output(model, inputs):
    """The one output of a model, in whatever structure it takes and gives it: float64."""
    if not isinstance(model, keras.Sequential):
        inputs = tf.nest.pack_sequence_as(model.input, [inputs])
    outputs = model(inputs, training=False)
    return np.asarray(tf.cast(tf.nest.flatten(outputs)[0], tf.float64))


def _check_finite(classifier, own, logits):
    """Name the cause of an output that is not finite: the weights, or what is done with them."""
    name, weights = classifier.name, classifier.network.weights
    broken = [w.path for w in weights if not np.isfinite(np.asarray(tf.cast(w, tf.float64))).all()]
    if broken:
        raise ValueError(
            f"weights of {name!r} are not finite, the first of them in {broken[0]!r}: its training "
            "diverged, or the file is damaged; take an earlier checkpoint"
        )
    if not (np.isfinite(own).all() and np.isfinite(logits).all()):
        raise ValueError(
            f"{name!r} gives an output that is not finite for a photograph of a cat, a dim one or "
            "a black image, though its weights are; try the preprocessing that it was trained "
            "with, or float32 in place of half precision"
        )


def read_description(path):
    """What the ``.json`` file beside a model file says of it.

    ``{"preprocessing": ..., "class_names": ...}``, both optional, in the forms that
    `load_classifier` takes; a text file of class names is looked for in the same folder.

    Parameters
    ----------
    path : Path
        Of the model file.

    Returns
    -------
    dict
        Empty if there is no such file.

    Raises
    ------
    ValueError
        If it is not of this form; the message names the file.
    """
    path = path.with_suffix(".json")
    if not path.is_file():
        return {}
    description = read_json(path, DESCRIPTION_EXAMPLE)
    if not isinstance(description, dict):
        raise ValueError(
            f"{str(path)!r} holds a {type(description).__name__}, not a description; write "
            f"{DESCRIPTION_EXAMPLE}"
        )
    for key in description:
        check_choice(f"key of {str(path)!r} is named", key, DESCRIPTION_KEYS)
    return description
