"""Loading classifiers: what is accepted, what is refused, and that nothing is changed."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from xai_utils import ScoreGradients, grad_cam, load_classifier
from xai_utils.classifier import softmax

SHAPE = (16, 16, 3)


def features():
    return [keras.layers.Conv2D(4, 3, activation="relu", name="conv"), keras.layers.Flatten()]


def sequential(*ends):
    return keras.Sequential([keras.Input(SHAPE), *features(), *ends])


def dense(units=5, activation="softmax"):
    return keras.layers.Dense(units, activation=activation, kernel_initializer="he_normal")


def nested():
    inputs = keras.Input(SHAPE)
    inner_input = keras.Input(SHAPE)
    inner = keras.Model(inner_input, features()[0](inner_input), name="backbone")
    x = inner(keras.layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, dense()(keras.layers.Flatten()(x)))


def residual():
    inputs = keras.Input(SHAPE)
    x = features()[0](inputs)
    around = keras.layers.Conv2D(4, 1, name="around")(x)
    x = keras.layers.Add(name="sum")([x, around])
    return keras.Model(inputs, dense()(keras.layers.GlobalAveragePooling2D()(x)))


def two_outputs():
    inputs = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [dense()(flat), dense()(flat)])


def temperature():
    """The softmax and what is before it are functions of keras.ops, not layers."""
    inputs = keras.Input(SHAPE)
    x = features()[0](inputs)
    logits = dense(activation=None)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.ops.softmax(logits / 2))


def nested_sum():
    """A nested model whose output is a sum, made by an operator."""
    inputs, inner_input = keras.Input(SHAPE), keras.Input(SHAPE)
    x = features()[0](inner_input)
    inner = keras.Model(inner_input, x + keras.layers.Conv2D(4, 1)(x))
    return keras.Model(inputs, dense()(keras.layers.Flatten()(inner(inputs))))


def whole_numbers():
    inputs = keras.Input(SHAPE, dtype="uint8")
    x = features()[0](keras.layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, dense()(keras.layers.Flatten()(x)))


def compiled():
    """With a loss that Keras could not find by its name."""
    model = nested()
    model.compile(loss=lambda y_true, y_pred: y_pred)
    return model


ENDINGS = {
    "softmax activation": lambda: sequential(dense()),
    "softmax layer": lambda: sequential(dense(activation=None), keras.layers.Softmax()),
    "activation layer": lambda: sequential(
        dense(activation=None), keras.layers.Activation("softmax")
    ),
    "logits": lambda: sequential(dense(activation=None)),
    "nested": nested,
    "residual": residual,
    "temperature": temperature,
    "nested sum": nested_sum,
    "whole numbers": whole_numbers,
    "compiled": compiled,
    "head as a model of its own": lambda: keras.Sequential(
        [keras.Input(SHAPE), *features(), keras.Sequential([dense()])]
    ),
}


@pytest.fixture(autouse=True)
def seed():
    """Random weights, but always the same: some draws would give a network that is dead."""
    keras.utils.set_random_seed(2)


@pytest.fixture
def images():
    return list(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8))


@pytest.mark.parametrize("ending", ENDINGS)
def test_logits_are_what_the_models_output_is_the_softmax_of(ending, images):
    model = ENDINGS[ending]()
    before = np.asarray(model(np.stack(images).astype(np.float32)))
    weights = [w.copy() for w in model.get_weights()]
    classifier = load_classifier(model, "none")
    expected = softmax(before) if ending == "logits" else before
    np.testing.assert_allclose(classifier.probabilities(images), expected, atol=1e-4)
    assert grad_cam(ScoreGradients(classifier, images, [0, 1, 2], layer="conv"), "odds").shape == (
        3,
        14,
        14,
    )
    # the model itself is as it was, in every way of calling it
    np.testing.assert_array_equal(np.asarray(model(np.stack(images).astype(np.float32))), before)
    np.testing.assert_allclose(model.predict(np.stack(images), verbose=0), before, atol=1e-6)
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_activation_removed_after_predict_gives_the_logits_that_the_layer_now_has(images):
    """Keras keeps the compiled predict, so model.predict still says softmax: a known trap."""
    model = sequential(dense())
    probabilities = model.predict(np.stack(images), verbose=0)
    model.layers[-1].activation = None
    np.testing.assert_allclose(
        load_classifier(model, "none").probabilities(images), probabilities, atol=1e-5
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sequential(dense(activation="sigmoid")), "ends in sigmoid"),
        (lambda: sequential(dense(1, "sigmoid")), "at least two classes"),
        (lambda: sequential(dense(), keras.layers.Softmax()), "applies softmax twice"),
        (lambda: keras.Sequential([keras.Input((16, 16, 2)), *features(), dense()]), "RGB image of fixed size"),
        (lambda: keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(5, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Softmax()]), "RGB image of fixed size"),
        (two_outputs, "2 outputs"),
        (lambda: keras.Sequential(features()), "has no weights yet"),
    ],
)  # fmt: skip
def test_other_models_are_refused_with_the_reason(make, message):
    with pytest.raises(ValueError, match=message):
        load_classifier(make(), "none")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("activation", ["softmax", None])
def test_half_precision_networks_have_float32_maps(images, policy, activation):
    layers = [keras.layers.Conv2D(4, 3, activation="relu", name="conv", dtype=policy)]
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dense(5, activation=activation, dtype="float32"),
    ]
    layers[-1].kernel_initializer = keras.initializers.RandomNormal(stddev=0.005)
    classifier = load_classifier(keras.Sequential([keras.Input(SHAPE), *layers]), "none")
    gradients = ScoreGradients(classifier, images, [0, 1, 2], layer="conv")
    assert gradients.point_gradient("post").dtype == np.float32
    assert grad_cam(gradients, "post").max() > 0


def test_layers_of_one_name_are_refused():
    first, second = (keras.layers.Conv2D(4, 3, name="twin") for _ in "ab")
    inner = keras.Sequential([keras.Input(SHAPE), first])
    model = keras.Sequential([keras.Input(SHAPE), inner, second, keras.layers.Flatten(), dense()])
    with pytest.raises(ValueError, match="two layers are named 'twin'"):
        load_classifier(model, "none")


@pytest.mark.parametrize(
    ("preprocessing", "message"),
    [
        (lambda pixels: np.asarray(pixels) / 255, "not with NumPy"),
        (lambda pixels: tf.stop_gradient(pixels), "has no gradient"),
    ],
)
def test_a_preprocessing_that_cannot_be_differentiated_is_refused(preprocessing, message):
    with pytest.raises(ValueError, match=message):
        load_classifier(sequential(dense()), preprocessing)


def test_class_names_may_be_an_array():
    assert (
        load_classifier(sequential(dense()), "none", np.array(list("abcde"))).class_names[4] == "e"
    )


def test_a_subclassed_model_is_refused():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(TypeError, match="subclassed"):
        load_classifier(Subclassed(), "none")


def test_a_layer_that_a_path_goes_around_is_refused(images):
    classifier = load_classifier(residual(), "none")
    with pytest.raises(ValueError, match="'around' does not carry the whole image"):
        ScoreGradients(classifier, images, [0, 0, 0], layer="around")
    ScoreGradients(classifier, images, [0, 0, 0], layer="sum")


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_model_file_with_a_description_beside_it(tmp_path, images, ending):
    model = sequential(dense())
    model.save(tmp_path / f"mine.{ending}")
    names = ["a", "b", "c", "d", "e"]
    (tmp_path / "mine.json").write_text(
        json.dumps({"preprocessing": "vgg19", "class_names": names})
    )
    classifier = load_classifier(str(tmp_path / f"mine.{ending}"))
    assert classifier.name == "mine"
    assert classifier.class_names == tuple(names)
    inputs = keras.applications.vgg19.preprocess_input(np.stack(images).astype(np.float32))
    np.testing.assert_allclose(
        classifier.probabilities(images), np.asarray(model(inputs)), atol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("vgg19-mni",), ValueError, "did you mean 'vgg19-mini'"),
        (("missing.keras",), FileNotFoundError, "no model file at 'missing.keras'"),
    ],
)
def test_a_wrong_name_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        load_classifier(*arguments)


@pytest.mark.parametrize(
    ("preprocessing", "names", "message"),
    [
        (None, None, "preprocessing='none' if the model takes RGB pixels"),
        ("vg19", None, "no preprocessing 'vg19'; did you mean 'vgg19'"),
        ("none", ["a", "b"], "2 class_names given for a model with 5 classes"),
    ],
)
def test_a_wrong_description_is_named(preprocessing, names, message):
    with pytest.raises(ValueError, match=message):
        load_classifier(sequential(dense()), preprocessing, names)


def test_class_names_that_occur_twice_are_told_apart():
    """ImageNet has two cranes and two maillots."""
    classifier = load_classifier(sequential(dense()), "none", ["crane", "b", "crane", "d", "e"])
    assert classifier.class_names == ("crane (0)", "b", "crane (2)", "d", "e")


def test_images_of_any_size_are_resized(mini):
    images = [np.full((h, w, 3), 90, np.uint8) for h, w in ((1, 1), (300, 500), (224, 224))]
    probabilities = mini.probabilities(images)
    assert probabilities.shape == (3, 12)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[0], probabilities[2], atol=1e-6)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), ValueError, r"write \[image\]"),
        ([np.zeros((4, 4), np.uint8)], ValueError, r"given: array of shape \(4, 4\)"),
        ([np.zeros((4, 4, 3), np.float32)], TypeError, "must hold uint8 RGB values"),
        (["cat.jpg"], ValueError, "given: str; see load_image"),
    ],
)
def test_wrong_images_are_refused(mini, images, error, message):
    with pytest.raises(error, match=message):
        mini.probabilities(images)


def test_weights_have_one_checksum(mini):
    assert mini.weights_sha256() == load_classifier("vgg19-mini").weights_sha256()
    assert mini.weights_sha256() != load_classifier(sequential(dense()), "none").weights_sha256()
