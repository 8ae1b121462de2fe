"""Where a path begins: images that are to say nothing.

Which of them says nothing to a network has to be looked at: see `undecided`. P. Sturmfels, S.
Lundberg and S.-I. Lee, "Visualizing the Impact of Feature Attribution Baselines" (Distill 2020,
doi 10.23915/distill.00022), compare them.
"""

import numpy as np
import tensorflow as tf
from PIL import Image, ImageFilter

from xai_utils.checks import check_choice
from xai_utils.classifier import softmax
from xai_utils.images import resize_image

PLAIN = {"black": 0, "gray": 128, "white": 255}  # RGB pixel values
BASELINES = (*PLAIN, "mean", "blurred", "noise")

# R. Fong and A. Vedaldi 2017 (arXiv 1704.03296) blur with a deviation of 10 pixels of 224
BLUR = 10 / 224

# Lerma and Lucas's autobaseline
STEPS = 200
LEARNING_RATE = 0.1  # in levels of 255
UNDECIDED_WEIGHT, DARK_WEIGHT = 0.99, 0.01


def baseline_image(name, image, height, width, seed=0):
    """A baseline by its name.

    Parameters
    ----------
    name : {"black", "gray", "white", "mean", "blurred", "noise"}
        "mean": the mean colour of the image. "blurred": the image, blurred. "noise": each pixel
        and channel uniform in [0, 255].
    image : ndarray, uint8 (H, W, 3)
        That is explained.
    height, width : int
        Of the network's input.
    seed : int
        Of the noise.

    Returns
    -------
    ndarray, uint8 (height, width, 3)

    Raises
    ------
    ValueError
        If there is no baseline of that name.
    """
    check_choice("baseline", name, BASELINES)
    if name in PLAIN:
        return np.full((height, width, 3), PLAIN[name], np.uint8)
    if name == "noise":
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    resized = resize_image(image, height, width)
    if name == "mean":
        mean = resized.mean(axis=(0, 1)).round().astype(np.uint8)
        return np.broadcast_to(mean, resized.shape).copy()
    blur = ImageFilter.GaussianBlur((BLUR * width, BLUR * height))
    return np.asarray(Image.fromarray(resized).filter(blur))


def undecided(classifier, image):
    """How far a network is from a decision: the entropy of its output.

    Parameters
    ----------
    classifier : Classifier
    image : ndarray, uint8 (H, W, 3)

    Returns
    -------
    float
        In [0, 1], in parts of the logarithm of the number of classes: 1 if all are as probable.
    """
    y = softmax(classifier.logits([image])[0])
    return float(-(y * np.log(np.maximum(y, np.finfo(y.dtype).tiny))).sum() / np.log(len(y)))


def train_baseline(classifier, steps=STEPS):
    """The authors' autobaseline: a nearly black image whose classes are nearly as probable.

    From black, RMSprop lowers 0.99 max|y - 1/n| + 0.01 times the mean square of the pixels. In
    which unit pixels are counted is not said; here they are levels in [0, 255], of which a step
    moves a pixel by a tenth or so, and the result is rounded to whole ones.

    Parameters
    ----------
    classifier : Classifier
    steps : int
        >= 1.

    Returns
    -------
    ndarray, uint8 (height, width, 3)
    """
    dtype = classifier.dtype
    pixels = tf.Variable(tf.zeros((1, *classifier.input_size, 3), dtype))
    square = tf.Variable(tf.zeros_like(pixels))  # RMSprop's running mean

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            logits = classifier.network(classifier.preprocess(pixels.value()), training=False)
            y = tf.nn.softmax(tf.cast(logits, dtype))
            far = tf.reduce_max(tf.abs(y - 1 / y.shape[-1]))
            loss = UNDECIDED_WEIGHT * far + DARK_WEIGHT * tf.reduce_mean(pixels**2)
        gradient = tape.gradient(loss, pixels)
        square.assign(0.9 * square + 0.1 * gradient**2)
        move = tf.math.divide_no_nan(gradient, tf.sqrt(square))
        pixels.assign(tf.clip_by_value(pixels - LEARNING_RATE * move, 0, 255))

    for _ in range(steps):
        step()
    return np.asarray(pixels[0]).round().astype(np.uint8)
