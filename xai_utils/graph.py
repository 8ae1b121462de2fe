"""The graph of a Keras model: nested models opened, and the tensors that every path crosses."""

from dataclasses import dataclass

import keras
import tensorflow as tf


@dataclass(frozen=True)
class Use:
    """One use of a layer, or of a function of keras.ops, within a network."""

    operation: object
    args: tuple
    kwargs: dict
    output: object

    @property
    def inputs(self):
        """The symbolic tensors that it was called with."""
        return [t for t in tf.nest.flatten((self.args, self.kwargs)) if _is_symbolic(t)]

    def compute(self, values):
        """Its result with numbers in place of its one symbolic input."""
        args, kwargs = tf.nest.map_structure(
            lambda t: tf.cast(values, t.dtype) if _is_symbolic(t) else t, (self.args, self.kwargs)
        )
        return self.operation(*args, **kwargs)


def _is_symbolic(value):
    return isinstance(value, keras.KerasTensor)


def is_open(model):
    """Whether the layers of a model are all that it does."""
    functional = isinstance(model, keras.Sequential) or hasattr(model, "operations")
    return functional and type(model).call in (keras.Sequential.call, _functional_call())


def _functional_call():
    inputs = keras.Input((1,))
    return type(keras.Model(inputs, inputs)).call


def flatten(model, inputs):
    """Call the layers of a model one by one on a symbolic input, those of nested models too.

    Parameters
    ----------
    model : keras.Model
        Functional or Sequential, with one output.
    inputs : keras.KerasTensor

    Returns
    -------
    output : keras.KerasTensor
    uses : list of Use
        In the order of the calls; those with one output.
    nested : dict of str to keras.KerasTensor
        The outputs of nested models by name, if the model is used once.

    Raises
    ------
    ValueError
        If two layers have one name.
    """
    uses, named, nested = [], {}, {}

    def call(operation, *args, **kwargs):
        if isinstance(operation, keras.Model) and is_open(operation):
            output = _run(operation, args[0] if args else kwargs["inputs"], call)
            nested[operation.name] = None if operation.name in nested else output
            return output
        if named.setdefault(operation.name, operation) is not operation:
            raise ValueError(
                f"two layers are named {operation.name!r}, one of them in a nested model; give one "
                "of them another name (layer.name = ...) so that each can be reached by its own"
            )
        output = operation(*args, **kwargs)
        uses.append(Use(operation, args, kwargs, output))
        return output

    output = tf.nest.flatten(_run(model, inputs, call))[0]
    nested = {name: tensor for name, tensor in nested.items() if _is_symbolic(tensor)}
    return output, [use for use in uses if _is_symbolic(use.output)], nested


def _run(model, inputs, call):
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            inputs = call(layer, inputs)
        return inputs
    # Keras has no public way to walk through the graph of a functional model
    outputs = model._run_through_graph(inputs, operation_fn=lambda op: op, call_fn=call)
    single = isinstance(outputs, list | tuple) and len(outputs) == 1
    return outputs[0] if single else outputs


def tensors_in_order(output, source=None):
    """All tensors that a symbolic tensor is made from, and itself, each after its own inputs.

    With `source`, only those after it.
    """
    order, seen, waiting = [], {id(source)}, [(output, False)]
    while waiting:
        tensor, has_inputs = waiting.pop()
        if has_inputs:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            waiting += [(tensor, True), *((t, False) for t in made_from(tensor)[1])]
    return order


def made_from(tensor):
    """The operation that made a symbolic tensor, and its symbolic inputs."""
    operation, node, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node].input_tensors


def function_between(source, output):
    """The part of a network between two symbolic tensors: a function of numbers.

    Keras cannot make a model from the first output of a layer that is used again after it.
    """
    steps = tensors_in_order(output, source)

    def compute(values):
        known = {id(source): tf.cast(values, source.dtype)}
        for tensor in steps:
            operation, index, _ = tensor._keras_history
            node = operation._inbound_nodes[index]
            args, kwargs = node.arguments.fill_in(known)
            if "training" in kwargs:
                kwargs["training"] = False
            results = tf.nest.flatten(operation(*args, **kwargs))
            known.update(zip(map(id, node.outputs), results, strict=True))
        return known[id(output)]

    return compute


def crossed_by_every_path(output):
    """The tensors that every path from the network's input to an output crosses, in order.

    In any order in which each tensor comes after its inputs, these are the tensors that no
    connection jumps over.
    """
    order = tensors_in_order(output)
    place = {id(tensor): i for i, tensor in enumerate(order)}
    last_use = dict(place)
    for tensor in order:
        for source in made_from(tensor)[1]:
            last_use[id(source)] = max(last_use[id(source)], place[id(tensor)])
    crossed, reach = [], 0
    for tensor in order:
        if reach <= place[id(tensor)]:
            crossed.append(tensor)
        reach = max(reach, last_use[id(tensor)])
    return crossed
