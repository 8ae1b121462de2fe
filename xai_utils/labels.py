"""Class names, in every form in which people keep them, and the class that a target means."""

from pathlib import Path

import numpy as np

from xai_utils.checks import check_choice, list_names, read_json


def check_class_names(names, classes, folder="."):
    """Class names in the order of the network's outputs.

    Parameters
    ----------
    names : sequence of str, dict, str, Path or None
        A list of names; a dict of index by name, as Keras's `class_indices`, or of name by index;
        the path of a file that holds one of these as JSON, or of a text file with one name a line;
        None for the indices as names.
    classes : int
        Outputs of the network.
    folder : str or Path
        Where a relative path starts.

    Returns
    -------
    tuple of str
        Without space around them. Names that occur twice have their index added: "crane (134)",
        "crane (517)".

    Raises
    ------
    ValueError
        If they are in no such form, or not one for each class.
    FileNotFoundError
        If there is no such file.
    """
    where = "class_names"
    if names is None:
        names = [str(i) for i in range(classes)]
    elif isinstance(names, str | Path):
        where = f"class_names from {str(names)!r}"
        names = _read(names, Path(folder))
    if isinstance(names, dict):
        names = _in_order(names)
    if not isinstance(names, list | tuple | np.ndarray):
        raise ValueError(
            f"{where} must be a list of names, a dictionary or the path of a file of them; given: "
            f"{type(names).__name__}"
        )
    for index, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise ValueError(
                f"every one of the {where} must be a text that is not empty; given as number "
                f"{index + 1}: {name!r}; write numbers in quotes, and if the classes have no names "
                "leave class_names out"
            )
    if len(names) != classes:
        raise ValueError(
            f"{len(names)} {where} given for a model with {classes} classes: {list_names(names)}; "
            "give one for each output, in their order"
        )
    names = tuple(str(name).strip() for name in names)
    return tuple(f"{n} ({i})" if names.count(n) > 1 else n for i, n in enumerate(names))


def _read(name, folder):
    """What a file of class names holds: the lines of a text, or what JSON says."""
    path = folder / Path(name).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"class_names is the text {str(name)!r}, and there is no such file in "
            f"{str(folder.absolute())!r}; give the path of a text file with one name a line, or a "
            'list of names: ["ant", "bee"]'
        )
    if path.suffix.lower() == ".json":
        return read_json(path, '{"ant": 0, "bee": 1}')
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
            f"a target class is given by its name, or its index, a whole number; given: {target!r} "
            f"({type(target).__name__}); if that is a name, give it as text, in papermill with -r "
            "in place of -p"
        )
    is_signed = target.strip()[:1] in ("-", "+")  # "-1" is no spelling of "1"
    for fits in (_is_same,) if is_signed else (_is_same, _is_spelled_alike, _has_the_words):
        found = [i for i, name in enumerate(names) if fits(target, name)]
        if len(found) > 1:
            listed = ", ".join(f"{names[i]!r} (index {i})" for i in found[:8])
            raise ValueError(
                f"target class {target!r} fits {len(found)} classes: {listed}; give the whole name "
                "of one, or its index"
            )
        if found:
            return found[0]
    check_choice("target class", target, names)


def _find_number(index, names, model):
    """The class that a number means: by its index, or by a name with it ("2", "02", "level 2")."""
    named = [i for i, name in enumerate(names) if index in _numbers(name)]
    by_index = [index] if 0 <= index < len(names) else []
    meant = sorted({*named, *by_index})
    if not meant:
        raise ValueError(
            f"no target class {index}; {model} has {len(names)} classes, 0 to {len(names) - 1}: "
            f"{list_names(names)}"
        )
    if len(meant) > 1:
        listed = ", and ".join(f"the class named {names[i]!r} (index {i})" for i in meant[:8])
        choices = " or ".join(f"-r target {names[i]!r}" for i in meant[:8])
        raise ValueError(
            f"target class {index} has {len(meant)} meanings: {listed}; give the name of the one "
            f"you mean as text, target={names[meant[0]]!r}, in papermill {choices}"
        )
    return meant[0]


def _numbers(name):
    return [int(word) for word in _words(name) if word.isdecimal()]


def _is_same(target, name):
    return target == name


def _is_spelled_alike(target, name):
    return bool(_words(target)) and _words(target) == _words(name)


def _has_the_words(target, name):
    return bool(_words(target)) and set(_words(target)) <= set(_words(name))


def _words(text):
    """Its words without case and punctuation; "Tabby_cat" and "tabby cat" have the same."""
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()
