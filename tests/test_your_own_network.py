"""Other people's networks, in every form that people have them: the right value, or the reason."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.networks import SHAPE, dense, small
from xai_utils import (
    ScoreGradients,
    completeness,
    grad_cam,
    integrated_gradients,
    load_classifier,
)
from xai_utils.classifier import softmax

pytestmark = pytest.mark.usefixtures("seed")


def functional(wrap_inputs, wrap_outputs):
    model = small(dense())
    inputs = keras.Input(SHAPE, name="image")
    return keras.Model(wrap_inputs(inputs), wrap_outputs(model(inputs)))


def with_ops(function):
    model = small(dense(None))
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, function(model(inputs)))


def half_precision(*ends):
    return small(dense(dtype="mixed_float16"), *ends)


def of_convolutions():
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, name="conv")(layers.Rescaling(1 / 64, offset=-2)(inputs))
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(4, 1, activation="softmax", kernel_initializer="he_normal")(x)
    return keras.Model(inputs, layers.Flatten()(x))


def nested_by_keyword():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, small(dense())(inputs=inputs))


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
    "in a nested model, called by keyword": nested_by_keyword,
    "of a convolution": of_convolutions,
    "of a function of one's own": lambda: small(dense(lambda z: z / 2), layers.Softmax()),
    "of a layer that is made of functions": lambda: small(dense(kernel_regularizer=lambda w: 0.0)),
    "in half precision": half_precision,
    "in half precision, then a cast": lambda: half_precision(layers.Activation("linear", dtype="float32")),
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
    error = 2e-3 if "half" in name else 1e-5
    np.testing.assert_allclose(softmax(logits), own, atol=error)
    assert np.abs(logits.sum(axis=1) - 1).max() > 0.1  # no probabilities
    maps = grad_cam(ScoreGradients(classifier, images, [0, 1, 2], layer="conv"), "odds")
    assert np.isfinite(maps).all()
    assert maps.max() > 0


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
    "function",
    [lambda p: 100 * p, lambda p: 1 - p, lambda p: 0.9 * p + 0.025, lambda p: p[:, ::-1]],
)
def test_numbers_made_from_probabilities_are_not_taken_for_logits(function):
    """Percentages, for example."""
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, function(small(dense())(inputs)))
    with pytest.raises(ValueError, match=r"computes with the probabilities of its softmax"):
        load_classifier(model, "none")


class WithoutConfig(layers.Dense):
    def __init__(self):
        super().__init__(4, activation="softmax")


def fixed_number_of_images():
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, dense()(keras.ops.reshape(inputs, (1, 768))))


def float8():
    model = small(dense())
    model.quantize("float8")
    return model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: small(WithoutConfig()),
            r"'without_config.*' of .* cannot be made again without it",
        ),
        (float8, r"'dense.*' of .* cannot be made again without it \(Dense: .*weight shape"),
        (fixed_number_of_images, r"fails on a batch of 3 images: .*reshape"),
    ],
)
def test_what_a_layer_of_another_library_says_is_put_into_words(make, message):
    with pytest.raises(ValueError, match=message):
        load_classifier(make(), "none")


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


class OwnCrop(layers.Layer):
    def call(self, x):
        return 1 - x[:, 4:-4, 3:-3] / 3


def between(*changes):
    """A network with something between its two convolutions."""
    inputs = x = keras.Input((32, 24, 3))
    for layer in (conv("before"), *changes, conv("after")):
        x = layer(x)
    return keras.Model(inputs, dense()(layers.GlobalAveragePooling2D()(x)))


def conv(name):
    return layers.Conv2D(4, 3, padding="same", name=name)


@pytest.mark.parametrize(
    "cut",
    [
        layers.Cropping2D(4),
        layers.Cropping2D(((0, 8), (0, 0))),
        layers.CenterCrop(24, 18),
        layers.Resizing(24, 24, crop_to_aspect_ratio=True),
        OwnCrop(),
        lambda x: x[:, 8:],
    ],
)  # fmt: skip
def test_a_layer_that_sees_a_part_of_the_image_is_refused(cut, images):
    classifier = load_classifier(between(cut), "none")
    assert [n for n in classifier.layer_names if n in ("after", "before")] == ["before"]
    with pytest.raises(ValueError, match=r"'after' does not see the whole image: '.*' cuts its"):
        classifier.split("after")


def test_pixels_that_a_network_cuts_off_have_no_attribution():
    classifier = load_classifier(between(layers.Cropping2D(4)), "none")
    image = np.random.default_rng(0).integers(256, size=(32, 24, 3), dtype=np.uint8)
    pixels = ScoreGradients(classifier, [image], [0], layer="input", steps=3)
    used = integrated_gradients(pixels, "pre")[0] != 0
    # the convolution before the cut reaches one pixel further
    assert used[4:-4, 4:-4].any() and not used[:3].any() and not used[:, -3:].any()


@pytest.mark.parametrize(
    "changes",
    [
        [layers.Cropping2D(1)],
        [layers.Resizing(16, 12)],
        [layers.RandomCrop(24, 18)],  # resizes where it does not train
        [layers.ZeroPadding2D(4), layers.Cropping2D(1)],
        [layers.MaxPooling2D(2), lambda x: x[:, ::2, 1::2]],
        [lambda x: layers.Concatenate()([layers.Cropping2D(4)(layers.ZeroPadding2D(4)(x)), x])],
    ],
)  # fmt: skip
def test_a_layer_that_sees_nearly_all_of_the_image_can_be_used(changes):
    assert load_classifier(between(*changes), "none").layer_names[0] == "after"


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


def test_a_nested_model_and_a_layer_of_one_name_have_a_name_each(images):
    inputs = keras.Input(SHAPE)
    features = layers.ReLU()(layers.Conv2D(4, 3, name="features")(inputs / 64))
    x = keras.Model(inputs, features, name="features")(inputs)
    model = keras.Model(inputs, dense()(layers.GlobalAveragePooling2D()(x)))
    classifier = load_classifier(model, "none")
    with pytest.raises(ValueError, match=r"'features' is used 2 times"):
        ScoreGradients(classifier, images, [0, 1, 2], layer="features")
    nested, conv = (
        ScoreGradients(classifier, images, [0, 1, 2], layer=f"features#{i}").activations
        for i in (1, 2)
    )
    np.testing.assert_array_equal(nested, np.maximum(conv, 0))


def test_a_layer_named_like_the_pixels_is_refused():
    inputs = keras.Input(SHAPE, name="input")  # this is no layer with an output of its own
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(inputs))
    assert load_classifier(keras.Model(inputs, dense()(x)), "none").layer_names == ("conv", "input")
    inputs = keras.Input(SHAPE)
    with pytest.raises(ValueError, match="a layer is named 'input', which stands for the pixels"):
        load_classifier(keras.Model(inputs, dense()(layers.Flatten(name="input")(inputs))), "none")


def test_a_layer_of_unknown_size_does_not_stop_the_others(images):
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, name="conv")(inputs / 64)
    x = layers.EinsumDense("abcd,de->abce", output_shape=(None, None, 5), name="einsum")(x)
    model = keras.Model(inputs, dense()(layers.GlobalAveragePooling2D()(x)))
    assert ScoreGradients(load_classifier(model, "none"), images, [0, 1, 2]).layer == "conv"


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
    with pytest.raises(
        ValueError,
        match=r"no layer 'Conv1_bn' in .*; did you mean 'Conv_1_bn'\? Layers that can be used, the "
        r"last first: 'out_relu', 'Conv_1_bn', .*; the default is 'out_relu'",
    ):
        classifier.split("Conv1_bn")
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


def test_a_preprocessing_may_ask_its_tensor_a_question(images):
    def preprocess(pixels):
        if tf.reduce_max(pixels) > 1:
            pixels = pixels / 255
        return pixels

    model = small(dense())
    asking, plain = load_classifier(model, preprocess), load_classifier(model, lambda x: x / 255)
    found = [
        integrated_gradients(ScoreGradients(classifier, images, [0, 1, 2], steps=5), "odds")
        for classifier in (asking, plain)
    ]
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6 * np.abs(found[1]).max())
    assert np.abs(found[0]).max() > 0


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
