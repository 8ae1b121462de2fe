"""Model files of Keras 2 and 3: the network that was saved, or what the file is and what to do."""

import json
import shutil
import zipfile
from itertools import pairwise
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.networks import SHAPE, dense, small
from xai_utils import ScoreGradients, grad_cam, load_classifier, normalise

DATA = Path(__file__).parent / "data"


pytestmark = pytest.mark.usefixtures("seed")


IMAGE = (np.arange(32 * 32 * 3).reshape(32, 32, 3) % 251).astype(np.uint8)


@pytest.mark.parametrize(
    ("file", "probabilities", "layer"),
    [
        ("keras_2.h5", [0.37196, 0.30872, 0.31932], "relu"),
        ("keras_2_teachable.h5", [0.82399, 0.15568, 0.02033], "leaky"),
    ],
)
def test_a_network_of_keras_2(file, probabilities, layer):
    """tests/data/make_keras_2.py made the files; the numbers are what Keras 2 said."""
    classifier = load_classifier(DATA / file, "none", ["ant", "bee", "cat"])
    np.testing.assert_allclose(classifier.probabilities([IMAGE])[0], probabilities, atol=1e-5)
    gradients = ScoreGradients(classifier, [IMAGE], ["bee"])
    assert gradients.layer == layer
    assert grad_cam(gradients, "pre").shape == gradients.activations.shape[:3]


def test_a_network_of_keras_2_whose_output_is_a_dict(tmp_path):
    path = shutil.copy(DATA / "keras_2.h5", tmp_path / "my.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        (output,) = config["config"]["output_layers"]
        config["config"]["output_layers"] = {"probabilities": output}
        file.attrs["model_config"] = json.dumps(config)
    probabilities = load_classifier(path, "none").probabilities([IMAGE])[0]
    np.testing.assert_allclose(probabilities, [0.37196, 0.30872, 0.31932], atol=1e-5)


def saved(folder, name="mine.keras"):
    small(dense()).save(folder / name)
    return folder / name


def keras_2_style(folder, version="2.15.0", policy="float32"):
    """The functional HDF5 file of Keras 2: inputs in a list of lists, a shape with its batch."""
    inputs = keras.Input(SHAPE, name="input_1")
    x = layers.Conv2D(4, 3, name="conv", dtype=policy)(inputs)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    model = keras.Model(inputs, dense(name="out", dtype="float32")(x))
    model.save(folder / "mine.h5")
    with h5py.File(folder / "mine.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for key in ("module", "registered_name", "build_config"):
                layer.pop(key, None)
            if layer["class_name"] == "InputLayer":
                layer["config"]["batch_input_shape"] = layer["config"].pop("batch_shape")
            else:
                name = layer["config"]["dtype"]["config"]["name"]
                layer["config"]["dtype"] = {"class_name": "Policy", "config": {"name": name}}
        for before, layer in pairwise(config["config"]["layers"]):
            layer["inbound_nodes"] = [[[before["name"], 0, 0, {}]]]
        config["config"]["input_layers"] = [["input_1", 0, 0]]
        config["config"]["output_layers"] = [["out", 0, 0]]
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = version
    return model, folder / "mine.h5"


@pytest.mark.parametrize("version", ["2.15.0", b"2.2.4"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("ending", ["h5", "hdf5", "H5"])
def test_a_functional_file_as_keras_2_wrote_it(tmp_path, images, version, policy, ending):
    model, path = keras_2_style(tmp_path, version, policy)
    path = path.rename(tmp_path / f"mine.{ending}")
    classifier = load_classifier(path, "tf")
    own = np.asarray(model(np.stack(images) / 127.5 - 1))
    np.testing.assert_allclose(classifier.probabilities(images), own, atol=2e-3)
    gradients = ScoreGradients(classifier, images, [0, 1, 2])
    maps = {s: [normalise(m) for m in grad_cam(gradients, s)] for s in ("post", "log", "odds")}
    np.testing.assert_allclose(maps["post"], maps["odds"], atol=1e-5)


@pytest.mark.parametrize("ending", ["keras", "KERAS", "h5", "hdf5"])
def test_an_argument_with_several_axes_is_read_from_every_file(tmp_path, images, ending):
    """From HDF5, Keras would read a softmax over the last axis."""
    inputs = keras.Input(SHAPE)
    x = layers.Softmax(axis=(1, 2), name="attention")(
        layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(inputs))
    )
    outputs = dense()(layers.GlobalMaxPooling2D()(layers.Rescaling(200)(x)))
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / f"mine.{ending.replace('KERAS', 'keras').replace('hdf5', 'h5')}")
    next(tmp_path.iterdir()).rename(tmp_path / f"mine.{ending}")
    classifier = load_classifier(tmp_path / f"mine.{ending}", "none")
    own = np.asarray(model(np.stack(images).astype(np.float32)))
    assert np.ptp(own, axis=0).max() > 0.01
    np.testing.assert_allclose(classifier.probabilities(images), own, atol=1e-5)


def test_a_path_may_begin_with_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    saved(tmp_path)
    assert load_classifier("~/mine.keras", "none").name == "mine"


def lambda_layer(function):
    return small(dense(None), layers.Lambda(function))


def lambda_activation(function):
    return small(dense(function))


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("make", [lambda_layer, lambda_activation])
def test_loading_never_runs_code_of_the_file(tmp_path, make, ending):
    trace = tmp_path / "trace"
    name = str(trace)
    model = make(lambda z: tf.constant(open(name, "w").write("x") * 0.0) + z)
    model.save(tmp_path / f"mine.{ending}")
    trace.unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"holds a Lambda.*code from a file is never run"):
        load_classifier(tmp_path / f"mine.{ending}", "none")
    assert not trace.exists()


def half(x):
    return x / 2


class Own(layers.Layer):
    def call(self, x):
        return x


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: small(Own(), dense()), r"has layers that Keras .* does not have: 'Own'"),
        (lambda: small(dense(half)), r"cannot be read by Keras .*function 'half'"),
    ],
)
def test_layers_and_functions_that_are_not_keras_own_are_named(tmp_path, make, message, ending):
    make().save(tmp_path / f"mine.{ending}")
    with pytest.raises(ValueError, match=message):
        load_classifier(tmp_path / f"mine.{ending}", "none")


