"""Other people's networks, in every form that people have them: the right value, or the reason."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from xai_utils import (
    ScoreGradients,
    completeness,
    grad_cam,
    integrated_gradients,
    load_classifier,
    normalise,
)
from xai_utils.classifier import softmax

DATA = Path(__file__).parent / "data"
SHAPE = (16, 16, 3)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(4)


@pytest.fixture
def images():
    return list(np.random.default_rng(0).integers(0, 256, (3, *SHAPE), dtype=np.uint8))


def small(*ends, shape=SHAPE):
    """A network that takes pixels itself, with these layers at its end."""
    body = [layers.Rescaling(1 / 64, offset=-2), layers.Conv2D(4, 3, name="conv")]
    return keras.Sequential([keras.Input(shape), *body, layers.GlobalAveragePooling2D(), *ends])


def dense(activation="softmax", units=4, **arguments):
    return layers.Dense(units, activation=activation, kernel_initializer="he_normal", **arguments)


def functional(wrap_inputs, wrap_outputs):
    model = small(dense())
    inputs = keras.Input(SHAPE, name="image")
    return keras.Model(wrap_inputs(inputs), wrap_outputs(model(inputs)))


def with_ops(function):
    model = small(dense(None))
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, function(model(inputs)))


def nested_softmax():
    return small(keras.Sequential([dense(None), layers.Softmax()]))


def split_and_joined():
    inputs = keras.Input(SHAPE)
    first, second = keras.ops.split(layers.Conv2D(4, 3, name="conv")(inputs / 64), 2, axis=-1)
    x = layers.Concatenate(name="joined")([first, layers.ReLU()(second)])
    return keras.Model(inputs, dense()(layers.GlobalAveragePooling2D()(x)))


def quantized():
    model = small(dense(units=8, activation="relu"), dense())
    model.quantize("int8")
    return model


SOFTMAXES = {
    "inputs in a list": lambda: functional(lambda x: [x], lambda y: y),
    "outputs in a list": lambda: functional(lambda x: x, lambda y: [y]),
    "inputs in a dict": lambda: functional(lambda x: {"image": x}, lambda y: y),
    "outputs in a dict": lambda: functional(lambda x: x, lambda y: {"probabilities": y}),
    "an operation with several outputs": split_and_joined,
    "eight-bit weights": quantized,
    "activation=tf.nn.softmax": lambda: small(dense(tf.nn.softmax)),
    "activation=keras.ops.softmax": lambda: small(dense(keras.ops.softmax)),
    "activation=layers.Softmax()": lambda: small(dense(layers.Softmax())),
    "activation=lambda": lambda: small(dense(lambda z: tf.exp(z) / tf.reduce_sum(tf.exp(z), -1, True))),
    "keras.ops.softmax": lambda: with_ops(keras.ops.softmax),
    "a Lambda": lambda: small(dense(None), layers.Lambda(tf.nn.softmax)),
    "Activation": lambda: small(dense(None), layers.Activation("softmax")),
    "in a nested model": nested_softmax,
    "then a cast": lambda: with_ops(lambda z: keras.ops.cast(keras.ops.softmax(z), "float64")),
    "then an activation that does nothing": lambda: small(dense(), layers.Activation("linear", dtype="float32")),
    "then a shape that is the same": lambda: small(dense(), layers.Reshape((4,))),
    "of a rectified layer": lambda: small(dense("relu"), layers.Softmax()),
    "of a bounded layer": lambda: small(dense("tanh"), layers.Softmax()),
}  # fmt: skip


@pytest.mark.parametrize("name", SOFTMAXES)
def test_a_softmax_in_any_of_its_forms_is_taken_off(images, name):
    model = SOFTMAXES[name]()
    pixels = np.stack(images).astype(np.float32)
    own = model({"image": pixels} if "inputs in a dict" in name else pixels)
    own = np.asarray(tf.nest.flatten(own)[0])
    classifier = load_classifier(model, "none")
    logits = classifier.logits(images)
    np.testing.assert_allclose(softmax(logits), own, atol=1e-5)
    assert np.abs(logits.sum(axis=1) - 1).max() > 0.1  # no probabilities
    maps = grad_cam(ScoreGradients(classifier, images, [0, 1, 2], layer="conv"), "odds")
    assert np.isfinite(maps).all()
    assert maps.max() > 0


def test_a_network_of_keras_2(images):
    """tests/data/make_keras_2.py says how the file was made; the numbers are what Keras 2 said."""
    classifier = load_classifier(DATA / "keras_2.h5", "none", ["ant", "bee", "cat"])
    image = (np.arange(32 * 32 * 3).reshape(32, 32, 3) % 251).astype(np.uint8)
    np.testing.assert_allclose(
        classifier.probabilities([image])[0], [0.37196, 0.30872, 0.31932], atol=1e-5
    )
    gradients = ScoreGradients(classifier, [image], ["bee"])
    assert gradients.layer == "relu"
    assert grad_cam(gradients, "odds").shape == (1, 14, 14)


@pytest.mark.parametrize("activation", ["softmax", None])
def test_an_untrained_network_with_a_hidden_softmax_is_refused(activation):
    """Its probabilities are all nearly 1/4, and so is the softmax of them."""

    class Head(layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 4), initializer="zeros")

        def call(self, x):
            return tf.nn.softmax(x @ self.kernel)

    with pytest.raises(ValueError, match="is a distribution already"):
        load_classifier(small(Head()), "none")


def test_an_untrained_network_whose_softmax_is_a_lambda_has_its_logits_found(images):
    model = small(layers.Dense(4, kernel_initializer=keras.initializers.RandomNormal(stddev=1e-4)))
    model.add(layers.Lambda(lambda z: tf.nn.softmax(z)))
    classifier = load_classifier(model, "none")
    assert np.abs(classifier.logits(images)).max() < 0.01
    np.testing.assert_allclose(classifier.probabilities(images), 0.25, atol=1e-3)


def broken_weights():
    model = small(dense())
    model.layers[-1].kernel.assign(model.layers[-1].kernel * np.nan)
    return model


def huge_weights():
    model = small(dense())
    model.set_weights([w * 1e30 for w in model.get_weights()])
    return model


def own_range(pixels):
    return pixels / tf.reduce_max(pixels, axis=(1, 2, 3), keepdims=True)


def sum_of_two_softmaxes():
    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs / 64))
    return keras.Model(inputs, layers.Average()([dense()(x), dense()(x)]))


@pytest.mark.parametrize(
    ("make", "preprocessing", "message"),
    [
        (lambda: small(dense(), layers.Softmax()), "none", "applies softmax twice"),
        (lambda: small(dense()), own_range, "do not divide by an image's own range"),
        (broken_weights, "none", "weights of 'sequential.*' are not finite"),
        (sum_of_two_softmaxes, "none", "is a distribution already"),
        (huge_weights, "none", "though its weights are"),
    ],
)  # fmt: skip
def test_every_cause_of_a_mismatch_has_its_own_words(make, preprocessing, message):
    with pytest.raises(ValueError, match=message):
        load_classifier(make(), preprocessing)


# --- class names and targets


NAMES = ["ant", "bee", "cat", "dog"]


@pytest.mark.parametrize(
    "given",
    [
        NAMES,
        tuple(NAMES),
        np.array(NAMES),
        {"cat": 2, "bee": 1, "dog": 3, "ant": 0},
        {"3": "dog", "1": "bee", "0": "ant", "2": "cat"},
        {3: "dog", 1: "bee", 0: "ant", 2: "cat"},
    ],
)
def test_class_names_in_every_form_name_the_same_outputs(given):
    assert load_classifier(small(dense()), "none", given).class_names == tuple(NAMES)


@pytest.mark.parametrize("given", [NAMES, {"bee": 1, "ant": 0, "dog": 3, "cat": 2}, "labels.txt"])
def test_a_description_beside_the_file_names_the_classes(tmp_path, given, images):
    model = small(dense())
    model.save(tmp_path / "mine.keras")
    (tmp_path / "labels.txt").write_text("ant\nbee\ncat\ndog\n\n", "utf-8")
    description = {"preprocessing": "none", "class_names": given}
    (tmp_path / "mine.json").write_text(json.dumps(description), "utf-8")
    classifier = load_classifier(tmp_path / "mine.keras")
    assert classifier.class_names == tuple(NAMES)
    index = classifier.class_index("dog")
    own = np.asarray(model(np.stack(images).astype(np.float32)))
    np.testing.assert_allclose(classifier.probabilities(images)[:, index], own[:, 3], atol=1e-5)


def test_folders_named_by_numbers_are_not_taken_for_indices():
    """Classes "1" to "4", as folders: papermill's `-p target 2` gives the number 2."""
    classifier = load_classifier(small(dense()), "none", ["1", "2", "3", "4"])
    with pytest.raises(ValueError, match=r"2 has two meanings: the class named '2' \(index 1\)"):
        classifier.class_index(2)
    assert classifier.class_index("2") == 1
    assert classifier.class_index(4) == 3  # there is no index 4
    assert classifier.class_index(np.int64(0)) == 0  # and no class named "0"
    assert classifier.describe_class(1) == "1 '2'"


