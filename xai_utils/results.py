"""What a method notebook writes: a heatmap, and a record of where it comes from."""

import fcntl
import hashlib
import json
import os
import platform
import zipfile
import zlib
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from xai_utils.files import naming_file, write_atomically
from xai_utils.heatmaps import describe_emptiness

VERSIONED = ("xai-utils", "tensorflow", "keras", "numpy", "matplotlib")

# What a heatmap depends on. Two records that agree in these are two runs of one thing; versions
# and the last digits of numbers may differ.
IDENTITY = (
    "method", "score", "model", "weights_sha256", "preprocessing", "layer", "class", "class_index",
    "image_sha256", "parameters",
)  # fmt: skip

# What json, numpy and zipfile raise on a file that is not what they wrote.
UNREADABLE = (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


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
        Can be written as JSON. ``heatmap_sha256`` ties it to the heatmap, and ``warnings`` is a
        list of sentences, empty unless the heatmap cannot answer the question.

    Raises
    ------
    ValueError
        If the heatmap is empty or holds values that are not finite.

    Examples
    --------
    >>> classifier, image = load_classifier("vgg19-mini"), load_image("cat")
    >>> gradients = ScoreGradients(classifier, [image], ["cat"])
    >>> heatmap = grad_cam(gradients, "odds")[0]
    >>> record = make_record("grad_cam", "odds", gradients, heatmap, image="cat")
    >>> record["class"], record["layer"], record["warnings"]
    ('cat', 'block5_pool', [])
    """
    classifier = gradients.classifier
    warnings = describe_emptiness(heatmap)
    record = {
        "method": method,
        "score": score,
        "model": classifier.name,
        "preprocessing": classifier.preprocessing,
        "layer": gradients.layer,
        "class": classifier.class_names[gradients.targets[0]],
        "class_index": int(gradients.targets[0]),
        "probability": float(gradients.value("post")[0]),
        "log_odds": float(gradients.value("odds")[0]),
        "raw_maximum": float(np.abs(heatmap).max()),
        "warnings": warnings,
        "heatmap_sha256": _sha256(heatmap),
        "parameters": parameters,
        "image_sha256": _sha256(gradients.images[0]),
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


def _sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def save_result(folder, heatmap, record):
    """Write ``<folder>/<method>-<score>.npz`` (array ``heatmap``) and ``.json`` (the record).

    The files appear under these names only when they are complete, and nobody else can save or
    load a result of the folder between the two. A result of the same run is replaced; one of
    another image, class, network, preprocessing, layer or parameter is not.

    Parameters
    ----------
    folder : str or Path
        Made if need be; ``~`` is the home folder.
    heatmap : ndarray, float (h, w)
    record : dict
        As from `make_record` for this heatmap.

    Returns
    -------
    list of Path
        Both files.

    Raises
    ------
    ValueError
        If the folder holds another result under these names, or the record is not this heatmap's.
    OSError
        If a file cannot be written; the message names it.

    Examples
    --------
    >>> classifier, image = load_classifier("vgg19-mini"), load_image("cat")
    >>> gradients = ScoreGradients(classifier, [image], ["cat"])
    >>> heatmap = grad_cam(gradients, "odds")[0]
    >>> record = make_record("grad_cam", "odds", gradients, heatmap, image="cat")
    >>> [file.name for file in save_result(folder, heatmap, record)]
    ['grad_cam-odds.npz', 'grad_cam-odds.json']
    """
    if record["heatmap_sha256"] != _sha256(heatmap):
        raise ValueError("the record is of another heatmap; make it with make_record for this one")
    array, text = _files(folder, record["method"], record["score"])
    written = json.dumps(record, indent=2, default=str)  # a path becomes its text
    with naming_file(array):
        array.parent.mkdir(parents=True, exist_ok=True)
    with _locked(array.parent, fcntl.LOCK_EX):
        _check_not_another(text, json.loads(written))
        write_atomically(array, lambda file: np.savez_compressed(file, heatmap=heatmap))
        write_atomically(text, lambda file: file.write(written.encode() + b"\n"))
    return [array, text]


def _files(folder, method, score):
    """The files of a result: heatmap and record."""
    stem = f"{method}-{score}"
    folder = Path(os.path.expanduser(folder))
    return folder / f"{stem}.npz", folder / f"{stem}.json"


@contextmanager
def _locked(folder, kind):
    """Wait until no other process or thread is between the two files of a result."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network folders know no locks; the checksum still tells
            fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _check_not_another(text, record):
    """Raise ValueError if there is the record of a result that depends on something else."""
    if not text.exists():
        return
    try:
        # the preprocessing is not in the records of older versions
        old = {"preprocessing": record["preprocessing"], **json.loads(text.read_bytes())}
        differing = [name for name in IDENTITY if old.get(name) != record[name]]
    except UNREADABLE:
        differing = ["record (it cannot be read)"]
    if differing:
        raise ValueError(
            f"{str(text)!r} is there already, of a run with another {', '.join(differing)}, and is "
            f"not replaced: choose another folder, as with -p results results/second, or delete it"
        )


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
    ValueError
        If a file is damaged, or the two are not of one run.

    Examples
    --------
    >>> classifier, image = load_classifier("vgg19-mini"), load_image("cat")
    >>> gradients = ScoreGradients(classifier, [image], ["cat"])
    >>> heatmap = grad_cam(gradients, "odds")[0]
    >>> record = make_record("grad_cam", "odds", gradients, heatmap, image="cat")
    >>> _ = save_result(folder, heatmap, record)
    >>> heatmap, record = load_result(folder, "grad_cam", "odds")
    >>> heatmap.shape, record["class"]
    ((7, 7), 'cat')
    """
    array, text = _files(folder, method, score)
    try:
        with _locked(array.parent, fcntl.LOCK_SH):
            record = json.loads(text.read_bytes())
            with np.load(array) as arrays:
                heatmap = arrays["heatmap"]
        together = record.get("heatmap_sha256") == _sha256(heatmap)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(
            f"no result of {method} with score {score!r} in {str(folder)!r}; run 'make figures', "
            f"or papermill notebooks/methods/{method}.ipynb with -p score {score} "
            f"-p results {folder}"
        ) from error
    except (AttributeError, *UNREADABLE) as error:
        raise ValueError(
            f"the result {str(text.with_suffix(''))!r} (.npz and .json) cannot be read "
            f"({type(error).__name__}: {error}); delete both files and run {method} again"
        ) from error
    if not together:
        raise ValueError(
            f"the heatmap and the record of {str(text.with_suffix(''))!r} (.npz and .json) are not "
            f"of one run: it was interrupted, or an older version wrote them; run {method} again"
        )
    return heatmap, record
