"""What comes from outside is checked here, before anything is computed with it.

A message names the value, says what is allowed, and how to mend it.
"""

import difflib
import json
from collections.abc import Sequence

import numpy as np

LISTED = 24  # names in an error message
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"  # how Keras marks the cause of an error in the call of a layer


def check_choice(what, value, allowed):
    """Raise ValueError unless `value` is one of the allowed; the message has the nearest one.

    Parameters
    ----------
    what : str
        What the value is, for the message.
    value : object
    allowed : iterable of str
    """
    allowed = list(allowed)
    if value in allowed:
        return
    hint = nearest(value, allowed)
    raise ValueError(f"no {what} {value!r}; {hint}Allowed: {list_names(allowed)}")


def nearest(value, names):
    """The name that a value was probably meant to be, for a message: "did you mean 'cat'? ", or "".

    Case, spaces and punctuation do not count.
    """
    known = {_letters(str(name)): str(name) for name in names}
    found = difflib.get_close_matches(_letters(str(value)), known, n=1)
    return f"did you mean {known[found[0]]!r}? " if found else ""


def _letters(text):
    return "".join(c for c in text.casefold() if c.isalnum())


def reason(error):
    """What another library says in an error, in one line without what Keras writes around it."""
    text = str(error).rpartition("Exception encountered: ")[2]
    text = (
        text.rpartition("\x1b[1m")[2].partition("\x1b[0m")[0].strip()
    )  # bold in a call of a layer
    return text.splitlines()[0][:200] if text else type(error).__name__


def list_names(names):
    """The first names of a list, for a message: str."""
    names = list(names)
    listed = ", ".join(repr(name) for name in names[:LISTED])
    return f"{listed}, and {len(names) - LISTED} more" if len(names) > LISTED else listed


def read_json(path, example):
    """What a JSON file holds.

    Parameters
    ----------
    path : Path
    example : str
        What it should read like, for the message.

    Raises
    ------
    ValueError
        If it is not valid, or has a key twice; the message names the file.
    """
    twice = []

    def collect(pairs):
        keys = [key for key, _ in pairs]
        twice.extend(key for key in keys if keys.count(key) > 1)
        return dict(pairs)

    try:
        content = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=collect)
    except ValueError as error:
        raise ValueError(
            f"{str(path)!r} is not valid JSON: {error}; it should read like {example}"
        ) from error
    if twice:
        raise ValueError(
            f"{str(path)!r} has the key {twice[0]!r} twice, and only one of them can count; remove "
            "the other"
        )
    return content


def check_backend(backend):
    """Raise ImportError unless Keras runs on TensorFlow."""
    if backend != "tensorflow":
        raise ImportError(
            f"Keras runs on {backend!r} here, and xai_utils needs 'tensorflow': import xai_utils "
            "before keras, or set KERAS_BACKEND=tensorflow before Python starts"
        )


def check_count(name, value):
    """Raise ValueError unless `value` is a whole number >= 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number >= 1; given: {value!r}")


def check_positive(name, value):
    """Raise ValueError unless `value` is a finite number > 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a number > 0; given: {value!r}")


def check_value_range(value_range):
    """Two numbers (float, float) from `value_range`.

    Raises ValueError unless they are finite, and the first is below the second.
    """
    try:
        black, white = (float(value) for value in value_range)
        ordered = -np.inf < black < white < np.inf
    except (TypeError, ValueError):
        ordered = False
    if not ordered:
        raise ValueError(
            f"value_range must be two numbers, black below white, as (0, 4095); given: "
            f"{value_range!r}"
        )
    return black, white


def check_image(image):
    """Raise an error unless `image` is an RGB image: uint8 (H, W, 3) with at least one pixel."""
    shape = getattr(image, "shape", None)
    is_rgb = isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[-1] == 3
    if not is_rgb or image.size == 0:
        given = type(image).__name__ if shape is None else f"array of shape {tuple(shape)}"
        raise ValueError(
            f"an image must be an array uint8 (H, W, 3); given: {given}; see load_image"
        )
    if image.dtype != np.uint8:
        found = f" in [{image.min():g}, {image.max():g}]" if image.dtype.kind in "iuf" else ""
        raise TypeError(
            f"an image must hold uint8 RGB values in [0, 255]; given: {image.dtype}{found}; do not "
            f"preprocess it, the classifier does"
        )


def check_images(images):
    """Raise an error unless `images` is a sequence of at least one RGB image."""
    if isinstance(images, str) or not isinstance(images, Sequence | np.ndarray):
        raise TypeError(
            f"images must be a sequence of images, as [image]; given: {type(images).__name__}"
        )
    if isinstance(images, np.ndarray) and images.ndim == 3:
        raise ValueError("images must be a sequence of images; for a single one write [image]")
    if len(images) == 0:
        raise ValueError("images is empty; give at least one image")
    for image in images:
        check_image(image)