def test_classes_without_names_are_their_indices():
    classifier = load_classifier(small(dense()), "none")
    assert [classifier.class_index(2), classifier.class_index("2")] == [2, 2]


@pytest.mark.parametrize("target", ["tabby cat", "Tabby_cat", "tabby", "TABBY-CAT", 1])
def test_a_class_is_found_however_it_is_spelled(target):
    names = ["tiger cat", "tabby cat", "cat", "dog"]
    assert load_classifier(small(dense()), "none", names).class_index(target) == 1


def test_a_whole_name_comes_before_part_of_another():
    names = ["tiger cat", "tabby cat", "cat", "dog"]
    assert load_classifier(small(dense()), "none", names).class_index("cat") == 2


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ("cat", ValueError, r"fits 2 classes: 'tiger cat' \(index 0\), 'tabby cat' \(index 1\)"),
        ("tabbi cat", ValueError, "did you mean 'tabby cat'"),
        (4, ValueError, "has 4 classes, 0 to 3"),
        (-1, ValueError, "has 4 classes, 0 to 3"),
        (True, TypeError, "by its name, or its index"),
        (1.0, TypeError, "by its name, or its index"),
        ("", ValueError, "no target class ''"),
    ],
)
def test_a_target_that_fits_no_class_or_several_is_refused(target, error, message):
    classifier = load_classifier(small(dense()), "none", ["tiger cat", "tabby cat", "ant", "dog"])
    with pytest.raises(error, match=message):
        classifier.class_index(target)


