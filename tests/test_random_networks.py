"""Random small networks: each is explained rightly, or refused with one error of this package.

Three hundred in each run; XAI_EXAMPLES=10 in the environment makes it ten times as many. One in
ten is compiled, as for a user, and has its path integrals checked: that takes five times as long.
"""

import os
import random
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from keras import layers

import xai_utils
from tests.memory import MEMORY, peak_memory
from xai_utils import (
    ScoreGradients,
    completeness,
    grad_cam,
    integrated_gradients,
    load_classifier,
    normalise,
)
from xai_utils.classifier import softmax
from xai_utils.scores import SCORES

EXAMPLES = 300 * int(os.environ.get("XAI_EXAMPLES", "1"))
SIZE = 8
HALF = ("mixed_float16", "mixed_bfloat16")
# the largest error of a probability or a map, by the precision of the network
ERRORS = {"float32": 1e-4, "float64": 1e-4, "mixed_float16": 0.02, "mixed_bfloat16": 0.15}

BLOCKS = ("conv", "pool", "residual", "branches", "gate", "norm", "split", "same pool", "permute", "round", "dropout")  # fmt: skip
ACTIVATIONS = ("relu", "tanh", "softplus", "swish", "linear")
SUMMARIES = ("mean", "max", "flatten", "convolution")
ENDS = (
    "softmax", "softmax function", "softmax of an activation layer", "softmax layer",
    "softmax operation", "softmax lambda", "softmax nested", "softmax and cast",
    "softmax as precise as the rest", "softmax of a convolution", "logits", "scaled",
)  # fmt: skip
WRONG_ENDS = (
    "sigmoid", "two softmaxes", "mean of two", "hidden", "percentages", "nan", "one class",
    "two outputs",
)  # fmt: skip
STRUCTURES = ("plain", "list", "dict")


@dataclass(frozen=True)
class Network:
    """What a random network consists of."""

    blocks: tuple = ("conv",)
    activation: str = "relu"
    summary: str = "mean"
    end: str = "softmax"
    classes: int = 3
    channels: int = 3
    precision: str = "float32"
    structure: str = "plain"
    nested: bool = False
    scale: float = 1.0
    compiled: bool = False
    seed: int = 0

    @property
    def is_wrong(self):
        return self.end in WRONG_ENDS


NETWORKS = st.builds(
    Network,
    blocks=st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=4).map(tuple),
    activation=st.sampled_from(ACTIVATIONS),
    summary=st.sampled_from(SUMMARIES),
    end=st.sampled_from(ENDS * 3 + WRONG_ENDS),
    classes=st.integers(2, 5),
    channels=st.sampled_from([3, 3, 3, 1]),
    precision=st.sampled_from(["float32"] * 6 + ["float64", *HALF]),
    structure=st.sampled_from(STRUCTURES),
    nested=st.booleans(),
    scale=st.sampled_from([0.01, 1.0, 1.0, 5.0]),
    compiled=st.sampled_from([False] * 9 + [True]),
    seed=st.integers(0, 99),
)


def build(spec):
    """The Keras model; the same for the same description."""
    # what Keras draws the seeds of weights with; its own function would also empty TensorFlow's
    # caches, and make this file take half as long again
    random.seed(spec.seed)
    dtype = spec.precision
    inputs = keras.Input((SIZE, SIZE, spec.channels), dtype=dtype if dtype == "float64" else None)
    x = layers.Rescaling(1 / 64, offset=-2, dtype=dtype)(inputs)
    inner = keras.Input(x.shape[1:], dtype=x.dtype)
    y, pool = inner if spec.nested else x, layers.AveragePooling2D(2, padding="same", dtype=dtype)
    for block in spec.blocks:
        y = add_block(block, y, pool, spec.activation, dtype)
    features = keras.Model(inner, y)(x) if spec.nested else y
    outputs = [end(spec, summarise(spec, features, dtype), dtype)]
    if spec.end == "two outputs":
        outputs *= 2
    model = keras.Model(*structured(spec, inputs, outputs))
    last = [w for w in model.weights if w.shape[-1:] == (spec.classes,)][-2:]
    for weight in last:
        weight.assign(np.nan * weight if spec.end == "nan" else spec.scale * weight)
    return model


