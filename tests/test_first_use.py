"""From the README's section on one's own network to a heatmap, as a new user would do it."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import papermill
import pytest
from keras import layers
from PIL import Image

pytestmark = pytest.mark.usefixtures("warm_kernels")
ROOT = Path(__file__).parent.parent


def keras_2_file(folder):
    """A functional network of Keras 2 with a backbone and augmentation; it scales pixels itself."""
    shutil.copy(ROOT / "tests" / "data" / "keras_2.h5", folder / "my.h5")
    description = {"preprocessing": "none", "class_names": {"dog": 2, "ant": 0, "bee": 1}}
    return "my.h5", description, "bee", ("bee", 1), "relu"


def mobilenet_with_augmentation(folder):
    backbone = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(64, 64, 3), alpha=0.35
    )
    x = inputs = keras.Input((64, 64, 3))
    x = layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(x))
    x = backbone(layers.Rescaling(1 / 127.5, offset=-1)(x), training=False)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    outputs = layers.Dense(4, activation="softmax")(x)
    keras.Model(inputs, outputs).save(folder / "my.keras")
    (folder / "labels.txt").write_text("daisy\nred_rose\ntulip\nsunflower\n")
    description = {"preprocessing": "none", "class_names": "labels.txt"}
    return "my.keras", description, "red rose", ("red_rose", 1), "out_relu"


def a_thousand_classes(folder):
    model = keras.applications.MobileNet(
        weights=None, input_shape=(64, 64, 3), alpha=0.25, classes=1000
    )
    model.save(folder / "my.keras")
    names = {str(i): f"thing {i}" for i in range(1000)}
    description = {"preprocessing": "mobilenet", "class_names": names}
    return "my.keras", description, "Thing_281", ("thing 281", 281), "conv_pw_13_relu"


def grey_digits(folder):
    stack = [
        keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, activation="relu", name="first"),
        layers.MaxPooling2D(2),
        layers.Conv2D(8, 3, activation="relu", name="second"),
        layers.Flatten(),
        layers.Dense(10),
    ]
    keras.Sequential(stack).save(folder / "my.h5")
    return "my.h5", {"preprocessing": {"mean": [0.13], "std": [0.31]}}, 7, ("7", 7), "second"


@pytest.mark.parametrize(
    "make", [keras_2_file, mobilenet_with_augmentation, a_thousand_classes, grey_digits]
)
def test_a_network_of_ones_own_comes_to_a_heatmap(tmp_path, make):
    keras.utils.set_random_seed(0)
    file, description, target, (name, index), layer = make(tmp_path)
    (tmp_path / "my.json").write_text(json.dumps(description))
    photograph = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(photograph).save(tmp_path / "my_photo.jpg")
    parameters = {"model": file, "image": "my_photo.jpg", "target": target, "score": "odds"}
    paths = {name: str(tmp_path / parameters[name]) for name in ("model", "image")}
    notebook = papermill.execute_notebook(
        ROOT / "notebooks" / "methods" / "grad_cam.ipynb", tmp_path / "out.ipynb",
        {**parameters, **paths, "results": str(tmp_path / "results")},
        progress_bar=False, kernel_name="python3",
    )  # fmt: skip
    assert f"score odds of class {index} {name!r}" in str(notebook)
    record = json.loads(next((tmp_path / "results").glob("*.json")).read_text("utf-8"))
    assert (record["class"], record["class_index"], record["layer"]) == (name, index, layer)
    with np.load(next((tmp_path / "results").glob("*.npz"))) as arrays:
        heatmap = arrays["heatmap"]
    assert heatmap.ndim == 2
    assert heatmap.size > 1
    assert np.isfinite(heatmap).all()
