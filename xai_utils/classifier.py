"""A classifier as the scores need it: logits, preprocessing, class names, two halves at a layer."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_images, list_names, nearest
from xai_utils.graph import crossed_by_every_path, function_between, tensors_in_order
from xai_utils.images import resize_image
from xai_utils.labels import find_class
from xai_utils.layout import cropped, image_like
from xai_utils.split import SplitNetwork

BATCH = 16  # images in one forward pass
SMALL_HEAD = 0.05  # of what an image takes in the whole network
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
    preprocessing : str or dict
        What `preprocess` was given as, for records.

    Examples
    --------
    >>> classifier = load_classifier("vgg19-mini")
    >>> classifier.input_size, classifier.default_layer
    ((224, 224), 'block5_pool')
    >>> [name for name, probability in classifier.top_classes(load_image("cat"), 1)]
    ['cat']
    """

    name: str
    network: keras.Model
    preprocess: callable
    class_names: tuple
    tensors: dict = field(repr=False)
    preprocessing: object = None
    _splits: dict = field(default_factory=dict, init=False, repr=False)

    @property
    def input_size(self):
        """Height and width of the network's input, in pixels."""
        return self.network.input_shape[1:3]

    @property
    def dtype(self):
        """The floating-point type of the network's input, by name."""
        return self.network.inputs[0].dtype

    def memory_per_image(self, layer=INPUT):
        """GB that one image takes on its way from a layer to the logits and back, estimated.

        The outputs of all layers are kept for the way back; gradients and convolutions take as
        much again.
        """
        source = self.network.input if layer == INPUT else self.tensors[layer]
        tensors = [source, *tensors_in_order(self.network.output, source)]
        shapes = [tensor.shape[1:] for tensor in tensors]
        units = sum(np.prod(shape) for shape in shapes if None not in shape)
        return 2 * units * np.dtype(self.dtype).itemsize / 1e9

    @cached_property
    def layer_names(self):
        """The names that `split` accepts, the last layer first, and "input" at the end.

        A layer can be used if its output is (N, height, width, channels) of the whole image, not of
        a part that was cut out, and every path from the image to the logits crosses it.
        """
        output = self.network.output
        crossed = {id(tensor) for tensor in crossed_by_every_path(output)} & image_like(output)
        whole = crossed - set(cropped(output))
        usable = [name for name, tensor in self.tensors.items() if id(tensor) in whole]
        return (*reversed(usable), INPUT)

    @property
    def default_layer(self):
        """The last layer that can be used and has a map of more than one cell."""
        for name in self.layer_names[:-1]:
            if np.prod(self.tensors[name].shape[1:3]) > 1:
                return name
        names = ", ".join(map(repr, dict.fromkeys(cropped(self.network.output).values())))
        cut = f" ({names} cut off its edges; crop the images yourself instead)" if names else ""
        raise ValueError(
            f"no layer of {self.name!r} has a map of the whole image{cut} that every path from the "
            "image to the logits crosses; use Integrated Gradients, which needs none, with "
            "layer='input'"
        )

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
        pixels, whole = self.pixels(images), self.split(INPUT)
        batches = [pixels[i : i + BATCH] for i in range(0, len(pixels), BATCH)]
        return np.concatenate([whole.logits(batch) for batch in batches])

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
        """The index of a class given by index or by name, see `find_class`."""
        return find_class(target, self.class_names, self.name)

    def describe_class(self, index):
        """A class by index and name, as it is printed: "3 'cat'"."""
        return f"{index} {self.class_names[index]!r}"

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
            If it cannot be used; the message says why, and lists those that can.
        """
        if layer not in self._splits:
            self._check_layer(layer)
            small = self.memory_per_image(layer) < SMALL_HEAD * self.memory_per_image()
            self._splits[layer] = SplitNetwork(*self._halves(layer), small)
        return self._splits[layer]

    def _check_layer(self, layer):
        if layer in self.layer_names:
            return
        usable = f"Layers that can be used, the last first: {list_names(self.layer_names)}"
        if len(self.layer_names) > 1:
            usable += f"; the default is {self.default_layer!r}"
        if f"{layer}#2" in self.tensors:
            several = [name for name in self.tensors if name.startswith(f"{layer}#")]
            raise ValueError(
                f"layer {layer!r} is used {len(several)} times in {self.name!r}, with an output "
                f"each: {list_names(several)}; say which. {usable}"
            )
        if layer not in self.tensors:
            hint = nearest(layer, [*self.layer_names, *self.tensors])
            raise ValueError(f"no layer {layer!r} in {self.name!r}; {hint}{usable}")
        tensor = self.tensors[layer]
        if len(tensor.shape) != 4:
            raise ValueError(
                f"layer {layer!r} has an output of shape {tuple(tensor.shape)}, which is not a map "
                f"(None, height, width, channels). {usable}"
            )
        if id(tensor) not in image_like(self.network.output):
            raise ValueError(
                f"layer {layer!r} has an output of shape {tuple(tensor.shape)} whose axes are not "
                "height, width and channels in this order: they were moved, for example by a "
                f"Permute, or made from a vector. {usable}"
            )
        cut = cropped(self.network.output)
        if id(tensor) in cut:
            raise ValueError(
                f"layer {layer!r} does not see the whole image: {cut[id(tensor)]!r} cuts its edges "
                "off, and a map of the part would be stretched over all of it. Crop the images "
                f"yourself, and give the network without {cut[id(tensor)]!r}. {usable}"
            )
        raise ValueError(
            f"layer {layer!r} does not carry the whole image: some path from the input to the "
            f"logits goes around it; choose a layer that every path crosses. {usable}"
        )

    def _halves(self, layer):
        if layer == INPUT:
            return tf.identity, lambda pixels: self.network(self.preprocess(pixels), training=False)
        # gradients of a half-precision network are kept in float32, where they do not underflow
        dtype = tf.float64 if self.tensors[layer].dtype == "float64" else tf.float32
        activations = self.tensors[layer]
        trunk = keras.Model(self.network.input, activations)
        head = function_between(activations, self.network.output)
        return lambda pixels: tf.cast(trunk(self.preprocess(pixels), training=False), dtype), head


def softmax(logits):
    """Softmax over the last axis, in float64."""
    shifted = np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
