"""The architecture in an HDF5 file of Keras 2, as Keras 3 understands it."""

import keras

# What Keras 2 wrote of some layers and Keras 3 does not know: by key, the layers (None for all) and
# the values (None for any) with which a network that is not trained is the same without it
FORGOTTEN = {
    "rng_type": (None, None),
    "groups": (("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"), (1,)),
    "noise_shape": (("SpatialDropout2D",), (None,)),
    "trainable": (("SpatialDropout2D",), None),
    "kernel_initializer": (("SeparableConv2D",), None),
    "kernel_regularizer": (("SeparableConv2D",), None),
    "kernel_constraint": (("SeparableConv2D",), (None,)),
}
# Layers whose name or arguments have others in Keras 3
RENAMED = {
    "ThresholdedReLU": ("ReLU", {"theta": "threshold"}),
    "LeakyReLU": ("LeakyReLU", {"alpha": "negative_slope"}),
}
MODELS = ("Functional", "Model", "Sequential")


def hard_sigmoid(x):
    """Keras 2's: 0 up to -2.5, 1 from 2.5. Keras 3 has another function under this name."""
    return keras.ops.hard_sigmoid(1.2 * x)  # 1.2 x / 6 + 1 / 2


# For Keras's loading of what `for_keras_3` gives
CUSTOM_OBJECTS = {"hard_sigmoid": hard_sigmoid}


def for_keras_3(config):
    """A model's configuration without what Keras 3 stumbles over; the same network.

    Parameters
    ----------
    config : dict
        From the attribute "model_config" of the file; it is not changed.

    Returns
    -------
    dict
        To be loaded with CUSTOM_OBJECTS.
    """
    names = {str(_arguments(layer).get("name")) for layer in layers_within(config)}
    return _convert(config, None, {name: name.replace("/", "_") for name in names if "/" in name})


def with_all_arguments(config):
    """A configuration of an HDF5 file of which Keras 3 reads every argument.

    Layers without a module, which those that Keras 3 itself wrote are too, are read in the old way:
    that forgets the axes where there are several.
    """
    if isinstance(config, list):
        return [with_all_arguments(value) for value in config]
    if not isinstance(config, dict):
        return config
    config = {key: with_all_arguments(value) for key, value in config.items()}
    axis = _arguments(config).get("axis")
    several = isinstance(axis, list) and len(axis) > 1
    return config | {"module": "keras.layers"} if several else config


def layers_within(model):
    """The configurations of the layers in that of a model, those of nested models too."""
    layers = model.get("config") if isinstance(model, dict) else None
    if isinstance(layers, dict):
        layers = layers.get("layers")
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict):
            yield layer
            yield from layers_within(layer)


def _arguments(layer):
    return layer["config"] if isinstance(layer.get("config"), dict) else {}


def _convert(config, layer, names):
    if isinstance(config, list):
        return [_convert(value, layer, names) for value in config]
    if isinstance(config, str):
        return names.get(config, config)
    if not isinstance(config, dict):
        return config
    if config.get("class_name") in ("Policy", "PolicyV1"):
        return config["config"]["name"]
    layer = config.get("class_name", layer)
    kept = {k: v for k, v in config.items() if not _is_forgotten(k, v, layer)}
    kept = {k: _convert(v, layer, names) for k, v in _rename(kept).items()}
    if isinstance(kept.get("layers"), list):
        kept["layers"] = [_without_module(layer) for layer in kept["layers"]]
    return _renumber(kept) if _has_numbers(kept) else kept


def _rename(config):
    """With the names that a layer and its arguments have in Keras 3."""
    if config.get("class_name") not in RENAMED:
        return config
    name, new = RENAMED[config["class_name"]]
    arguments = {new.get(key, key): value for key, value in config["config"].items()}
    return config | {"class_name": name, "config": arguments}


def _without_module(layer):
    """A layer of Keras's own without the module that it had in Keras 2; its name is enough."""
    own = str(layer.get("module")).partition(".")[0] in ("keras", "tf_keras")
    return {key: value for key, value in layer.items() if not (own and key == "module")}


def _has_numbers(config):
    """Whether this is a functional model, with uses of layers in lists."""
    nodes = [node for layer in config.get("layers", []) for node in layer.get("inbound_nodes", [])]
    return bool(config.get("output_layers")) and all(isinstance(node, list) for node in nodes)


def _is_forgotten(key, value, layer):
    layers, values = FORGOTTEN.get(key, ((), ()))
    return (layers is None or layer in layers) and (values is None or value in values)


def _renumber(config):
    """Count the uses of nested models from 0, and take a single output out of its list or dict.

    In Keras 2 a nested model has been used once when it is made, and its uses in another model
    count from 1; Keras 3 knows that of the outputs of a functional one only.
    """
    nested = {n["config"]["name"]: n["class_name"] for n in config["layers"] if _is_model(n)}
    layers = [n | {"inbound_nodes": _references(n["inbound_nodes"])} for n in config["layers"]]
    references = [r for n in layers for node in n["inbound_nodes"] for r in node]
    ends = config["output_layers"]
    outputs = _references([list(ends.values()) if isinstance(ends, dict) else ends])[0]
    first = {}
    for name, use, *_ in (*references, *outputs):
        first[name] = min(use, first.get(name, use))

    def shift(reference, is_output=False):
        name, use, *rest = reference
        if name not in nested:
            return reference
        known = is_output and nested[name] != "Sequential"
        return [name, use - first[name] + known, *rest]

    for layer in layers:
        layer["inbound_nodes"] = [[shift(r) for r in node] for node in layer["inbound_nodes"]]
    outputs = [shift(r, True) for r in outputs]
    return config | {"layers": layers, "output_layers": outputs if len(outputs) > 1 else outputs[0]}


def _is_model(layer):
    return layer["class_name"] in MODELS


def _references(nodes):
    """Each node as a list of references [layer, use, output, ...]."""
    return [[node] if node and isinstance(node[0], str) else node for node in nodes]