def add_block(block, x, pool, activation, dtype):
    def conv(width, size=3):
        return layers.Conv2D(width, size, padding="same", activation=activation, dtype=dtype)

    if block == "conv":
        return conv(4)(x)
    if block == "pool":
        return layers.MaxPooling2D(2, padding="same", dtype=dtype)(x)
    if block == "same pool":
        return pool(x)
    if block == "residual":
        return layers.Add(dtype=dtype)([x, conv(x.shape[-1])(x)])
    if block == "branches":
        return layers.Concatenate(dtype=dtype)([conv(2)(x), conv(3, 1)(x)])
    if block == "gate":
        gate = layers.GlobalAveragePooling2D(keepdims=True, dtype=dtype)(x)
        return x * layers.Conv2D(x.shape[-1], 1, activation="sigmoid", dtype=dtype)(gate)
    if block == "norm":
        return layers.BatchNormalization(dtype=dtype)(x)
    if block == "split":
        x = conv(4)(x)
        first, second = keras.ops.split(x, 2, axis=-1)
        return keras.ops.concatenate([second, first], axis=-1)
    if block == "permute":
        return layers.Permute((3, 1, 2), dtype=dtype)(x) if x.shape[-1] < 6 else x
    if block == "round":
        return keras.ops.round(4 * x) / 4
    return layers.Dropout(0.5, dtype=dtype)(x)


def summarise(spec, x, dtype):
    if spec.summary == "mean":
        return layers.GlobalAveragePooling2D(dtype=dtype)(x)
    if spec.summary == "max":
        return layers.GlobalMaxPooling2D(dtype=dtype)(x)
    if spec.summary == "convolution":
        x = layers.Conv2D(4, 1, dtype=dtype)(x)
    return layers.Flatten(dtype=dtype)(x)


def end(spec, x, dtype):
    precision, dtype = dtype, "float32" if dtype in HALF else dtype  # as Keras advises

    def dense(activation=None):
        return layers.Dense(spec.classes, activation=activation, dtype=dtype)

    softmax_layer = layers.Softmax(dtype=dtype)
    kinds = {
        "softmax": lambda: dense("softmax")(x),
        "softmax function": lambda: dense(tf.nn.softmax)(x),
        "softmax of an activation layer": lambda: dense(layers.Softmax())(x),
        "softmax layer": lambda: softmax_layer(dense()(x)),
        "softmax operation": lambda: keras.ops.softmax(dense()(x)),
        "softmax lambda": lambda: layers.Lambda(tf.nn.softmax, dtype=dtype)(dense()(x)),
        "softmax nested": lambda: keras.Sequential([dense(), softmax_layer])(x),
        "softmax and cast": lambda: keras.ops.cast(dense("softmax")(x), "float64"),
        "softmax as precise as the rest": lambda: keras.ops.cast(
            layers.Dense(spec.classes, activation="softmax", dtype=precision)(x), "float32"
        ),
        "softmax of a convolution": lambda: layers.Flatten(dtype=dtype)(
            layers.Conv2D(spec.classes, 1, activation="softmax", dtype=dtype)(
                layers.Reshape((1, 1, x.shape[-1]), dtype=dtype)(x)
            )
        ),
        "percentages": lambda: 100 * dense("softmax")(x),
        "logits": lambda: dense()(x),
        "scaled": lambda: keras.ops.softmax(dense()(x) / 2),
        "sigmoid": lambda: dense("sigmoid")(x),
        "two softmaxes": lambda: softmax_layer(dense("softmax")(x)),
        "mean of two": lambda: (dense("softmax")(x) + dense("softmax")(x)) / 2,
        "hidden": lambda: HiddenSoftmax(spec.classes, dtype=dtype)(x),
        "nan": lambda: dense("softmax")(x),
        "one class": lambda: layers.Dense(1, activation="sigmoid", dtype=dtype)(x),
        "two outputs": lambda: dense("softmax")(x),
    }
    return kinds[spec.end]()


class HiddenSoftmax(layers.Layer):
    def __init__(self, classes, **arguments):
        super().__init__(**arguments)
        self.classes = classes

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.classes))

    def call(self, x):
        return tf.nn.softmax(x @ self.kernel)


