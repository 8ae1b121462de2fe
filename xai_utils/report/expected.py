"""The expected classes of pictures, from a table."""

import csv
import os
from pathlib import Path

from xai_utils.checks import nearest
from xai_utils.report.inputs import read_text

FILE_HEADERS = ("file", "filename", "file name", "image", "name", "path")


def read_labels(path, names):
    """The expected classes of pictures.

    Parameters
    ----------
    path : str or Path
        A table with a file name and a class in each row, separated by commas, semicolons or tabs;
        a first row of headings, as "file,class", is passed over. A file is named by its path
        within the folder, or by its last part where only one picture has it.
    names : sequence of str
        Of the pictures.

    Returns
    -------
    labels : dict of str to str
        The class as written, by the picture's name.
    unknown : list of str
        Files in the table that are no picture.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ValueError
        If a row has no class, fits several pictures, or contradicts another.
    """
    path = Path(os.path.expanduser(path))
    if not path.is_file():
        raise FileNotFoundError(
            f"no table of classes at {str(path.absolute())!r}; write one with a file name and a "
            "class in each row: cat.jpg,tabby"
        )
    text = read_text(path)
    first = text.partition("\n")[0]
    rows = list(csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count)))
    if rows and rows[0] and rows[0][0].strip().casefold().replace("_", " ") in FILE_HEADERS:
        rows[0] = []
    labels, unknown = {}, []
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise ValueError(
                f"row {number} of {str(path)!r} is {row!r}; each needs a file name and a class: "
                "cat.jpg,tabby"
            )
        name = _picture(cells[0].replace("\\", "/").removeprefix("./"), names, path)
        if name is None:
            unknown.append(cells[0])
        elif labels.setdefault(name, cells[1]) != cells[1]:
            raise ValueError(
                f"{str(path)!r} gives two classes to {name!r}: {labels[name]!r} and {cells[1]!r}; "
                "remove one"
            )
    if unknown and not labels:
        raise ValueError(
            f"no file in {str(path)!r} is one of the pictures; {nearest(unknown[0], names)}the "
            f"table begins with {unknown[0]!r}, the pictures with {names[0]!r}"
        )
    return labels, unknown


def _picture(file, names, path):
    """The picture that a row of a table means, by its whole name or by its last part; or None."""
    if file in names:
        return file
    found = [name for name in names if name.rpartition("/")[2] == file.rpartition("/")[2]]
    if "/" in file:
        found = [name for name in found if file.endswith("/" + name) or name.endswith("/" + file)]
    if len(found) > 1:
        raise ValueError(
            f"{file!r} in {str(path)!r} fits {len(found)} pictures: "
            f"{', '.join(map(repr, found[:4]))}; write the path"
        )
    return found[0] if found else None
