"""The architecture in an HDF5 file of Keras 2, as Keras 3 understands it."""

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
MODELS = ("Functional", "Model", "Sequential")


def for_keras_3(config):
    """A model's configuration without what Keras 3 stumbles over; the same network.

    Parameters
    ----------
    config : dict
        From the attribute "model_config" of the file; it is not changed.

    Returns
    -------
    dict
    """
    return _convert(config, None)


def _convert(config, layer):
    if isinstance(config, list):
        return [_convert(value, layer) for value in config]
    if not isinstance(config, dict):
        return config
    layer = config.get("class_name", layer)
    kept = {k: _convert(v, layer) for k, v in config.items() if not _is_forgotten(k, v, layer)}
    return _renumber(kept) if _has_numbers(kept) else kept


def _has_numbers(config):
    """Whether this is a functional model, with uses of layers in lists."""
    nodes = [node for layer in config.get("layers", []) for node in layer.get("inbound_nodes", [])]
    lists = isinstance(config.get("output_layers"), list)
    return lists and all(isinstance(node, list) for node in nodes)


def _is_forgotten(key, value, layer):
    layers, values = FORGOTTEN.get(key, ((), ()))
    return (layers is None or layer in layers) and (values is None or value in values)


def _renumber(config):
    """Count the uses of nested models from 0.

    In Keras 2 a nested model has been used once when it is made, and its uses in another model
    count from 1; Keras 3 knows that of the outputs of a functional one only.
    """
    nested = {n["config"]["name"]: n["class_name"] for n in config["layers"] if _is_model(n)}
    layers = [n | {"inbound_nodes": _references(n["inbound_nodes"])} for n in config["layers"]]
    references = [r for n in layers for node in n["inbound_nodes"] for r in node]
    outputs = _references([config["output_layers"]])[0]
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
    return config | {"layers": layers, "output_layers": [shift(r, True) for r in outputs]}


def _is_model(layer):
    return layer["class_name"] in MODELS


def _references(nodes):
    """Each node as a list of references [layer, use, output, ...]."""
    return [[node] if node and isinstance(node[0], str) else node for node in nodes]
