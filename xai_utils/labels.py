"""Class names, in every form in which people keep them, and the class that a target means."""

from pathlib import Path

import numpy as np

from xai_utils.checks import check_choice, list_names


def check_class_names(names, classes, folder="."):
    """Class names in the order of the network's outputs.

    Parameters
    ----------
    names : sequence of str, dict, str, Path or None
        A list of names; a dict of index by name, as Keras's `class_indices`, or of name by index;
        the path of a text file with one name a line; None for the indices as names.
    classes : int
        Outputs of the network.
    folder : str or Path
        Where a relative path starts.

    Returns
    -------
    tuple of str
        Names that occur twice have their index added: "crane (134)", "crane (517)".

    Raises
    ------
    ValueError
        If they are in no such form, or not one for each class.
    FileNotFoundError
        If there is no such text file.
    """
    if names is None:
        names = [str(i) for i in range(classes)]
    elif isinstance(names, str | Path):
        names = _read_lines(names, Path(folder))
    elif isinstance(names, dict):
        names = _in_order(names)
    if not isinstance(names, list | tuple | np.ndarray):
        raise ValueError(
            f"class_names must be a list of names, a dictionary or the path of a text file; given: "
            f"{type(names).__name__}"
        )
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ValueError(
                f"every class name must be a text that is not empty; given: {name!r}; write "
                "numbers in quotes, and if the classes have no names leave class_names out"
            )
    names = tuple(str(name) for name in names)
    if len(names) != classes:
        raise ValueError(f"{len(names)} class names given for a model with {classes} classes")
    return tuple(f"{n} ({i})" if names.count(n) > 1 else n for i, n in enumerate(names))


def _read_lines(name, folder):
    path = folder / Path(name).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"class_names is the text {str(name)!r}, and there is no such file in "
            f"{str(folder.absolute())!r}; give the path of a text file with one name a line, or a "
            'list of names: ["ant", "bee"]'
        )
    try:
        return path.read_text("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the class names in {str(path)!r} are not text in UTF-8; save the file in that "
            "encoding, one name a line"
        ) from error


def _in_order(names):
    """The names of a dictionary, index by name or name by index, in the order of the indices."""
    by_name = all(_is_index(value) for value in names.values())
    pairs = ((v, k) if by_name else (k, v) for k, v in names.items())
    try:
        by_index = {int(index): name for index, name in pairs}
    except (TypeError, ValueError):
        by_index = {}
    if len(by_index) != len(names) or sorted(by_index) != list(range(len(names))):
        raise ValueError(
            "class_names as a dictionary must hold every index from 0 on once, either by name "
            '({"cat": 1, "dog": 0}) or the name by index ({"0": "dog", "1": "cat"}); given: '
            f"{_shorten(names)}"
        )
    return [by_index[i] for i in range(len(by_index))]


def _is_index(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _shorten(value):
    text = repr(value)
    return text if len(text) < 100 else f"{text[:100]}..."


def find_class(target, names, model="the model"):
    """The index of the class that is meant.

    Parameters
    ----------
    target : int or str
        An index, or a name. A name is also found by another spelling ("Tabby_cat" for "tabby
        cat") or by some of its words ("tabby"), if it fits one class only.
    names : tuple of str
    model : str
        Its name, for messages.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there is no such class, or more than one.
    TypeError
        If the target is neither a number nor a text.
    """
    if _is_index(target):
        return _find_number(int(target), names, model)
    if not isinstance(target, str):
        raise TypeError(
            f"a target class is given by its name, or its index, a whole number; given: {target!r}"
        )
    for fits in (_is_same, _is_spelled_alike, _has_the_words):
        found = [i for i, name in enumerate(names) if fits(target, name)]
        if len(found) > 1:
            listed = ", ".join(f"{names[i]!r} (index {i})" for i in found[:8])
            raise ValueError(
                f"target class {target!r} fits {len(found)} classes: {listed}; give the whole name "
                "of one"
            )
        if found:
            return found[0]
    check_choice("target class", target, names)


def _find_number(index, names, model):
    by_name = names.index(str(index)) if str(index) in names else index
    in_range = 0 <= index < len(names)
    if in_range and by_name != index:
        raise ValueError(
            f"target class {index} has two meanings: the class named {names[by_name]!r} (index "
            f"{by_name}), and index {index} (named {names[index]!r}); give the name of the one you "
            f"mean as text: target={names[by_name]!r} or target={names[index]!r}, in papermill "
            f"-r target {names[by_name]} or -r target {names[index]}"
        )
    if not in_range and by_name == index:
        raise ValueError(
            f"no target class {index}; {model} has {len(names)} classes, 0 to {len(names) - 1}: "
            f"{list_names(names)}"
        )
    return by_name


def _is_same(target, name):
    return target == name


def _is_spelled_alike(target, name):
    return bool(_words(target)) and _words(target) == _words(name)


def _has_the_words(target, name):
    return bool(_words(target)) and set(_words(target)) <= set(_words(name))


def _words(text):
    """Its words without case and punctuation; "Tabby_cat" and "tabby cat" have the same."""
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()
