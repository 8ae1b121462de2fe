"""Model files: what a file is, and whether it can be read.

Reading never runs code that a file brings with it.
"""

import json
import shutil
import tempfile
import warnings
import zipfile
from functools import partial
from pathlib import Path

import h5py
import keras

from xai_utils.checks import check_choice, list_names, nearest, reason
from xai_utils.keras_2 import (
    CUSTOM_OBJECTS,
    MODELS,
    RENAMED,
    for_keras_3,
    layers_within,
    with_all_arguments,
)
from xai_utils.pretrained import PRETRAINED

ENDINGS = (".keras", ".h5", ".hdf5")
HDF5, ZIP, POINTER = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"version https://git-lfs"
# How Keras 2 wrote an operator or a TensorFlow function between layers
OPERATIONS = ("TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda")


def find_model_file(name):
    """The path of a model file, which exists and has the right ending.

    Parameters
    ----------
    name : str or Path
        "~" stands for the home directory.

    Returns
    -------
    Path

    Raises
    ------
    ValueError, FileNotFoundError, IsADirectoryError
        The message says what there is instead.
    """
    if not isinstance(name, str | Path):
        raise TypeError(
            "model must be a name like 'vgg19-mini', the path of a model file or a Keras model; "
            f"given: {type(name).__name__}"
        )
    path = Path(name).expanduser()
    if path.is_dir():
        saved_model = (path / "saved_model.pb").is_file()
        what = "a SavedModel folder, which Keras 3 cannot read" if saved_model else "a folder"
        raise IsADirectoryError(
            f"{str(path)!r} is {what}; load the model with the Keras that saved it, and "
            "model.save('my.h5') there, or 'my.keras' with Keras 3"
        )
    if path.suffix.lower() not in ENDINGS:
        allowed = ("a path to a .keras, .h5 or .hdf5 file", "vgg19-mini", *PRETRAINED)
        check_choice("model", str(name), allowed)
    if not path.is_file():
        folder = path.absolute().parent
        files = folder.iterdir() if folder.is_dir() else ()
        others = [p.name for p in files if p.suffix.lower() in ENDINGS]
        raise FileNotFoundError(
            f"no model file at {str(name)!r}: looked in {str(folder)!r}; "
            f"{nearest(path.name, others)}give the path of a .keras, .h5 or .hdf5 file"
        )
    return path


def read_model(path):
    """A Keras model from a file; nothing that the file brings with it is executed.

    Raises
    ------
    ValueError
        If it is no such file, or cannot be read; the message says what it is.
    """
    with open(path, "rb") as file:
        start = file.read(64)
    _check_content(path, start)
    config, version = _read_config(path, is_zip=start.startswith(ZIP))
    _check_layers(path, config)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # advice for whoever builds the network
            return _load(path, config, is_old=_is_old(version))
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} cannot be read by Keras {keras.__version__}: {reason(error)}; load it "
            "in Python, if need be with custom_objects, and give the model itself to "
            "load_classifier"
        ) from error


def _load(path, config, is_old):
    load = partial(
        keras.models.load_model,
        custom_objects=CUSTOM_OBJECTS if is_old else None,
        compile=False,
        safe_mode=True,
    )
    is_zip = path.suffix.lower() == ".keras"
    converted = config if is_zip else with_all_arguments(for_keras_3(config) if is_old else config)
    if converted == config and path.suffix in ENDINGS:
        return load(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, Path(folder) / ("model.keras" if is_zip else "model.h5"))
        if converted != config:
            with h5py.File(copy, "r+") as file:
                file.attrs["model_config"] = json.dumps(converted)
        return load(copy)


