"""From RGB pixels in [0, 255] to what a network was trained with."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice

MODES = ("tf", "torch", "caffe")  # of keras.applications.imagenet_utils.preprocess_input
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow and TensorFlow


def find_preprocessing(preprocessing, channels=3):
    """The preprocessing that is meant by a name, a mean and standard deviation, or a function.

    Parameters
    ----------
    preprocessing : str, dict or callable
        See `load_classifier`.
    channels : {1, 3}
        Of the network's input; for a grey network, pixels are made grey before anything else.

    Returns
    -------
    callable
        From RGB pixels, float (N, H, W, 3), to the network's input.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    function = _find_function(preprocessing, channels)
    if channels == 3:
        return function
    return lambda pixels: function(_to_grey(pixels))


def describe_preprocessing(preprocessing):
    """What can be written in a record: the name or the numbers; a function by its name."""
    if not callable(preprocessing):
        return preprocessing
    return f"function {getattr(preprocessing, '__qualname__', type(preprocessing).__name__)}"


def _find_function(preprocessing, channels):
    if callable(preprocessing):
        # compiled by itself, so that it may hold an `if` on a tensor; of a partial function, which
        # has no code object, see `SplitNetwork`
        return tf.function(partial(preprocessing), reduce_retracing=True)
    if preprocessing is None:
        raise ValueError(
            "preprocessing is not given: write preprocessing='none' if the model takes RGB pixels "
            "in [0, 255] itself, or the keras.applications module whose preprocess_input it was "
            "trained with, for example preprocessing='vgg19'; a model file can have a .json file "
            "beside it that says so"
        )
    if isinstance(preprocessing, dict):
        return _normalisation(preprocessing, channels)
    if preprocessing == "none":
        return tf.identity
    modules = [
        name
        for name in dir(keras.applications)
        if hasattr(getattr(keras.applications, name), "preprocess_input")
        and name != "imagenet_utils"  # whose modes have names of their own here
    ]
    check_choice("preprocessing", preprocessing, ("none", *MODES, *modules))
    if preprocessing in MODES:
        return partial(
            keras.applications.imagenet_utils.preprocess_input,
            mode=preprocessing,
            data_format="channels_last",
        )
    function = getattr(keras.applications, preprocessing).preprocess_input
    return partial(function, data_format="channels_last")


def _normalisation(given, channels):
    """(pixels / 255 - mean) / std, channel by channel, as in torchvision."""
    numbers = {}
    for key in ("mean", "std"):
        try:
            numbers[key] = np.array(given.get(key), np.float64)
        except (TypeError, ValueError):
            numbers[key] = np.array(np.nan)
    mean, std = numbers["mean"], numbers["std"]
    fit = mean.shape == std.shape == (channels,) and set(given) == {"mean", "std"}
    if not (fit and 0 <= mean.min() <= mean.max() <= 1 and 0 < std.min() <= std.max() <= 1):
        raise ValueError(
            f"a preprocessing by mean and standard deviation needs {channels} of each, for pixels "
            'in [0, 1]: {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}, means from '
            f"0 to 1, deviations above 0 and up to 1; given: {given!r}; divide numbers for pixels "
            "in [0, 255] by 255"
        )
    return lambda pixels: (
        (pixels / 255 - tf.constant(mean, pixels.dtype)) / tf.constant(std, pixels.dtype)
    )


def _to_grey(pixels):
    """(N, H, W, 3) → (N, H, W, 1)."""
    return tf.reduce_sum(pixels * tf.constant(GREY, pixels.dtype), axis=-1, keepdims=True)


def check_preprocessing(preprocess, pixels, channels=3):
    """Refuse a preprocessing that cannot be compiled and differentiated, or is not finite.

    Parameters
    ----------
    preprocess : callable
    pixels : tf.Tensor, float (N, H, W, 3)
        With a black image among them: paths begin there.
    channels : {1, 3}
        That the network needs.
    """
    try:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            inputs = preprocess(pixels)
        differentiable = tape.gradient(inputs, pixels) is not None
    except Exception as error:
        raise ValueError(
            f"preprocessing failed on a batch of images: {error}; write it with TensorFlow or "
            f"keras.ops functions of a float tensor (N, H, W, {channels}), not with NumPy"
        ) from error
    if not differentiable:
        raise ValueError("preprocessing has no gradient with respect to the pixels")
    expected = (*pixels.shape[:3], channels)
    if tuple(inputs.shape) != expected:
        raise ValueError(
            f"preprocessing gives an array of shape {tuple(inputs.shape)} where the network needs "
            f"{expected}; it must neither resize images nor change their channels"
        )
    if not np.isfinite(np.asarray(inputs, np.float64)).all():
        raise ValueError(
            "preprocessing gives numbers that are not finite for a photograph, a dim one or a "
            "black one; paths begin at black pixels, so do not divide by an image's own range or "
            "deviation"
        )
