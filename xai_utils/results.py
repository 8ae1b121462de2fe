"""What a method notebook writes: a heatmap, and a record of where it comes from."""

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

VERSIONED = ("xai-utils", "tensorflow", "keras", "numpy", "matplotlib")


def versions():
    """Versions of Python and of the packages that make the numbers: dict of str."""
    return {"python": platform.python_version(), **{name: _version(name) for name in VERSIONED}}


def _version(name):
    if name == "tensorflow":  # installed as tensorflow or as tensorflow-cpu
        import tensorflow as tf

        return tf.__version__
    return version(name)


def make_record(method, score, gradients, heatmap, completeness=None, **parameters):
    """Everything that tells where the heatmap of one image comes from.

    Parameters
    ----------
    method : str
        For example ``"grad_cam"``.
    score : {"pre", "post", "log", "odds"}
    gradients : ScoreGradients
        For one image.
    heatmap : ndarray, float (h, w)
        Not normalised.
    completeness : Completeness, optional
        Of a path method.
    **parameters
        The parameters of the notebook.

    Returns
    -------
    dict
        Can be written as JSON.
    """
    classifier = gradients.classifier
    record = {
        "method": method,
        "score": score,
        "model": classifier.name,
        "layer": gradients.layer,
        "class": classifier.class_names[gradients.targets[0]],
        "class_index": int(gradients.targets[0]),
        "probability": float(gradients.value("post")[0]),
        "log_odds": float(gradients.value("odds")[0]),
        "raw_maximum": float(np.abs(heatmap).max()),
        "parameters": parameters,
        "image_sha256": hashlib.sha256(np.ascontiguousarray(gradients.images[0])).hexdigest(),
        "weights_sha256": classifier.weights_sha256(),
        "versions": versions(),
    }
    if completeness is not None:
        record["completeness"] = {
            "attributed": float(completeness.attributed[0]),
            "change": float(completeness.change[0]),
            "gap": float(completeness.gap[0]),
            "steps": int(completeness.steps[0]),
        }
    return record


def save_result(folder, heatmap, record):
    """Write ``<folder>/<method>-<score>.npz`` (array ``heatmap``) and ``.json`` (the record).

    The files appear under these names only when they are complete.

    Returns
    -------
    list of Path
        Both files.
    """
    stem = f"{record['method']}-{record['score']}"
    array, text = Path(folder) / f"{stem}.npz", Path(folder) / f"{stem}.json"
    write_atomically(array, lambda file: np.savez_compressed(file, heatmap=heatmap))
    write_atomically(text, lambda file: file.write(json.dumps(record, indent=2).encode() + b"\n"))
    return [array, text]


def load_result(folder, method, score):
    """Read what `save_result` wrote.

    Returns
    -------
    heatmap : ndarray, float32 (h, w)
    record : dict

    Raises
    ------
    FileNotFoundError
        If that combination has not been run; the message says how to run it.
    """
    stem = Path(folder) / f"{method}-{score}"
    try:
        record = json.loads(stem.with_suffix(".json").read_text("utf-8"))
        with np.load(stem.with_suffix(".npz")) as arrays:
            return arrays["heatmap"], record
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"no result of {method} with score {score!r} in {str(folder)!r}; run 'make figures', "
            f"or papermill notebooks/methods/{method}.ipynb with -p score {score} "
            f"-p results {folder}"
        ) from error


def write_atomically(path, write):
    """Write a file that appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
        Its folder is made if need be.
    write : callable
        Called with a binary file to write to.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "wb") as file:
            write(file)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
