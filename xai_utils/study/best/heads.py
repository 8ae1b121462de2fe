"""Two last layers for one network, which differ in nothing but the loss of their training.

By `notebooks/8_plan_heads.md`: ``python -m xai_utils.study.best.heads PHOTOGRAPHS OUT``.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from xai_utils.embedded.training import HEADS
from xai_utils.images import read_image
from xai_utils.study.best.cases import Source, find_photographs, make_case
from xai_utils.study.best.measuring import NO_JUDGE, measure_cases
from xai_utils.study.best.networks import load_network
from xai_utils.study.best.plan import FULL, Paths
from xai_utils.study.best.table import NO_LOGITS, write_table

BASE, LAYER = "efficientnet-lite0", "top_activation"
MOSAICS = 200
RIGHT = "in its class"  # the name of a measure
SQUARES = 16  # from each photograph
SMALLEST = 0.5  # side of a square, as a part of the photograph's shorter one
SEED, BATCH_SIZE, EPOCHS, RATE = 0, 128, 30, 1e-3
TOGETHER = 64  # mosaics in memory at once


def cut_squares(rng, photograph, count=SQUARES):
    """Squares at random places of a photograph, half of them mirrored: list of ndarray."""
    height, width = photograph.shape[:2]
    shorter = min(height, width)
    squares = []
    for _ in range(count):
        side = rng.integers(int(np.ceil(SMALLEST * shorter)), shorter + 1)
        y, x = rng.integers(height - side + 1), rng.integers(width - side + 1)
        square = photograph[y : y + side, x : x + side]
        squares.append(square[:, ::-1] if rng.random() < 0.5 else square)
    return squares


def features_of(classifier, images):
    """What the last layer sees of some images: ndarray, float32 (N, channels)."""
    activations = classifier.split(LAYER).activations(classifier.pixels(images))
    return activations.mean(axis=(1, 2))


def train_head(features, targets, classes, loss, epochs=EPOCHS):
    """A dense layer from features to logits, trained with one of two losses.

    Parameters
    ----------
    features : ndarray, float32 (N, channels)
    targets : ndarray, int (N,)
    classes : int
    loss : {"softmax", "sigmoid"}
        Cross-entropy of the softmax, or the sum of the binary ones of all classes.
    epochs : int
        The pictures come in an order that is the same for both losses.

    Returns
    -------
    kernel : ndarray, float32 (channels, classes)
    bias : ndarray, float32 (classes,)
    """
    keras.utils.set_random_seed(SEED)
    head = keras.Sequential([keras.Input(features.shape[1:]), keras.layers.Dense(classes)])
    head.compile(keras.optimizers.Adam(RATE), HEADS[loss])
    one_hot = np.eye(classes, dtype=np.float32)[targets]
    head.fit(features, one_hot, BATCH_SIZE, epochs, verbose=0)
    return head.get_weights()


def with_head(classifier, name, weights):
    """A network with another last layer; the one that is given stays as it is."""
    network = keras.models.clone_model(classifier.network)
    network.set_weights(classifier.network.get_weights()[: -len(weights)] + weights)
    tensors = {layer: network.get_layer(layer).output for layer in classifier.tensors}
    return replace(classifier, name=name, network=network, tensors=tensors)


def measure_heads(classifier, photographs, mosaics=MOSAICS, epochs=EPOCHS):
    """The rows of both last layers on the same mosaics: iterator of dict.

    Parameters
    ----------
    classifier : Classifier
        Whose last layer is dense, behind a mean over LAYER.
    photographs : sequence of Path
        One for each of its classes, in their order.
    mosaics, epochs : int

    Returns
    -------
    iterator of dict
        Rows of the table, see `xai_utils.study.best.table`; with the measure `RIGHT`, whether each
        photograph is put into its class.

    Raises
    ------
    ValueError
        If there is not one photograph for each class.
    """
    classes = len(classifier.class_names)
    if len(photographs) != classes:
        raise ValueError(
            f"{len(photographs)} photographs for the {classes} classes of {classifier.name!r}: one "
            "for each class is needed, named so that they sort in the order of the classes"
        )
    rng = np.random.default_rng(SEED)
    squares, whole = [], []
    for photograph in map(read_image, photographs):
        squares.append(features_of(classifier, cut_squares(rng, photograph)))
        whole.append(features_of(classifier, [photograph])[0])
    targets = np.arange(classes)
    seen = np.concatenate(squares), targets.repeat(SQUARES)
    source = Source(classifier, photographs)
    paths = Paths(0, FULL.steps, FULL.tolerance, FULL.max_steps)  # on no image
    for loss in HEADS:
        kernel, bias = train_head(*seen, classes, loss, epochs)
        network = with_head(classifier, f"{loss}-head", [kernel, bias])
        right = (np.array(whole) @ kernel + bias).argmax(axis=1) == targets
        yield from _right_rows(network, photographs, right)
        print(f"{network.name} is trained", flush=True)
        for start in range(0, mosaics, TOGETHER):
            numbers = range(start, min(start + TOGETHER, mosaics))
            cases = {number: make_case("mosaic", source, number) for number in numbers}
            for row in measure_cases(network, LAYER, "mosaic", cases, paths):
                yield {"network": network.name, **row}


def _right_rows(network, photographs, right):
    fixed = {"network": network.name, "layer": LAYER, "head": "linear", "kind": "photo", "bin": ""}
    names = {"object": "0", "method": "none", "score": "none", "measure": RIGHT, "judge": NO_JUDGE}
    for path, name, value in zip(photographs, network.class_names, right, strict=True):
        row = {"image": path.stem, "class": name, "value": float(value)}
        yield {**fixed, **names, **NO_LOGITS, **row}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path, help="folder of ImageNet's thousand")
    parser.add_argument("out", type=Path, help="the table, .csv.gz")
    arguments = parser.parse_args()
    found = measure_heads(load_network(BASE), find_photographs(arguments.photographs))
    write_table(arguments.out, list(found))