def structured(spec, inputs, outputs):
    outputs = outputs[0] if len(outputs) == 1 else outputs
    if spec.structure == "list":
        return [inputs], outputs if isinstance(outputs, list) else [outputs]
    if spec.structure == "dict" and not isinstance(outputs, list):
        return {inputs.name: inputs}, {"probabilities": outputs}
    return inputs, outputs


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(NETWORKS)
@example(Network())
@example(Network(summary="max", classes=2, scale=5.0, seed=2))  # saturated, a log-odds of 40
@example(  # a path with kinks, which 64 steps are too few for
    Network(
        blocks=("branches", "branches"), summary="convolution", classes=2, nested=True, scale=5.0,
        compiled=True, seed=2,
    )
)  # fmt: skip
def test_a_random_network_is_explained_rightly_or_refused(spec):
    before = peak_memory()
    tf.config.run_functions_eagerly(not spec.compiled)
    try:
        check(spec)
    finally:
        tf.config.run_functions_eagerly(False)
    assert peak_memory() - before < MEMORY


def check(spec):
    model = build(spec)
    images = np.random.default_rng(spec.seed).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    try:
        classifier = load_classifier(model, "none")
    except (ValueError, TypeError) as error:
        assert is_ours(error), error
        assert spec.is_wrong, error
        return
    assert not spec.is_wrong
    error = ERRORS[spec.precision]
    logits = classifier.logits(images)
    own = output(model, classifier, images)
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(own, logits if spec.end == "logits" else softmax(logits), atol=error)
    try:
        gradients = ScoreGradients(classifier, list(images), [0, spec.classes - 1], steps=64)
        maps = {score: grad_cam(gradients, score) for score in SCORES}
    except ValueError as refusal:
        assert is_ours(refusal), refusal
        assert {"permute", "gate"} & set(spec.blocks), refusal
        return
    for score, heatmaps in by_loop(classifier, gradients).items():
        assert np.isfinite(maps[score]).all()
        np.testing.assert_allclose(maps[score], heatmaps, atol=error * max(1, heatmaps.max()))
    for score in ("post", "log"):
        pairs = zip(maps[score], maps["odds"], strict=True)
        assert all(np.abs(normalise(a) - normalise(b)).max() < 10 * error for a, b in pairs)
    if spec.compiled:
        check_paths(spec, gradients)


def is_ours(error):
    """Whether an error was raised in this package and not passed on from another library."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return Path(trace.tb_frame.f_code.co_filename).parent == Path(xai_utils.__file__).parent


def output(model, classifier, images):
    inputs = classifier.preprocess(tf.constant(classifier.pixels(images)))
    outputs = model(tf.nest.pack_sequence_as(model.input, [inputs]), training=False)
    return np.asarray(tf.cast(tf.nest.flatten(outputs)[0], tf.float64))


def by_loop(classifier, gradients):
    """Grad-CAM in float64, cell by cell, from the gradients of all logits one by one."""
    with tf.GradientTape(persistent=True) as tape:
        a = tf.constant(gradients.activations)
        tape.watch(a)
        logits = tf.cast(classifier.split(gradients.layer).head(a), tf.float64)
        each = tf.unstack(logits, axis=1)
    jacobians = np.stack([np.asarray(tape.gradient(z, a), np.float64) for z in each], axis=1)
    heatmaps = {score: [] for score in SCORES}
    rows = zip(np.array(logits), gradients.targets, jacobians, gradients.activations, strict=True)
    for z, target, jacobian, activations in rows:
        one, y = np.eye(len(z))[target], softmax(z)
        rest = y[one == 0].sum()  # 1 - y of the target, with all its digits
        factors = {"pre": one, "odds": one - softmax(np.where(one == 1, -np.inf, z))}
        factors |= {"log": rest * factors["odds"], "post": y[target] * rest * factors["odds"]}
        for score, factor in factors.items():
            weights = np.tensordot(factor, jacobian, axes=1).mean(axis=(0, 1))
            heatmaps[score].append(
                [[max(0, cell @ weights) for cell in row] for row in activations]
            )
    return {score: np.array(maps) for score, maps in heatmaps.items()}


def check_paths(spec, gradients):
    """Attributions are finite, and add up to the change of the score."""
    try:
        attribution = integrated_gradients(gradients, "odds")
    except ValueError as error:
        assert is_ours(error), error
        assert "round" in spec.blocks, error
        return
    assert np.isfinite(attribution).all()
    if spec.precision in HALF or "round" in spec.blocks:
        return
    if not is_complete(gradients):
        finer = ScoreGradients(
            gradients.classifier, gradients.images, gradients.targets, steps=2048
        )
        assert is_complete(finer)


def is_complete(gradients):
    balances = [completeness(gradients, "odds", at) for at in ("pixels", "layer")]
    return all(
        (np.abs(b.attributed - b.change) < 0.05 * (1 + np.abs(b.change))).all() for b in balances
    )
