"""``vgg19-mini``: VGG19 at one eighth of its width, small enough to live in the repository.

The topology, the layer names, the input and the preprocessing are those of Simonyan and
Zisserman 2014 (arXiv 1409.1556), configuration E, as in ``keras.applications.VGG19``.
"""

from importlib import resources

import keras
import numpy as np

from xai_utils.embedded.scenes import CLASS_NAMES, SIZE
from xai_utils.files import write_atomically

WEIGHTS = resources.files(__package__) / "data" / "vgg19_mini.npz"

BLOCKS = ((8, 2), (16, 2), (32, 4), (64, 4), (64, 4))  # (width, convolutions)
FC_WIDTH = 512


def build_vgg19_mini(classifier_activation="softmax"):
    """The network, with He-normal weights.

    Parameters
    ----------
    classifier_activation : {"softmax", None}
        None gives logits, as in ``keras.applications.VGG19``.

    Returns
    -------
    keras.Model
        From preprocessed images, float32 (N, 224, 224, 3), to (N, 12).
    """
    he = "he_normal"
    x = inputs = keras.Input((SIZE, SIZE, 3))
    for block, (width, convolutions) in enumerate(BLOCKS, 1):
        for conv in range(1, convolutions + 1):
            x = keras.layers.Conv2D(
                width, 3, padding="same", activation="relu", kernel_initializer=he,
                name=f"block{block}_conv{conv}",
            )(x)  # fmt: skip
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = keras.layers.Dense(FC_WIDTH, activation="relu", kernel_initializer=he, name=name)(x)
    outputs = keras.layers.Dense(
        len(CLASS_NAMES), activation=classifier_activation, name="predictions"
    )(x)
    return keras.Model(inputs, outputs, name="vgg19-mini")


def save_weights(network, path):
    """Write the weights as float16, half the size, by name ("fc1/kernel").

    Parameters
    ----------
    network : keras.Model
        From `train`.
    path : str or Path
        An ``.npz`` file; it appears under this name when it is complete.
    """
    arrays = {w.path: np.asarray(w).astype(np.float16) for w in network.weights}
    write_atomically(path, lambda file: np.savez_compressed(file, **arrays))


def load_vgg19_mini(path=WEIGHTS):
    """The network with weights from a file that `save_weights` wrote; by default the trained one.

    Returns
    -------
    keras.Model
        With a softmax output.
    """
    network = build_vgg19_mini()
    with np.load(path) as arrays:
        for weight in network.weights:
            weight.assign(arrays[weight.path].astype(np.float32))
    return network