# --- layers


def permuted():
    """Channels first in between, and back."""
    inputs = keras.Input((16, 12, 3))
    x = layers.Conv2D(5, 3, name="conv")(layers.Rescaling(1 / 64)(inputs))
    x = layers.Permute((3, 1, 2), name="channels_first")(x)
    x = keras.ops.transpose(x, (0, 2, 3, 1))
    x = layers.ReLU(name="back")(x)
    x = layers.Reshape((140, 5), name="tokens")(x)
    x = layers.Dense(6, name="mixed")(x)
    x = layers.Reshape((14, 10, 6), name="grid")(x)
    x = layers.Reshape((10, 14, 6), name="wrong_grid")(x)
    return keras.Model(inputs, dense()(layers.Flatten()(x)))


def test_layers_whose_axes_were_moved_are_refused_and_those_moved_back_are_not():
    classifier = load_classifier(permuted(), "none")
    assert [n for n in classifier.layer_names if "transpose" not in n and "scal" not in n] == [
        "grid", "back", "conv", "input",
    ]  # fmt: skip
    for layer in ("channels_first", "wrong_grid"):
        with pytest.raises(ValueError, match="not height, width and channels in this order"):
            classifier.split(layer)
    with pytest.raises(ValueError, match=r"'tokens' has an output of shape .* not a map"):
        classifier.split("tokens")


def two_uses():
    inputs = keras.Input(SHAPE)
    pool = layers.MaxPooling2D(2, name="pool")
    x = pool(layers.Conv2D(4, 3, padding="same", name="conv")(inputs / 64))
    x = pool(layers.Conv2D(5, 3, padding="same", name="second")(x))
    return keras.Model(inputs, dense()(layers.GlobalAveragePooling2D()(x)))


