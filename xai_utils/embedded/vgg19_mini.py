"""``vgg19-mini``: VGG19 at one eighth of its width, small enough to live in the repository.

The topology, the layer names, the input and the preprocessing are those of Simonyan and
Zisserman 2014 (arXiv 1409.1556), configuration E, as in ``keras.applications.VGG19``.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from importlib import resources
from multiprocessing import get_context

import keras
import numpy as np
import tensorflow as tf

from xai_utils.embedded.scenes import CLASS_NAMES, SIZE, make_context_crop, make_scene
from xai_utils.files import write_atomically

WEIGHTS = resources.files(__package__) / "data" / "vgg19_mini.npz"

BLOCKS = ((8, 2), (16, 2), (32, 4), (64, 4), (64, 4))  # (width, convolutions)
FC_WIDTH = 512

# Preprocessed pixels lie in about [-124, 151]; He initialisation expects values of order one.
INPUT_SCALE = 64.0

BATCH_SIZE = 16
# (until this part of the steps, share of scenes with two objects)
DOUBLE_SCHEDULE = ((0.25, 0.0), (0.5, 0.25), (1.0, 0.015))

TRAINING_STREAM = 0  # scenes are seeded by (stream, index): tests use other streams


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


def training_example(index, objects):
    """One training image and its target distribution.

    Of the images of one object, one in five is a crop of the class's own photograph, and one in
    five has a small distractor. The target of two objects is one half for each.

    Parameters
    ----------
    index : int
    objects : {1, 2}

    Returns
    -------
    image : ndarray, uint8 (224, 224, 3)
    target : ndarray, float32 (12,)
    """
    seed = (TRAINING_STREAM, objects, index)
    kind = np.random.default_rng((*seed, 1)).random()
    if objects == 1 and kind < 0.2:
        names = (CLASS_NAMES[index % len(CLASS_NAMES)],)
        image = make_context_crop(seed, names[0])
    else:
        scene = make_scene(seed, objects, distractor=objects == 1 and kind < 0.4)
        image, names = scene.image, scene.classes
    target = np.zeros(len(CLASS_NAMES), np.float32)
    target[[CLASS_NAMES.index(name) for name in names]] = 1 / len(names)
    return image, target


def training_set(size, objects, processes=2):
    """The first `size` training examples; the same ones for any number of processes.

    Parameters
    ----------
    size : int
    objects : {1, 2}
    processes : int

    Returns
    -------
    images : ndarray, uint8 (size, 224, 224, 3)
    targets : ndarray, float32 (size, 12)
    """
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        examples = list(pool.map(training_example, range(size), [objects] * size, chunksize=100))
    images, targets = zip(*examples, strict=True)
    return np.stack(images), np.stack(targets)


def train(single, double, steps, seed=0, report=None):
    """Train a new network.

    Adam with a clipped gradient norm; the learning rate warms up to 0.001 in 300 steps (or a
    tenth of all) and then falls along a cosine to 2 % of that. Scenes with two objects come in
    the middle, and a few to the end: they teach the network to see both, and cost it confidence.

    Parameters
    ----------
    single, double : tuple of ndarray
        Images and targets from `training_set`, with one and with two objects.
    steps : int
        Batches of 16 images.
    seed : int
    report : callable, optional
        Called as ``report(step, loss)`` after every step.

    Returns
    -------
    model : keras.Model
        With a softmax output, for images preprocessed as VGG19's are.
    losses : ndarray, float32 (steps,)
        Cross-entropy of each batch, in nats.
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    network = build_vgg19_mini(classifier_activation=None)
    warmup = min(300, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, alpha=0.02, warmup_target=1e-3, warmup_steps=warmup
    )
    network.compile(
        keras.optimizers.Adam(rate, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    rng = np.random.default_rng(seed)
    losses = []
    for step in range(steps):
        pixels, targets = _draw_batch(rng, single, double, _share_of_double(step / steps))
        inputs = keras.applications.vgg19.preprocess_input(pixels) / INPUT_SCALE
        losses.append(float(network.train_on_batch(inputs, targets)))
        network.reset_metrics()
        if report:
            report(step, losses[-1])
    model = build_vgg19_mini()
    model.set_weights(network.get_weights())
    first = model.get_layer("block1_conv1")
    first.kernel.assign(first.kernel / INPUT_SCALE)  # so that the stock preprocessing applies
    return model, np.array(losses, np.float32)


class Progress:
    """Prints the mean loss of each tenth of the steps, and the minutes since it was made.

    To be given to `train` as `report`.

    Parameters
    ----------
    steps : int
        Of the training.
    """

    def __init__(self, steps):
        self._steps, self._losses, self._start = steps, [], time.monotonic()

    def __call__(self, step, loss):
        tenth = max(1, self._steps // 10)
        self._losses.append(loss)
        if (step + 1) % tenth == 0:
            mean, minutes = np.mean(self._losses[-tenth:]), (time.monotonic() - self._start) / 60
            print(
                f"step {step + 1:5} of {self._steps}: mean loss {mean:.3f}, {minutes:4.1f} minutes"
            )


def _share_of_double(progress):
    """The share of two-object scenes in a batch, after this part of the training."""
    return next(share for end, share in DOUBLE_SCHEDULE if progress < end)


def _draw_batch(rng, single, double, share):
    """Random images as float32 pixels, half of them mirrored, and their targets."""
    many = rng.binomial(BATCH_SIZE, share)
    rows = [
        rng.integers(len(single[0]), size=BATCH_SIZE - many),
        rng.integers(len(double[0]), size=many),
    ]
    images, targets = (
        np.concatenate([single[i][rows[0]], double[i][rows[1]]]).astype(np.float32) for i in (0, 1)
    )
    mirrored = rng.random(BATCH_SIZE) < 0.5
    images[mirrored] = images[mirrored, :, ::-1]
    return images, targets