def _check_content(path, start):
    """Refuse a file that is not what its ending says."""
    is_zip = path.suffix.lower() == ".keras"
    if start.startswith(ZIP if is_zip else HDF5):
        return
    if start.startswith(POINTER):
        raise ValueError(
            f"{str(path)!r} is a Git LFS pointer, a few lines of text in place of the model; run "
            "git lfs pull in its repository"
        )
    if start.startswith((HDF5, ZIP)):
        kind, ending = ("HDF5 file", ".h5") if is_zip else ("Keras 3 archive", ".keras")
        raise ValueError(
            f"{str(path)!r} is a {kind} under another ending; rename it to "
            f"{path.with_suffix(ending).name!r}"
        )
    raise ValueError(
        f"{str(path)!r} is neither a Keras archive nor an HDF5 file (it begins with "
        f"{start[:16]!r}); download or save it again"
    )


def _read_config(path, is_zip):
    """The architecture in a file, as JSON, and the version of Keras that wrote it."""
    try:
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                config = archive.read("config.json")
                version = json.loads(archive.read("metadata.json")).get("keras_version", "")
        else:
            with h5py.File(path) as file:
                config = file.attrs.get("model_config")
                version = file.attrs.get("keras_version", "")
        config = config and json.loads(config)
    except (OSError, KeyError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{str(path)!r} is damaged, or not a Keras model: {reason(error)}; download or "
            "save it again"
        ) from error
    version = version.decode() if isinstance(version, bytes) else str(version)
    if is_zip and _is_old(version):
        raise ValueError(
            f"{str(path)!r} is an archive of Keras {version or 2}, which Keras 3 cannot read; load "
            "it with that Keras and model.save('my.h5') there"
        )
    return config, version


def _is_old(version):
    return version.partition(".")[0] in ("", "1", "2")


def _check_layers(path, config):
    if config is None:
        raise ValueError(
            f"{str(path)!r} holds weights without an architecture (from save_weights, or "
            "save_weights_only); build the model in Python, model.load_weights(...) and "
            "model.save('my.keras')"
        )
    classes = list(_class_names(config))
    if "Lambda" in classes or "__lambda__" in classes:
        raise ValueError(
            f"{str(path)!r} holds a Lambda, a piece of Python code; code from a file is never run "
            "here. If you trust it, load the file in Python and give the model itself to "
            "load_classifier, or put Keras layers in place of the Lambda"
        )
    operations = sorted(set(classes) & set(OPERATIONS))
    if operations:
        raise ValueError(
            f"{str(path)!r} has operators or TensorFlow functions between its layers "
            f"({', '.join(operations)}), which Keras 3 cannot read: often preprocess_input within "
            "the model. With the Keras that saved it, take them out or put layers like Rescaling "
            "in their place, and save it again"
        )
    unknown = sorted({name for name in map(_unknown_class, layers_within(config)) if name})
    if unknown:
        raise ValueError(
            f"{str(path)!r} has layers that Keras {keras.__version__} does not have: "
            f"{list_names(unknown)}; if they are your own, load the file in Python with "
            "custom_objects and give the model itself to load_classifier; if they are operators, "
            "save the model as 'my.keras'; if they are of Keras 2, put others in their place there"
        )


def _unknown_class(layer):
    """The class of a layer, if it is neither Keras's nor registered by the user."""
    name, module = str(layer.get("class_name")), str(layer.get("module"))
    registered = keras.saving.get_registered_object(str(layer.get("registered_name") or name))
    known = name in (*RENAMED, *MODELS) or hasattr(keras.layers, name)
    return None if known or registered or module.partition(".")[0] == "keras" else name


def _class_names(config):
    """Every class that is named in a configuration; Python code counts as "__lambda__"."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config["class_name"]
        if _is_bytecode(config.get("value")):
            yield "__lambda__"
        for value in config.values():
            yield from _class_names(value)
    elif isinstance(config, list):
        for value in config:
            yield from _class_names(value)


def _is_bytecode(value):
    """Whether this is how Keras keeps a lambda that is an argument: code, defaults, closure."""
    is_triple = isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)
    return is_triple and not any(isinstance(part, int) for part in value)
