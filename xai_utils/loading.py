"""From a name, a file or a Keras model to a classifier, checked on real images."""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice
from xai_utils.classifier import Classifier, softmax
from xai_utils.imagenet import load_class_names, load_vgg19
from xai_utils.images import photograph
from xai_utils.logits import logit_network
from xai_utils.scenes import CLASS_NAMES
from xai_utils.vgg19_mini import load_vgg19_mini


def load_classifier(model, preprocessing=None, class_names=None):
    """A classifier by name, from a file, or from a Keras model in memory.

    Parameters
    ----------
    model : str, Path or keras.Model
        ``"vgg19-mini"``: the embedded network with twelve classes. ``"vgg19"``: Keras's VGG19 with
        its ImageNet weights, 549 MB, downloaded on first use. A path to a ``.keras`` or ``.h5``
        file. A functional or Sequential model; it is not changed.
    preprocessing : str or callable, optional
        For a file or a model in memory: how RGB pixels in [0, 255] become the network's input.
        ``"none"`` if the model does that itself, the name of a module of ``keras.applications``
        (for example ``"vgg19"``) for its ``preprocess_input``, or a differentiable function.
    class_names : sequence of str, optional
        For a file or a model in memory; without it classes are named by their index. Beside a
        file ``my.keras`` a file ``my.json`` can hold
        ``{"preprocessing": "...", "class_names": [...]}`` in place of both arguments.

    Returns
    -------
    Classifier

    Raises
    ------
    ValueError
        If the model does not end in one softmax over at least two classes, or cannot be read.
    FileNotFoundError
        If a file is missing; the message says which one, and where to put it.
    """
    if isinstance(model, keras.Model):
        return _wrap(model.name, model, preprocessing, class_names)
    if model == "vgg19-mini":
        return _wrap(model, load_vgg19_mini(), "vgg19", CLASS_NAMES)
    if model == "vgg19":
        return _wrap(model, load_vgg19(), "vgg19", load_class_names())
    path = Path(model)
    if path.suffix not in (".keras", ".h5"):
        check_choice("model", str(model), ("vgg19-mini", "vgg19", "a path to a .keras or .h5 file"))
    if not path.is_file():
        raise FileNotFoundError(f"no model file at {str(path)!r}")
    described = path.with_suffix(".json")
    description = json.loads(described.read_text("utf-8")) if described.is_file() else {}
    return _wrap(
        path.stem,
        keras.models.load_model(path, compile=False),
        description.get("preprocessing") if preprocessing is None else preprocessing,
        description.get("class_names") if class_names is None else class_names,
    )


def _wrap(name, model, preprocessing, class_names):
    preprocess = _preprocess_function(preprocessing)
    network, tensors = logit_network(model)
    classes = network.output_shape[-1]
    names = tuple(str(n) for n in (range(classes) if class_names is None else class_names))
    if len(names) != classes:
        raise ValueError(f"{len(names)} class names given for a model with {classes} classes")
    if len(set(names)) != classes:
        names = tuple(f"{n} ({i})" if names.count(n) > 1 else n for i, n in enumerate(names))
    classifier = Classifier(name, network, preprocess, names, tensors)
    _check_logits(classifier, model)
    return classifier


# How far two computations of one output may be apart, relative to its largest value
TOLERANCES = {"float16": 2e-2, "bfloat16": 1e-1}
TOLERANCE = 1e-3


def _check_logits(classifier, model):
    """Refuse a logit network that is not the given model before its softmax, on real images."""
    cat = photograph("chelsea.png")
    images = [cat, cat // 4 + 96, np.zeros_like(cat)]  # the dim ones are far from saturation
    pixels = tf.constant(classifier.pixels(images))
    _check_preprocessing(classifier.preprocess, pixels)
    own = np.asarray(model(classifier.preprocess(pixels), training=False), np.float64)
    logits = classifier.logits(images)
    precisions = {layer.compute_dtype for layer in model.layers}
    tolerance = max(TOLERANCES.get(dtype, TOLERANCE) for dtype in precisions)
    is_distribution = own.min() >= 0 and np.abs(own.sum(axis=1) - 1).max() < tolerance
    expected = softmax(logits) if is_distribution else logits
    error = np.abs(own - expected).max() / np.abs(expected).max()
    if not error < tolerance:
        raise ValueError(
            f"the logits found in {classifier.name!r} are not what its output is the softmax of "
            f"(they differ by {error:.2g} of the largest value on a photograph of a cat); end the "
            "model with a Dense layer with softmax activation, a Softmax layer, or plain logits"
        )


def _check_preprocessing(preprocess, pixels):
    """Refuse a preprocessing that cannot be compiled and differentiated."""
    try:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            inputs = tf.function(preprocess)(pixels)
        differentiable = tape.gradient(inputs, pixels) is not None
    except Exception as error:
        raise ValueError(
            f"preprocessing failed on a batch of images: {error}; write it with TensorFlow or "
            "keras.ops functions of a float tensor (N, H, W, 3), not with NumPy"
        ) from error
    if not differentiable:
        raise ValueError("preprocessing has no gradient with respect to the pixels")


def _preprocess_function(preprocessing):
    if callable(preprocessing):
        return preprocessing
    if preprocessing is None:
        raise ValueError(
            "preprocessing is not given: write preprocessing='none' if the model takes RGB pixels "
            "in [0, 255] itself, or the keras.applications module whose preprocess_input it was "
            "trained with, for example preprocessing='vgg19'; a model file can have a .json file "
            "beside it that says so"
        )
    if preprocessing == "none":
        return tf.identity
    modules = [
        m
        for m in dir(keras.applications)
        if hasattr(getattr(keras.applications, m), "preprocess_input")
    ]
    check_choice("preprocessing", preprocessing, ("none", *modules))
    return getattr(keras.applications, preprocessing).preprocess_input
