"""Networks that give the same probabilities for every image, and other pre-softmax gradients.

Adding one number t(x) to every logit leaves the softmax as it was, whatever t is (Lerma and Lucas,
arXiv 2306.13197, section II-B). Here t is linear in the activations of a layer.
"""

from dataclasses import replace

import keras
import numpy as np

from xai_utils.scores import check_choice


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
    flat = keras.layers.Flatten(dtype=logits.dtype, name=f"{name}_flatten")(activations)
    # one column for each class: Keras 3.15 adds (N, 1) to (N, classes) as a bias if N = classes
    shift = keras.layers.Dense(logits.shape[-1], use_bias=False, dtype=logits.dtype, name=name)
    shifted = logits + shift(flat)
    shift.set_weights([np.repeat(kernel[:, None], logits.shape[-1], axis=1)])
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
    last = classifier.network.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.output is not classifier.network.output:
        raise ValueError(f"the logits of {classifier.name!r} do not come from a Dense layer")
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
