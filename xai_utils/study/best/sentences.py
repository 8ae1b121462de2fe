"""The answer in three sentences, computed from the table, and their place in texts."""

from collections import Counter
from pathlib import Path

import nbformat

from xai_utils.files import write_atomically
from xai_utils.study.best.decision import METHODS
from xai_utils.study.best.hypotheses import BORNE_OUT, OPEN, REFUTED

START, END = "<!-- answer -->", "<!-- end of answer -->"  # a text has its answer between them


def answer_sentences(cells, findings):
    """What the study says: how much is decided, what matters most, and when the sign turns.

    Parameters
    ----------
    cells : sequence of Cell
        From `fill_table`.
    findings : sequence of Finding
        From `examine`.

    Returns
    -------
    list of str
    """
    return [_decided(cells), _largest(cells), _hypotheses(findings)]


def _decided(cells):
    counts = Counter(cell.answer for cell in cells if cell.scores)
    if not counts:
        return f"None of the {len(cells)} cells of the decision table is decided by these images."
    said = ", ".join(f"{answer} in {count}" for answer, count in counts.most_common())
    undecided = len(cells) - counts.total()
    rest = f", and {undecided} are undecided" if undecided else ""
    return f"Of the {len(cells)} cells of the decision table, the answer is {said}{rest}."


def _largest(cells):
    """The decided cell in which the choice matters most."""
    chosen = [cell for cell in cells if cell.scores and cell.gain > 0 and cell.answer != "any"]
    if not chosen:
        return "In none of them is one score shown to be better than another by what matters."
    cell = max(chosen, key=lambda cell: cell.gain)
    return (
        f"The choice matters most for {METHODS[cell.method]}, asked “{cell.question}”: take "
        f"{cell.answer}, {cell.because}."
    )


def _hypotheses(findings):
    parts = []
    for name in sorted({finding.hypothesis for finding in findings}):
        verdicts = Counter(f.verdict for f in findings if f.hypothesis == name)
        said = ", ".join(
            f"{verdict} in {verdicts[verdict]} of {verdicts.total()}"
            for verdict in (BORNE_OUT, REFUTED, OPEN) if verdicts[verdict]
        )  # fmt: skip
        parts.append(f"{name} is {said}")
    if not parts:
        return "The hypotheses on when the sign turns could not be tried."
    return f"Of the hypotheses on when the sign turns, {'; '.join(parts)} comparisons."


def put_answer(text, sentences):
    """A text with the sentences between its marks, in place of what was there: str.

    Raises
    ------
    ValueError
        If it has no such marks.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(
            f"the text has no place for the answer; it stands between {START!r} and {END!r}: put "
            "these two lines where it belongs"
        )
    return f"{before}{START}\n{' '.join(sentences)}\n{END}{after}"


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