def test_operators_in_an_hdf5_file_of_keras_3_belong_into_another(tmp_path):
    inputs = keras.Input(SHAPE)
    keras.Model(inputs, small(dense())(inputs / 2)).save(tmp_path / "mine.h5")
    with pytest.raises(
        ValueError, match=r"'TrueDivide'; .* operators, save the model as 'my.keras"
    ):
        load_classifier(tmp_path / "mine.h5", "none")


def test_a_layer_of_ones_own_that_is_registered_is_read(tmp_path, images):
    with keras.saving.CustomObjectScope({"Own": Own}):
        model = small(Own(name="own"), dense())
        model.save(tmp_path / "mine.keras")
        classifier = load_classifier(tmp_path / "mine.keras", "none")
    own = np.asarray(model(np.stack(images).astype(np.float32)))
    np.testing.assert_allclose(classifier.probabilities(images), own, atol=1e-5)


def archive(**contents):
    """A function of a path: write a .keras archive with these files of JSON."""

    def write(path):
        with zipfile.ZipFile(path, "w") as file:
            for name, content in contents.items():
                file.writestr(f"{name}.json", content)

    return write


def hdf5(config):
    def write(path):
        with h5py.File(path, "w") as file:
            file.attrs["model_config"] = config

    return write


def cut(path):
    data = saved(path.parent, f"whole{path.suffix}").read_bytes()
    path.write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("my.keras", cut, "is damaged, or not a Keras model"),
        ("my.h5", cut, "is damaged, or not a Keras model"),
        ("my.keras", Path.touch, "is neither a Keras archive nor an HDF5 file"),
        ("my.h5", lambda p: p.write_text("<!DOCTYPE html>"), r"it begins with b'<!DOCTYPE html>'"),
        ("my.h5", lambda p: p.write_text("version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
        ("my.keras", lambda p: small(dense()).save(p.with_suffix(".h5")) or p.with_suffix(".h5").rename(p), r"is a HDF5 file under another ending; rename it to 'my.h5'"),
        ("my.keras", archive(config="{", metadata='{"keras_version": "3.9"}'), "is damaged, or not a Keras model"),
        ("my.keras", archive(config="[]", metadata="[]"), "is damaged, or not a Keras model"),
        ("my.keras", archive(config="{}", metadata='{"keras_version": "2.13.1"}'), r"is an archive of Keras 2.13.1.*model.save\('my.h5'\)"),
        ("my.h5", hdf5("{"), "is damaged, or not a Keras model"),
        ("my.h5", hdf5("[]"), "cannot be read by Keras"),
        ("my.h5", lambda p: h5py.File(p, "w").close(), "holds weights without an architecture"),
        ("my.weights.h5", lambda p: small(dense()).save_weights(p), "holds weights without an architecture"),
    ],
)  # fmt: skip
def test_a_file_that_is_something_else_is_told_apart(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(ValueError, match=rf"(?s){name}.*{message}"):
        load_classifier(tmp_path / name, "none")


def test_a_saved_model_folder_is_named(tmp_path):
    small(dense()).export(tmp_path / "my_model", verbose=False)
    with pytest.raises(IsADirectoryError, match=r"is a SavedModel folder.*model.save\('my.h5'\)"):
        load_classifier(tmp_path / "my_model", "none")


def test_a_file_that_is_not_there_is_answered_with_the_folder_and_the_nearest(
    tmp_path, monkeypatch
):
    saved(tmp_path, "Flowers.keras")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        load_classifier("flowers.keras", "none")
    assert f"looked in {str(tmp_path)!r}; did you mean 'Flowers.keras'?" in str(caught.value)
