"""The network before its softmax, made from a Keras model without changing the model."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from xai_utils.checks import reason
from xai_utils.classifier import INPUT, softmax
from xai_utils.graph import Use, flatten, is_open, tensors_in_order

# How far rounding may take a function from softmax, by the type of its result
ROUNDING = {"float16": 5e-3, "bfloat16": 4e-2}


def logit_network(model):
    """A flat functional network that gives the logits of `model`.

    Nested models are opened, so that every layer can be reached by its name. The layers are
    shared with `model`, except for a last layer with weights: that one gets a linear twin, in
    float64 if it is a Dense layer, with a copy of them.

    A softmax is known by what it does to random numbers and not by its name, so it may be an
    activation, a layer, a function of Keras or TensorFlow, or a Lambda; what follows it without
    changing anything, like a cast to float32, is passed over.

    Parameters
    ----------
    model : keras.Model
        Functional or Sequential, one image in, one output (N, classes), classes >= 2.

    Returns
    -------
    network : keras.Model
        From the model's input to logits, float (N, classes).
    tensors : dict of str to keras.KerasTensor
        The output of each layer within `network`, by the name of the layer. One that is used
        several times has several: "pool#1", "pool#2".
    has_softmax : bool
        Whether the model's output is the softmax of the logits, or the logits themselves.

    Raises
    ------
    ValueError
        If the model has several inputs or outputs, an input that is not an image of fixed size,
        fewer than two classes, or ends in an activation other than softmax or none.
    TypeError
        If the model is neither functional nor Sequential.
    """
    _check_ends(model)
    dtype = model.inputs[0].dtype if "float" in model.inputs[0].dtype else "float32"
    inputs = keras.Input(batch_shape=(None, *model.inputs[0].shape[1:]), dtype=dtype)
    output, uses, nested = flatten(model, inputs)
    end = _find_end(output, {id(use.output): use for use in uses}, model.name)
    logits = _logits(end, model.name)
    network = keras.Model(inputs, logits, name=f"{model.name}-logits")
    return network, _named(uses, nested, end, logits), end.has_softmax


def _check_ends(model):
    if not is_open(model):
        raise TypeError(
            f"{type(model).__name__} {model.name!r} is a subclassed model, whose layers cannot be "
            "seen from outside; give a functional or Sequential one"
        )
    if not model.built:
        raise ValueError(f"model {model.name!r} has no weights yet: give its first layer a shape")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} "
            "outputs; one image in and one class distribution out are needed: make a model of "
            "those two, keras.Model(model.inputs[0], model.outputs[0])"
        )
    shape = tuple(model.inputs[0].shape)
    if len(shape) == 4 and shape[1] in (1, 3) and shape[-1] not in (1, 3):
        raise ValueError(
            f"the input of {model.name!r} has shape {shape}, channels first; build the model with "
            "keras.config.set_image_data_format('channels_last') and set_weights from this one"
        )
    if len(shape) != 4 or shape[-1] not in (1, 3) or None in shape[1:]:
        raise ValueError(
            f"the input of {model.name!r} has shape {shape}; an RGB image of fixed size, "
            "(None, height, width, 3), is needed, or a grey one, (None, height, width, 1)"
        )
    shape = tuple(model.outputs[0].shape)
    if len(shape) != 2 or shape[-1] is None or shape[-1] < 2:
        raise ValueError(
            f"the output of {model.name!r} has shape {shape}; (None, classes) with at "
            "least two classes is needed (one sigmoid unit is log-odds without a rival)"
        )


@dataclass(frozen=True)
class _End:
    """Where the logits are: the output of a layer, before its activation if that is a softmax."""

    use: Use | None  # none if they are one of several outputs of an operation
    tensor: keras.KerasTensor
    has_softmax: bool
    softmax_inside: bool = False


def _find_end(output, use_of, name):
    """Walk back from the output over what changes nothing, and over one softmax."""
    tensor, has_softmax = output, False
    while use := use_of.get(id(tensor)):
        kind = _kind(use)
        if kind == "softmax" and has_softmax:
            raise ValueError(
                f"model {name!r} applies softmax twice, the first time in layer "
                f"{use.operation.name!r}, which flattens its probabilities; remove one of them, "
                "for example with activation=None in the layer before"
            )
        if kind == "other" and not has_softmax:
            raise ValueError(
                f"model {name!r} ends in {_function_name(use)} (layer {use.operation.name!r}); the "
                "scores are defined for a softmax over classes, or for logits"
            )
        has_softmax = has_softmax or kind == "softmax"
        if _weights(use.operation):
            return _End(use, tensor, has_softmax, softmax_inside=kind == "softmax")
        if kind not in ("softmax", "identity"):
            break
        tensor = use.inputs[0]
    if use and not has_softmax:
        _check_not_from_probabilities(use, use_of, name)
    return _End(use, tensor, has_softmax)


def _check_not_from_probabilities(last, use_of, name):
    """Refuse what is computed from the softmax, like percentages, and looks like logits."""
    use = last
    while use and not _weights(use.operation) and len(use.inputs) == 1:
        use = use_of.get(id(use.inputs[0]))
        if use and _kind(use) == "softmax":
            raise ValueError(
                f"model {name!r} computes with the probabilities of its softmax (layer "
                f"{use.operation.name!r}) up to its end (layer {last.operation.name!r}); let it "
                "end with the softmax, and scale or round the probabilities outside"
            )


def _kind(use):
    """What a layer ends with: "softmax", "identity", "linear" (or not known), or "other"."""
    has_weights = bool(_weights(use.operation))
    if not has_weights and len(use.inputs) != 1:
        return "linear"
    function = getattr(use.operation, "activation", None) if has_weights else use.compute
    source = use.output if has_weights else use.inputs[0]
    before, after = (tuple(tensor.shape)[1:] for tensor in (source, use.output))
    if function is None or not _is_one_row(before) or not _is_one_row(after):
        return "linear"
    a, b = (_random_numbers(before, seed) for seed in (0, 1))
    try:
        of_a, of_b, of_sum, of_zero = (_evaluate(function, x) for x in (a, b, a + b, 0 * a))
    except Exception:  # whatever somebody's layer does with numbers that it did not expect
        return "linear"
    a = a.reshape(of_a.shape)
    allowed = max(ROUNDING.get(str(tensor.dtype), 1e-4) for tensor in (source, use.output))
    if np.allclose(of_a, softmax(a), rtol=0, atol=allowed):
        return "softmax"
    if np.allclose(of_a, a, rtol=allowed, atol=allowed):
        return "identity"
    return (
        "linear" if np.allclose(of_a + of_b, of_sum + of_zero, rtol=allowed, atol=0.1) else "other"
    )


def _is_one_row(shape):
    """Whether a shape without its first axis holds one number for each class: (5,) or (1, 1, 5)."""
    return bool(shape) and None not in shape and np.prod(shape[:-1]) == 1


def _function_name(use):
    activation = getattr(use.operation, "activation", None)
    return getattr(activation, "__name__", type(activation or use.operation).__name__)


def _random_numbers(shape, seed):
    """Numbers whose softmax is far from uniform: float32 (4, *shape)."""
    return np.random.default_rng(seed).normal(0, 3, (4, *shape)).astype(np.float32)


def _evaluate(function, numbers):
    """Float64 (4, classes)."""
    values = np.asarray(tf.cast(function(tf.constant(numbers)), tf.float64))
    return values.reshape(len(numbers), -1)


def _weights(operation):
    return getattr(operation, "weights", [])


def _logits(end, name):
    """The logits: the output of the last layer without its softmax, and in float64.

    At a log-odds of 40 the rounding of float32 logits would be seen in the fifth digit of the
    probabilities' complement. One layer in float64 costs next to nothing.
    """
    tensor, layer = end.tensor, end.use and end.use.operation
    if end.softmax_inside or _can_be_precise(layer):
        try:
            twin = _twin(layer, end.softmax_inside)
            tensor = twin(*end.use.args, **end.use.kwargs)
            twin.set_weights(layer.get_weights())
        except Exception as error:  # whatever somebody's layer does when it is made again
            raise ValueError(
                f"the last layer {layer.name!r} of {name!r} has the softmax inside and cannot be "
                f"made again without it ({type(layer).__name__}: {reason(error)}); end the model "
                "with that layer without activation, and a Softmax layer"
            ) from error
    return tensor if len(tensor.shape) == 2 else keras.layers.Flatten(dtype=tensor.dtype)(tensor)


def _can_be_precise(layer):
    return type(layer) is keras.layers.Dense and not layer.lora_enabled and not _is_quantized(layer)


def _is_quantized(layer):
    return getattr(layer, "quantization_mode", None) is not None


def _twin(layer, softmax_inside):
    """A layer like a last one, without its softmax; a Dense one in float64."""
    if not _can_be_precise(layer):
        return type(layer).from_config(layer.get_config() | {"activation": "linear"})
    activation = None if softmax_inside else layer.activation
    return keras.layers.Dense(
        layer.units, activation, layer.use_bias, name=layer.name, dtype="float64"
    )


def _named(uses, nested, end, logits):
    """The outputs within the network of logits, by the name of their layer, in order."""
    kept = {id(tensor) for tensor in tensors_in_order(logits)}
    of_uses = ((u.operation.name, logits if u is end.use else u.output) for u in uses)
    outputs, tensors = {}, {}
    for name, tensor in (*nested.items(), *of_uses):
        if id(tensor) in kept and all(tensor is not other for other in outputs.get(name, ())):
            outputs.setdefault(name, []).append(tensor)
    if INPUT in outputs:
        raise ValueError(
            f"a layer is named {INPUT!r}, which stands for the pixels here; give it another name "
            "(layer.name = ...) before the model is made"
        )
    for name, several in outputs.items():
        for number, tensor in enumerate(several, 1):
            tensors[name if len(several) == 1 else f"{name}#{number}"] = tensor
    return tensors