def test_a_pooling_layer_used_twice_has_a_name_for_each_use(images):
    classifier = load_classifier(two_uses(), "none")
    with pytest.raises(
        ValueError, match=r"'pool' is used 2 times .* 'pool#1', 'pool#2'; say which"
    ):
        ScoreGradients(classifier, images, [0, 1, 2], layer="pool")
    for layer, shape in (("pool#1", (3, 8, 8, 4)), ("pool#2", (3, 4, 4, 5))):
        gradients = ScoreGradients(classifier, images, [0, 1, 2], layer=layer, steps=300)
        assert gradients.activations.shape == shape
        assert completeness(gradients, "odds").gap.max() < 0.01


def test_the_default_layer_is_the_last_with_a_map_that_every_path_crosses(images, mini):
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", name="conv")(inputs / 64)
    x = layers.Add(name="sum")([x, layers.Conv2D(4, 1, name="around")(x)])
    x = layers.GlobalAveragePooling2D(keepdims=True, name="mean")(x)
    model = keras.Model(inputs, dense()(layers.Flatten()(x)))
    gradients = ScoreGradients(load_classifier(model, "none"), images, [0, 1, 2])
    assert gradients.layer == "sum"
    assert gradients.classifier.layer_names[:3] == ("mean", "sum", "conv")
    assert mini.default_layer == "block5_pool"


def test_the_default_layer_of_vgg19_is_block5_pool():
    model = keras.applications.VGG19(weights=None, input_shape=(32, 32, 3), classes=3)
    assert load_classifier(model, "vgg19").layer_names[0] == "block5_pool"
    assert load_classifier(model, "vgg19").default_layer == "block5_conv4"  # the pool has one cell


def test_a_wrong_layer_is_answered_with_those_that_can_be_used():
    model = keras.applications.MobileNetV2(
        weights=None, input_shape=(64, 64, 3), alpha=0.35, classes=3
    )
    classifier = load_classifier(model, "mobilenet_v2")
    assert classifier.default_layer == "out_relu"
    with pytest.raises(ValueError, match=r"no layer 'last_conv'.*Allowed: 'out_relu', 'Conv_1_bn'"):
        classifier.split("last_conv")
    with pytest.raises(ValueError, match="'block_2_expand' does not carry the whole image"):
        classifier.split("block_2_expand")


def test_a_network_without_a_map_says_so(images):
    flat = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), dense()])
    classifier = load_classifier(flat, "none")
    with pytest.raises(ValueError, match=r"no layer of .* has a map"):
        ScoreGradients(classifier, images, [0, 1, 2])
    assert ScoreGradients(classifier, images, [0, 1, 2], layer="input").logit.shape == (3,)


def rounding():
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, name="conv")(keras.ops.round(inputs / 64))
    return keras.Model(inputs, dense()(layers.GlobalAveragePooling2D()(x)))


def test_a_network_that_rounds_has_cams_and_no_integrated_gradients(images):
    gradients = ScoreGradients(load_classifier(rounding(), "none"), images, [0, 1, 2])
    assert grad_cam(gradients, "odds").max() > 0
    with pytest.raises(ValueError, match="no gradient reaches the pixels"):
        integrated_gradients(gradients, "odds")


# --- preprocessing and grey networks


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("tf", lambda x: x / 127.5 - 1),
        ("torch", lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
        ("caffe", lambda x: x[..., ::-1] - [103.939, 116.779, 123.68]),
        ({"mean": [0.5, 0.4, 0.3], "std": [0.1, 0.2, 0.3]}, lambda x: (x / 255 - [0.5, 0.4, 0.3]) / [0.1, 0.2, 0.3]),
    ],
)  # fmt: skip
def test_preprocessing_by_mode_or_by_mean_and_deviation(tmp_path, images, given, expected):
    model = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3), layers.Flatten(), dense()])
    for layer in model.layers:
        layer.set_weights([w / 20 for w in layer.get_weights()])
    model.save(tmp_path / "mine.keras")
    (tmp_path / "mine.json").write_text(json.dumps({"preprocessing": given}))
    own = np.asarray(model(expected(np.stack(images).astype(np.float32)).astype(np.float32)))
    for classifier in (load_classifier(tmp_path / "mine.keras"), load_classifier(model, given)):
        np.testing.assert_allclose(classifier.probabilities(images), own, atol=1e-5)


