"""Networks with ImageNet weights: of the package index, and of Keras, without a network."""

import h5py
import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from xai_utils import ScoreGradients, grad_cam, load_classifier, load_image, normalise
from xai_utils.pretrained import PRETRAINED
from xai_utils.pretrained.efficientnet_lite import VARIANTS, _find_weights
from xai_utils.pretrained.imagenet import load_class_ids, load_class_names
from xai_utils.pretrained.keras_applications import APPLICATIONS
from xai_utils.pretrained.torch_file import read_tensors
from xai_utils.scores import SCORES
from xai_utils.study.equivalent import in_precision
from xai_utils.study.exact import differentiate

NAME = "efficientnet-lite0"


@pytest.fixture(scope="module")
def lite():
    return load_classifier(NAME)


@pytest.fixture(scope="module")
def tensors():
    return read_tensors(_find_weights(NAME, VARIANTS[NAME]))


# --- EfficientNet-Lite0


def windows(x, kernel, stride):
    """The cells that each offset of a kernel sees, with TensorFlow's "same" padding."""
    size = -(-len(x) // stride)
    missing = max((size - 1) * stride + kernel - len(x), 0)
    before = missing // 2
    x = np.pad(x, ((before, missing - before), (before, missing - before), (0, 0)))
    last = (size - 1) * stride + 1
    for i, j in np.ndindex(kernel, kernel):
        yield i, j, x[i : i + last : stride, j : j + last : stride]


def forward(tensors, x):
    """Logits of one image, float64, from PyTorch's own arrays: a second way, without Keras."""
    weights = {name: array.astype(np.float64) for name, array in tensors.items()}

    def convolve(x, name, stride=1):
        kernel = weights[f"{name}.weight"]
        spots = windows(x, kernel.shape[-1], stride)
        return sum(patch @ kernel[:, :, i, j].T for i, j, patch in spots)

    def convolve_each(x, name, stride):
        kernel = weights[f"{name}.weight"]
        spots = windows(x, kernel.shape[-1], stride)
        return sum(patch * kernel[:, 0, i, j] for i, j, patch in spots)

    def normalised(x, name):
        scale, shift, mean, variance = (
            weights[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + shift

    def relu6(x):
        return np.clip(x, 0, 6)

    x = relu6(normalised(convolve((x - 127) / 128, "_conv_stem", 2), "_bn0"))
    for i in range(16):
        block, before = f"_blocks.{i}", x
        if i > 0:
            x = relu6(normalised(convolve(x, f"{block}._expand_conv"), f"{block}._bn0"))
        stride = 2 if i in (1, 3, 5, 11) else 1  # where a new resolution begins
        x = relu6(normalised(convolve_each(x, f"{block}._depthwise_conv", stride), f"{block}._bn1"))
        x = normalised(convolve(x, f"{block}._project_conv"), f"{block}._bn2")
        if x.shape == before.shape:
            x = x + before
    x = relu6(normalised(convolve(x, "_conv_head"), "_bn1"))
    return x.mean(axis=(0, 1)) @ weights["_fc.weight"].T + weights["_fc.bias"]


@pytest.mark.parametrize("sample", ["cat", "cup"])
def test_the_logits_are_those_of_a_float64_computation_from_the_file(lite, tensors, sample):
    image = load_image(sample)
    expected = forward(tensors, lite.pixels([image])[0].astype(np.float64))
    np.testing.assert_allclose(lite.logits([image])[0], expected, atol=1e-4)


# the five largest, made by `forward` above
LOGITS = {
    "cat": {
        "Egyptian cat": 10.51828,
        "tiger cat": 8.32756,
        "tabby": 8.11075,
        "lynx": 6.19144,
        "plastic bag": 4.08901,
    },
    "cup": {
        "espresso": 10.72959,
        "cup": 7.3596,
        "coffee mug": 6.50318,
        "consomme": 6.44733,
        "soup bowl": 5.20728,
    },
}


@pytest.mark.parametrize("sample", LOGITS)
def test_the_largest_logits_are_those_of_before(lite, sample):
    logits = lite.logits([load_image(sample)])[0]
    best = np.argsort(logits)[::-1][:5]
    assert [lite.class_names[i] for i in best] == list(LOGITS[sample])
    np.testing.assert_allclose(logits[best], list(LOGITS[sample].values()), atol=1e-4)


@pytest.mark.parametrize(
    ("sample", "names"),
    [
        ("cat", {"Egyptian cat", "tabby", "tiger cat"}),
        ("cup", {"espresso", "cup", "coffee mug"}),
        ("motorcycle", {"moped", "motor scooter"}),
        ("officer", {"military uniform"}),
    ],
)
def test_photographs_are_what_they_show(lite, sample, names):
    top = [name for name, _ in lite.top_classes(load_image(sample))]
    assert top[0] in names <= set(top)


def test_maps_of_all_scores_are_those_of_float64(lite):
    """Everything in float64, image to score, each score through the function that defines it.

    At the last map: behind an earlier one lie units with a kink, a million of them, and one or the
    other is on another side of it in float32, as one of `top_activation` is at 5.99999 and 6.
    """
    layer = lite.default_layer
    images, targets = [load_image("cat"), load_image("cup")], ["tabby", "espresso"]
    gradients = ScoreGradients(lite, images, targets, layer=layer)
    exact = in_precision(lite, "float64")
    activations = exact.split(layer).activations(exact.pixels(images))
    _, given = differentiate(lite, layer, gradients.targets, activations)
    for score in SCORES:
        maps, expected = grad_cam(gradients, score), grad_cam(given, score)
        for found, right in zip(maps, expected, strict=True):
            np.testing.assert_allclose(normalise(found), normalise(right), atol=1e-5)


def test_the_network_is_built_as_it_was_published(lite, tensors):
    counted = [a for n, a in tensors.items() if "num_batches" not in n]
    assert len(counted) == len(lite.network.weights) == 247
    assert sum(a.size for a in counted) == lite.network.count_params() == 4_694_024
    assert lite.default_layer == "top_activation"
    assert lite.input_size == (224, 224)


# --- class names


def test_the_class_names_are_those_of_imagenet():
    names, ids = load_class_names(), load_class_ids()
    assert len(names) == len(ids) == 1000
    assert ids == sorted(set(ids))
    for index, name in {0: "tench", 281: "tabby", 285: "Egyptian cat", 967: "espresso"}.items():
        assert names[index] == name
    assert [i for i, name in enumerate(names) if names.count(name) > 1] == [134, 517, 638, 639]


# --- keras.applications


@pytest.mark.parametrize("name", APPLICATIONS)
def test_every_name_stands_for_a_network_and_its_preprocessing(name):
    function, module = APPLICATIONS[name]
    assert hasattr(getattr(keras.applications, module), "preprocess_input")
    assert getattr(keras.applications, function).__module__.endswith(f".{module}")


def test_the_names_are_told_apart():
    assert len(set(PRETRAINED)) == len(PRETRAINED) > 30
    assert {"vgg16", "vgg19", "resnet50", "mobilenet_v2", NAME} < set(PRETRAINED)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Keras's cache in an empty folder, addresses that lead nowhere, and what Keras asks for."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    requests, get_file = [], file_utils.get_file

    def ask(name, origin, cache_subdir, file_hash=None):
        requests.append((name, origin))
        elsewhere = f"{(tmp_path / 'nowhere').as_uri()}/{origin.rpartition('/')[2]}"
        return get_file(name, elsewhere, cache_subdir=cache_subdir, cache_dir=tmp_path)

    monkeypatch.setattr(file_utils, "get_file", ask)
    return requests


@pytest.mark.parametrize("name", ["vgg19", "mobilenet_v2", "resnet50_v2"])
def test_without_a_network_it_is_said_which_file_to_put_where(asked, tmp_path, name):
    with pytest.raises(FileNotFoundError) as caught:
        load_classifier(name)
    ((filename, origin),) = asked
    assert filename == origin.rpartition("/")[2]
    assert origin.startswith("https://")
    assert filename in str(caught.value)
    assert str(tmp_path / "models") in str(caught.value)


def save_random_weights(model, path):
    """A file of Keras's format (HDF5 by layer) with random numbers, none of which saturates."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            continue  # its variances must be positive
        shapes = [w.shape for w in layer.weights]
        layer.set_weights([(rng.random(s, np.float32) - 0.5) / 50 for s in shapes])
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [w.path for w in layer.weights]
            for weight in layer.weights:
                group.create_dataset(weight.path, data=np.asarray(weight))


@pytest.mark.parametrize(
    ("name", "filename", "layer", "channels"),
    [
        ("vgg19", "vgg19_weights_tf_dim_ordering_tf_kernels.h5", "block5_pool", 512),
        (
            "mobilenet_v2",
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
            "out_relu",
            1280,
        ),
    ],
)
def test_a_network_of_keras_loads_its_file(asked, tmp_path, name, filename, layer, channels):
    """The ImageNet weights in their own file format, with random numbers."""
    function, module = APPLICATIONS[name]
    model = getattr(keras.applications, function)(weights=None)
    save_random_weights(model, tmp_path / "models" / filename)
    classifier = load_classifier(name)
    assert classifier.class_names[7] == "cock"
    image = np.random.default_rng(1).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    preprocess = getattr(keras.applications, module).preprocess_input
    inputs = preprocess(image[None].astype(np.float32))
    np.testing.assert_allclose(
        classifier.probabilities([image]), np.asarray(model(inputs)), rtol=1e-4
    )
    gradients = ScoreGradients(classifier, [image], ["cock"])
    assert gradients.layer == layer
    assert gradients.activations.shape == (1, 7, 7, channels)
    assert grad_cam(gradients, "odds").shape == (1, 7, 7)
