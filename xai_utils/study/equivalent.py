"""Networks that give the same probabilities for every image, and other pre-softmax gradients.

Adding one number t(x) to every logit leaves the softmax as it was, whatever t is (Lerma and Lucas,
arXiv 2306.13197, section II-B). Here t is linear in the activations of a layer. It can be chosen
so that the pre-softmax map of an image shows what one likes (the same authors, arXiv 2307.03305,
choose the upper left corner of the last pooling layer; `vector_for_map` goes further).
"""

from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import check_choice
from xai_utils.classifier import BATCH

ROUNDS = 100  # of lowering the cells outside a pattern; three times as many gain next to nothing


def add_to_logits(classifier, layer, weights):
    """The classifier with t = sum(weights * activations of a layer) added to every logit.

    With the last hidden layer this is the same as adding `weights` to every column of the last
    kernel, see `add_to_kernel`.

    Parameters
    ----------
    classifier : Classifier
        It is not changed.
    layer : str
        Any layer of the network, for example "block5_pool".
    weights : ndarray, float
        Of the shape of the layer's activations without the batch, or one that broadcasts to it.

    Returns
    -------
    Classifier
    """
    check_choice("layer", layer, classifier.tensors)
    activations = classifier.tensors[layer]
    logits = classifier.network.output
    name = f"shift_{len(classifier.network.layers)}"
    kernel = np.ravel(np.broadcast_to(weights, activations.shape[1:]))
    own = {"use_bias": False, "dtype": logits.dtype}
    flat = keras.layers.Flatten(dtype=logits.dtype, name=f"{name}_flatten")(activations)
    sum_layer = keras.layers.Dense(1, name=name, **own)
    # for every class: Keras 3.15 adds (N, 1) to (N, classes) as a bias if N = classes
    repeat = keras.layers.Dense(
        logits.shape[-1], kernel_initializer="ones", name=f"{name}_repeat", **own
    )
    shifted = logits + repeat(sum_layer(flat))
    sum_layer.set_weights([kernel[:, None]])
    network = keras.Model(classifier.network.input, shifted)
    return replace(classifier, network=network, name=f"{classifier.name}, shifted")


def add_to_kernel(classifier, vector):
    """The classifier with a vector added to every column of its last kernel; nothing else.

    Every logit changes by the product of the vector with the last hidden activations, all by the
    same.

    Parameters
    ----------
    classifier : Classifier
        It is not changed.
    vector : ndarray, float (features,)
        One number for each row of the kernel.

    Returns
    -------
    Classifier
    """
    last = _last_dense_layer(classifier)
    kernel, *bias = last.get_weights()
    if np.shape(vector) != (len(kernel),):
        raise ValueError(
            f"vector has shape {np.shape(vector)}; the last kernel has {len(kernel)} rows, so "
            f"({len(kernel)},) is needed"
        )
    twin = type(last).from_config(last.get_config())
    logits = twin(last.input)
    twin.set_weights([kernel + np.asarray(vector)[:, None], *bias])
    network = keras.Model(classifier.network.input, logits)
    return replace(classifier, network=network, name=f"{classifier.name}, shifted")