@pytest.mark.parametrize(
    "given",
    [
        {"mean": [123.7, 116.8, 103.9], "std": [58.4, 57.1, 57.4]},
        {"mean": [0.5], "std": [0.5]},
        {"mean": [0.5, 0.5, 0.5]},
        {"mean": [0.5, 0.5, 0.5], "std": [0, 1, 1]},
        {"mean": [0.5, 0.5, 0.5], "sdt": [1, 1, 1]},
        {"mean": "imagenet", "std": "imagenet"},
    ],
)
def test_a_mean_of_unclear_scale_is_refused(given):
    with pytest.raises(ValueError, match="divide numbers for pixels in"):
        load_classifier(small(dense()), given)


@pytest.mark.parametrize("preprocessing", ["none", {"mean": [0.1307], "std": [0.3081]}])
def test_a_grey_network_sees_the_photograph_in_grey(preprocessing):
    model = small(dense(units=10), shape=(28, 28, 1))
    classifier = load_classifier(model, preprocessing)
    rng = np.random.default_rng(0)
    digit = rng.integers(0, 256, (28, 28, 1), dtype=np.uint8)
    inputs = digit[None].astype(np.float32)
    if preprocessing != "none":
        inputs = (inputs / 255 - 0.1307) / 0.3081
    digit = np.repeat(digit, 3, axis=-1)
    np.testing.assert_allclose(classifier.probabilities([digit])[0], model(inputs)[0], atol=1e-4)
    colours = rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)
    gradients = ScoreGradients(classifier, [colours], [3], steps=100)
    attribution = integrated_gradients(gradients, "odds")
    assert attribution.shape == (1, 28, 28, 3)
    assert completeness(gradients, "odds", "pixels").gap[0] < 0.01


def test_loading_five_classifiers_prints_no_warning(caplog, capfd):
    for _ in range(5):
        load_classifier(small(dense()), "vgg19")
    assert "retracing" not in caplog.text + capfd.readouterr().err


# --- files


def saved(folder, name="mine.keras"):
    small(dense()).save(folder / name)
    return folder / name


def keras_2_style(folder):
    """The functional HDF5 file of Keras 2: inputs in a list of lists, a shape with its batch."""
    inputs = keras.Input(SHAPE, name="input_1")
    x = layers.GlobalAveragePooling2D(name="mean")(layers.Conv2D(4, 3, name="conv")(inputs))
    keras.Model(inputs, dense(name="out")(x)).save(folder / "mine.h5")
    with h5py.File(folder / "mine.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for key in ("module", "registered_name", "build_config"):
                layer.pop(key, None)
            if layer["class_name"] == "InputLayer":
                layer["config"]["batch_input_shape"] = layer["config"].pop("batch_shape")
        for before, layer in pairwise(config["config"]["layers"]):
            layer["inbound_nodes"] = [[[before["name"], 0, 0, {}]]]
        config["config"]["input_layers"] = [["input_1", 0, 0]]
        config["config"]["output_layers"] = [["out", 0, 0]]
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
    return folder / "mine.h5"


def test_a_functional_file_as_keras_2_wrote_it(tmp_path, images):
    path = keras_2_style(tmp_path)
    shutil.copy(path, tmp_path / "copy.hdf5")
    for file in (path, tmp_path / "copy.hdf5"):
        gradients = ScoreGradients(load_classifier(file, "tf"), images, [0, 1, 2])
        maps = {s: [normalise(m) for m in grad_cam(gradients, s)] for s in ("post", "log", "odds")}
        np.testing.assert_allclose(maps["post"], maps["odds"], atol=1e-5)


def test_a_path_may_begin_with_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    saved(tmp_path)
    assert load_classifier("~/mine.keras", "none").name == "mine"


def test_loading_never_runs_code_of_the_file(tmp_path):
    trace = tmp_path / "trace"
    name = str(trace)
    touch = layers.Lambda(lambda z: tf.constant(open(name, "w").write("x") * 0.0) + z)
    model = small(dense())
    model.add(touch)
    for name in ("mine.keras", "mine.h5"):
        model.save(tmp_path / name)
        trace.unlink(missing_ok=True)
        with pytest.raises(ValueError, match="code from a file is never run"):
            load_classifier(tmp_path / name, "none")
        assert not trace.exists()
