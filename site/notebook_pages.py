"""A committed notebook as a page: labels for its cells, captions and origins for its figures."""

import json
import re
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def read_notebook(path):
    """The JSON of a notebook, the source of each cell as one string."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def find_notebooks():
    """Paths of the notebooks, below `NOTEBOOKS`, in the order of the table in index.ipynb."""
    cells = read_notebook(NOTEBOOKS / "index.ipynb")["cells"]
    (table,) = [c["source"] for c in cells if c["source"].startswith("## The notebooks")]
    return ["index.ipynb", *re.findall(r"^\| \[.+?\]\((.+?\.ipynb)\)", table, re.MULTILINE)]


def label(path, cell):
    """The name under which other pages link to a code cell of a notebook."""
    return f"cell-{path.removesuffix('.ipynb').replace('/', '-')}-{cell['execution_count']}".lower()


def anchor(title):
    """The anchor of a heading as Jupyter has it, in whose notebooks the links are written."""
    return title.replace(" ", "-")


def command(path, notebook):
    """What makes the figures of a notebook again, from the folder of the repository."""
    parameters = next(c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    values = re.findall(r'"(.+?)"', parameters["source"])
    beside = any(value.startswith("../") or (NOTEBOOKS / value).is_file() for value in values)
    folder = "--cwd notebooks " if beside else ""
    heatmaps = "make figures && " if '"../results"' in parameters["source"] else ""
    return f"{heatmaps}papermill {folder}notebooks/{path} out.ipynb"


def origin(path, notebook, cell):
    """Which cell of which notebook made a figure, and with which command, in MyST."""
    return (
        f"[Made by [cell {cell['execution_count']}](#{label(path, cell)}) of `notebooks/{path}`: "
        f"`{command(path, notebook)}`]{{.origin}}"
    )


def in_words(title):
    """A figure's title as a description: on one line, without the marks of a formula."""
    return title.replace("$", "").replace("\n", ", ")


def picture(cell):
    """Options of the picture among a cell's outputs, its description first; or None."""
    for output in cell.get("outputs", []):
        for kind, attributes in output.get("metadata", {}).items():
            if kind.startswith("image/"):
                width = {"width": f"{attributes['width']}px"} if "width" in attributes else {}
                return {"alt": in_words(attributes["alt"]), **width}
    return None


def split_caption(text):
    """The first paragraph below a picture, which is its caption, and what follows.

    A last sentence that ends in a colon leads to the next cell, and is no part of the caption.
    """
    if text.startswith("#"):
        return "", text
    caption, _, rest = text.partition("\n\n")
    leading = re.search(r"(?<=[.)]) [A-Z][^.]*:$", caption)
    if leading:
        caption, rest = caption[: leading.start()], leading[0].strip()
    return caption, rest


def page_of(path, notebook):
    """The notebook with what the site needs in addition.

    Before each code cell there is a label; a picture becomes a figure with the paragraph below
    it as the caption, and its origin as the legend.

    Parameters
    ----------
    path : str
        Below `NOTEBOOKS`.
    notebook : dict
        From `read_notebook`; not changed.

    Returns
    -------
    dict
    """
    cells, before = [], None
    for cell in notebook["cells"]:
        cell = {**cell, "metadata": dict(cell["metadata"])}
        if before and cell["cell_type"] == "markdown":
            caption, cell["source"] = split_caption(cell["source"])
            text = f"{caption}\n\n{origin(path, notebook, before)}".strip()
            before["metadata"]["mystnb"] = {"figure": {"caption": text}, "image": picture(before)}
        if cell["cell_type"] == "code":
            name = label(path, cell)
            cells.append(
                {"cell_type": "markdown", "id": name, "metadata": {}, "source": f"({name})="}
            )
        before = cell if picture(cell) else None
        if cell["source"]:
            cells.append(cell)
    return {**notebook, "cells": cells}