def vector_for_map(gradients, pattern, ridge=1e-5):
    """The vector for `add_to_kernel` that makes the pre-softmax Grad-CAM of an image a pattern.

    With A the activations (cells, channels) and h the last hidden layer, the map of the logit
    z_c + v . h is ReLU(A (w_c + G v)): w_c are the channel weights of Grad-CAM (arXiv 1610.02391,
    eq. 1), and column j of G the same mean gradients for h_j. The map is linear in v before its
    ReLU, so v is found by ridge regression. Cells outside the pattern only have to be negative:
    those that are already ask for nothing more, and the regression is repeated with that.

    Parameters
    ----------
    gradients : ScoreGradients
        For one image.
    pattern : array_like, float (h, w)
        The map wanted at the resolution of the layer, >= 0; its scale does not matter.
    ridge : float
        > 0; in units of the largest squared singular value of A G. A smaller one draws the pattern
        more exactly, with a longer vector.

    Returns
    -------
    ndarray, float64 (features,)

    Raises
    ------
    ValueError
        If the arguments are not such, if the logits do not come from a Dense layer, or if no
        vector can change the map of this image.
    """
    last = _last_dense_layer(gradients.classifier)
    if len(gradients.images) != 1:
        raise ValueError(f"{len(gradients.images)} images given; a vector is made for one")
    if not ridge > 0:
        raise ValueError(f"ridge must be a number > 0; given: {ridge!r}")
    cells = gradients.activations[0].astype(np.float64)
    wanted = _check_pattern(pattern, cells.shape[:2]).ravel()
    cells = cells.reshape(wanted.size, -1)
    own = cells @ gradients.point_gradient("pre")[0].mean(axis=(0, 1)).astype(np.float64)
    left, singular, right = np.linalg.svd(
        cells @ _mean_gradients(gradients, last.input), full_matrices=False
    )
    if singular[0] == 0:
        raise ValueError(
            f"at {gradients.layer!r} the last hidden layer has no gradient for this image, so no "
            "vector changes its map; choose another image or layer"
        )
    # as bright as the image's own map, so that the raw maximum does not give the change away
    wanted = wanted * (np.abs(own).max() / wanted.max())
    inverse = singular / (singular**2 + ridge * singular[0] ** 2)
    target = wanted
    for _ in range(ROUNDS):
        vector = right.T @ (inverse * (left.T @ (target - own)))
        reached = own + left @ (singular * (right @ vector))
        target = np.where(wanted > 0, wanted, np.minimum(reached, 0))
    return vector


def in_precision(classifier, dtype):
    """The classifier with all its layers, the last one too, in another floating-point type.

    Parameters
    ----------
    classifier : Classifier
        It is not changed.
    dtype : {"float32", "float64"}

    Returns
    -------
    Classifier
    """
    check_choice("precision", dtype, ("float32", "float64"))

    def convert(operation):
        config = operation.get_config()
        if isinstance(operation, keras.layers.Layer):  # a plain operation takes its inputs' type
            config["dtype"] = dtype
        return type(operation).from_config(config)

    inputs = keras.Input(batch_shape=classifier.network.input_shape, dtype=dtype)
    network = keras.models.clone_model(classifier.network, inputs, clone_function=convert)
    network.set_weights(classifier.network.get_weights())
    tensors = {layer.name: layer.output for layer in network.layers}
    return replace(classifier, network=network, tensors=tensors, name=f"{classifier.name}, {dtype}")


def _last_dense_layer(classifier):
    last = classifier.network.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.output is not classifier.network.output:
        raise ValueError(f"the logits of {classifier.name!r} do not come from a Dense layer")
    return last


def _check_pattern(pattern, shape):
    pattern = np.asarray(pattern, np.float64)
    if pattern.shape != shape:
        raise ValueError(
            f"pattern has shape {pattern.shape}; the layer's maps have shape {shape}: draw it at "
            "that resolution, or use xai_utils.resize_heatmap"
        )
    if not (np.isfinite(pattern).all() and pattern.min() >= 0 and pattern.max() > 0):
        raise ValueError(
            f"pattern has values from {pattern.min():g} to {pattern.max():g}; they must be finite "
            "and >= 0, and one of them > 0"
        )
    return pattern


def _mean_gradients(gradients, hidden):
    """The mean over the cells of the hidden units' gradients: float64 (channels, features).

    Raising one channel in all cells at once gives their sum for all hidden units in one forward
    pass, so that the whole Jacobian, of 400 MB for VGG19, is never made.
    """
    classifier, activations = gradients.classifier, gradients.activations[0]
    check_choice("layer", gradients.layer, classifier.tensors)
    head = keras.Model(classifier.tensors[gradients.layer], hidden)
    height, width, channels = activations.shape
    sums = []
    for start in range(0, channels, BATCH):
        raised = np.eye(channels, dtype=activations.dtype)[start : start + BATCH, None, None]
        tangents = tf.broadcast_to(raised, (len(raised), *activations.shape))
        points = tf.broadcast_to(activations, tangents.shape)
        with tf.autodiff.ForwardAccumulator(points, tangents) as accumulator:
            outputs = head(points, training=False)
        sums.append(accumulator.jvp(outputs))
    return np.concatenate(sums).astype(np.float64) / (height * width)
