"""The place of the answer in texts: pages of Markdown, and notebooks."""

from pathlib import Path

import nbformat

from xai_utils.files import write_atomically

START, END = "<!-- answer -->", "<!-- end of answer -->"  # a text has its answer between them
IN_SHORT = "**In short.** "  # with which the answer begins where it stood there before


def put_answer(text, sentences):
    """A text with the sentences between its marks, in place of what was there: str.

    A notebook's *In short*, if it was there, stays before them.

    Raises
    ------
    ValueError
        If it has no such marks.
    """
    before, start, rest = text.partition(START)
    old, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(
            f"the text has no place for the answer; it stands between {START!r} and {END!r}: put "
            "these two lines where it belongs"
        )
    lead = IN_SHORT if old.strip().startswith(IN_SHORT.strip()) else ""
    return f"{before}{START}\n{lead}{' '.join(sentences)}\n{END}{after}"


def write_answer(path, sentences):
    """Put the sentences into a page of Markdown or a notebook.

    Parameters
    ----------
    path : str or Path
        ``.md``, or ``.ipynb`` with the marks in one of its cells of Markdown.
    sentences : sequence of str
    """
    path = Path(path)
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        notebook = nbformat.reads(text, as_version=4)
        texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
        place = next((cell for cell in texts if START in cell.source), texts[0])
        place.source = put_answer(place.source, sentences)
        text = nbformat.writes(notebook) + "\n"
    else:
        text = put_answer(text, sentences)
    write_atomically(path, lambda file: file.write(text.encode()))
