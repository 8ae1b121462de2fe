"""A classifier as the scores need it: logits, preprocessing, class names, two halves at a layer."""

import hashlib
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice, check_images
from xai_utils.images import resize_image
from xai_utils.split import SplitNetwork

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
