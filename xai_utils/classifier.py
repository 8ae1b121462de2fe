"""A classifier as the scores need it: logits, preprocessing, class names, two halves at a layer."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from xai_utils.imagenet import load_class_names, load_vgg19
from xai_utils.images import check_images, photograph, resize_image
from xai_utils.logits import logit_network
from xai_utils.scenes import CLASS_NAMES
from xai_utils.scores import check_choice
from xai_utils.split import SplitNetwork
from xai_utils.vgg19_mini import load_vgg19_mini

BATCH = 16  # images in one forward pass
INPUT = "input"  # the layer name that stands for the pixels themselves


@dataclass
class Classifier:
    """A Keras network that ends in a softmax, seen through its logits. See `load_classifier`.

    Attributes
    ----------
    name : str
    network : keras.Model
        From preprocessed images to logits (N, classes). The model it was made from is untouched.
    preprocess : callable
        From RGB pixels in [0, 255], float (N, H, W, 3), to the network's input; differentiable.
    class_names : tuple of str
    tensors : dict of str to keras.KerasTensor
        The output of each layer within `network`.
    """

    name: str
    network: keras.Model
    preprocess: callable
    class_names: tuple
    tensors: dict = field(repr=False)
    _splits: dict = field(default_factory=dict, init=False, repr=False)

    @property
    def input_size(self):
        """Height and width of the network's input, in pixels."""
        return self.network.input_shape[1:3]

    @property
    def dtype(self):
        """The floating-point type of the network's input, by name."""
        return self.network.inputs[0].dtype

    @property
    def memory_per_image(self):
        """GB that one image takes on its way through the network and back, estimated.

        The outputs of all layers are kept for the way back; gradients and convolutions take as
        much again.
        """
        units = sum(np.prod(tensor.shape[1:]) for tensor in self.tensors.values())
        return 2 * units * np.dtype(self.dtype).itemsize / 1e9

    @property
    def layer_names(self):
        """The names that `split` accepts: "input", and the layers with a spatial output."""
        return (INPUT, *(name for name, tensor in self.tensors.items() if len(tensor.shape) == 4))

    def weights_sha256(self):
        """SHA-256 of all weights, as a hexadecimal string; the same for the same numbers."""
        digest = hashlib.sha256()
        for array in self.network.get_weights():
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def pixels(self, images):
        """Images at the size of the network's input.

        Parameters
        ----------
        images : sequence of ndarray, uint8 (H, W, 3)
            RGB in [0, 255], of any size each.

        Returns
        -------
        ndarray, float (N, height, width, 3)
            RGB in [0, 255], in the network's floating-point type.
        """
        check_images(images)
        resized = [resize_image(image, *self.input_size) for image in images]
        return np.stack(resized).astype(self.dtype)

    def logits(self, images):
        """Logits of a list of RGB images of any size: ndarray, float (N, classes)."""
        pixels = self.pixels(images)
        batches = [pixels[i : i + BATCH] for i in range(0, len(pixels), BATCH)]
        return np.concatenate(
            [self.network(self.preprocess(tf.constant(b)), training=False) for b in batches]
        )

    def probabilities(self, images):
        """Probabilities of the classes.

        Parameters
        ----------
        images : sequence of ndarray, uint8 (H, W, 3)
            RGB in [0, 255], of any size each.

        Returns
        -------
        ndarray, float64 (N, classes)
            Each row adds up to 1.
        """
        return softmax(self.logits(images))

    def top_classes(self, image, count=5):
        """The most probable classes of one image: list of (name, probability), highest first."""
        probabilities = self.probabilities([image])[0]
        order = np.argsort(probabilities)[::-1][:count]
        return [(self.class_names[i], float(probabilities[i])) for i in order]

    def class_index(self, target):
        """The index of a class given by index or by name.

        Raises
        ------
        ValueError
            If there is no such class; the message has the nearest name.
        """
        if isinstance(target, int | np.integer) and not isinstance(target, bool):
            if not 0 <= target < len(self.class_names):
                raise ValueError(
                    f"no target class {target}; {self.name} has {len(self.class_names)} classes, "
                    f"0 to {len(self.class_names) - 1}"
                )
            return int(target)
        check_choice("target class", target, self.class_names)
        return self.class_names.index(target)

    def split(self, layer):
        """The two halves of the network at a layer, made once.

        Parameters
        ----------
        layer : str
            One of `layer_names`; "input" stands for the RGB pixels.

        Returns
        -------
        SplitNetwork

        Raises
        ------
        ValueError
            If there is no such layer, or if some path from the image to the logits avoids it.
        """
        if layer not in self._splits:
            check_choice("layer", layer, self.layer_names)
            pixels = tf.TensorSpec((None, *self.input_size, 3), self.dtype)
            self._splits[layer] = SplitNetwork(*self._halves(layer), pixels)
        return self._splits[layer]

    def _halves(self, layer):
        if layer == INPUT:
            return tf.identity, lambda pixels: self.network(self.preprocess(pixels), training=False)
        # gradients of a half-precision network are kept in float32, where they do not underflow
        dtype = tf.float64 if self.tensors[layer].dtype == "float64" else tf.float32
        activations = self.tensors[layer]
        trunk = keras.Model(self.network.input, activations)
        try:
            head = keras.Model(activations, self.network.output)
        except ValueError as error:
            raise ValueError(
                f"layer {layer!r} does not carry the whole image: some path from the input to the "
                "logits goes around it; choose a layer that every path crosses"
            ) from error
        return (
            lambda pixels: tf.cast(trunk(self.preprocess(pixels), training=False), dtype),
            lambda activations: head(activations, training=False),
        )


def softmax(logits):
    """Softmax over the last axis, in float64."""
    shifted = np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


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
