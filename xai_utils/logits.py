"""The network before its softmax, made from a Keras model without changing the model."""

import keras


def logit_network(model):
    """A flat functional network that gives the logits of `model`.

    Nested models are opened, so that every layer can be reached by its name. The layers are
    shared with `model`, except for a last layer with weights: that one gets a linear twin in
    float64 with a copy of them.

    Parameters
    ----------
    model : keras.Model
        Functional or Sequential, one RGB image in, one output (N, classes), classes >= 2.

    Returns
    -------
    network : keras.Model
        From the model's input to logits, float (N, classes).
    tensors : dict of str to keras.KerasTensor
        The output of each layer within `network`, by the name of the layer.

    Raises
    ------
    ValueError
        If the model has several inputs or outputs, an input that is not an RGB image of fixed
        size, fewer than two classes, or ends in an activation other than softmax or none.
    TypeError
        If the model is neither functional nor Sequential.
    """
    _check_ends(model)
    dtype = model.inputs[0].dtype if "float" in model.inputs[0].dtype else "float32"
    inputs = keras.Input(batch_shape=(None, *model.input_shape[1:]), dtype=dtype)
    tensors, made_by = {}, {}
    logits = _apply(model, inputs, _last_operation(model), tensors, made_by)
    logits = _last_layer_in_float64(*made_by[id(logits)], logits)
    return keras.Model(inputs, logits, name=f"{model.name}-logits"), tensors


def _check_ends(model):
    if not isinstance(model, keras.Sequential) and not hasattr(model, "operations"):
        raise TypeError(
            f"{type(model).__name__} {model.name!r} is a subclassed model, whose layers cannot be "
            "seen from outside; give a functional or Sequential one"
        )
    if not model.built:
        raise ValueError(f"model {model.name!r} has no weights yet: give its first layer a shape")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} "
            "outputs; one image in and one class distribution out are needed"
        )
    shape = model.inputs[0].shape
    if len(shape) != 4 or shape[-1] != 3 or None in shape[1:]:
        raise ValueError(
            f"the input of {model.name!r} has shape {tuple(shape)}; an RGB image of fixed size, "
            "(None, height, width, 3), is needed"
        )
    shape = model.outputs[0].shape
    if len(shape) != 2 or shape[-1] is None or shape[-1] < 2:
        raise ValueError(
            f"the output of {model.name!r} has shape {tuple(shape)}; (None, classes) with at "
            "least two classes is needed (one sigmoid unit is log-odds without a rival)"
        )
    last = _last_operation(model)
    activation = _activation(last)
    if activation not in (None, "linear", "softmax"):
        raise ValueError(
            f"model {model.name!r} ends in {activation} (layer {last.name!r}); the scores are "
            "defined for a softmax over classes, or for logits"
        )


def _last_operation(model):
    """The layer, or the function of keras.ops, that makes the output."""
    if isinstance(model, keras.Sequential):
        last = model.layers[-1]
    else:
        last = model.outputs[0]._keras_history.operation
    return _last_operation(last) if isinstance(last, keras.Model) else last


def _activation(operation):
    if type(operation).__name__ == "Softmax":  # a layer, or keras.ops.softmax
        return "softmax"
    activation = getattr(operation, "activation", None)
    return None if activation is None else getattr(activation, "__name__", str(activation))


def _weights(operation):
    return getattr(operation, "weights", [])


def _apply(model, inputs, last, tensors, made_by):
    """Call the layers of a model one by one on symbolic inputs, and stop before the softmax."""

    def call(operation, *args, **kwargs):
        if isinstance(operation, keras.Model):
            output = _apply(operation, *args, last, tensors, made_by)
        elif operation is last and _activation(operation) == "softmax" and not _weights(operation):
            output = args[0]
        else:
            output = operation(*args, **kwargs)
            made_by[id(output)] = operation, args[0]
            _check_name(operation, made_by, tensors)
        tensors[operation.name] = output
        return output

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            inputs = call(layer, inputs)
        return inputs
    # Keras has no public way to walk through the graph of a functional model
    return model._run_through_graph(inputs, operation_fn=lambda op: op, call_fn=call)


def _check_name(operation, made_by, tensors):
    """Refuse a second operation of the same name, which Keras could not tell from the first."""
    namesake = tensors.get(operation.name)
    if namesake is not None and made_by.get(id(namesake), [operation])[0] is not operation:
        raise ValueError(
            f"two layers are named {operation.name!r}, one of them in a nested model; give one of "
            f"them another name (layer.name = ...) so that each can be reached by its own"
        )


def _last_layer_in_float64(layer, inputs, output):
    """The output of the last layer without its softmax, and in float64.

    At a log-odds of 40 the rounding of float32 logits would be seen in the fifth digit of the
    probabilities' complement. One layer in float64 costs next to nothing.
    """
    if not _weights(layer) or _activation(layer) not in ("linear", "softmax"):
        return output
    config = {**layer.get_config(), "activation": "linear", "dtype": "float64"}
    twin = type(layer).from_config(config)
    logits = twin(inputs)
    twin.set_weights(layer.get_weights())
    return logits
