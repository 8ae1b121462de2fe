"""The decision table: for this method and this question, take this score, because."""

from typing import NamedTuple

import numpy as np

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import PAIRS, difference, outcome
from xai_utils.study.best.networks import places_of
from xai_utils.study.best.plan import JUDGED, MARGINS, QUESTIONS, SEED
from xai_utils.study.statistics import decide, holm
from xai_utils.style import METHOD_LABELS

METHODS = {
    **METHOD_LABELS,
    "rsi_positive_gradients": "RSI-Grad-CAM, positive gradients",
    "integrated_gradients_cells": "Integrated Gradients, 7 × 7 cells",
}
NOTEBOOK = "8_what_is_best.ipynb"
ANY = "any"
UNDECIDED = "undecided"
OPPOSITE = {"better": "worse", "worse": "better"}


class Cell(NamedTuple):
    """What to take.

    Attributes
    ----------
    method, question : str
    scores : tuple of str
        To be taken; all four if any will do, none if it is undecided.
    because : str
        A sentence with the numbers.
    needed : int
        Images that a decision would take; 0 if there is one.
    gain : float
        The mean of the difference in the sentence.
    """

    method: str
    question: str
    scores: tuple
    because: str
    needed: int = 0
    gain: float = 0.0

    @property
    def answer(self):
        """In a word: "odds", "odds or log", "any", or "undecided (n = 800)"."""
        if not self.scores:
            return f"{UNDECIDED} (n = {self.needed})" if self.needed else UNDECIDED
        return ANY if len(self.scores) == len(SCORES) else " or ".join(self.scores)


def primary_rows(table):
    """The rows of each network that is no copy with other logits, at its primary layer: Table.

    And those of Integrated Gradients, at the pixels.
    """
    parts = []
    for network in table.present("network"):
        if "@" not in network and network != "constructed":
            parts += [(network, layer) for layer in _primary_layers(table, network)]
    kept = np.zeros(len(table), bool)
    networks, layers = table.values("network"), table.values("layer")
    for network, layer in parts:
        kept |= (networks == network) & (layers == layer)
    return table.rows(kept)


def _primary_layers(table, network):
    """The first of the planned layers, or the only one that there is; and the pixels."""
    there = [n for n in table.where(network=network).present("layer") if n != "input"]
    planned = next(iter(places_of(network)))
    return [planned if planned in there else there[0] if there else planned, "input"]


def pool_question(table, method, question):
    """The outcome of a method for a question, and the smallest difference that matters."""
    measures = QUESTIONS[question]
    found = outcome(table.where(method=method, measure=measures))
    return found, float(np.mean([MARGINS[m] for m in measures]))


def differences(found, seed=SEED):
    """The difference of each pair of scores: dict from pair to Difference, empty if too few."""
    pairs = {pair: difference(found, *pair, seed) for pair in PAIRS} if len(found.values) else {}
    return {} if None in pairs.values() else pairs


def decide_cell(found, pairs, adjusted, margin, method, question):
    """The cell of a method and a question.

    Parameters
    ----------
    found : Outcome
    pairs : dict from pair to Difference
        From `differences`.
    adjusted : sequence of float
        Their p-values, adjusted for the family of the question.
    margin : float
    method, question : str

    Returns
    -------
    Cell
    """
    if not pairs:
        count = len(set(found.factors["image"]))
        return Cell(method, question, (), f"too few images: {count}")
    verdicts = {}
    for ((first, second), d), p in zip(pairs.items(), adjusted, strict=True):
        verdict = decide(d, p, margin)
        verdicts[first, second] = verdict
        verdicts[second, first] = OPPOSITE.get(verdict, verdict)
    taken = tuple(
        s for s in SCORES
        if all(verdicts[s, t] in ("better", "equal") for t in SCORES if t != s)
    )  # fmt: skip
    if not taken:
        open_ones = [d for pair, d in pairs.items() if verdicts[pair] == UNDECIDED]
        images = len(set(found.factors["image"])) / len(found.values)  # for each pair
        needed = max((int(np.ceil(d.count_needed(margin) * images)) for d in open_ones), default=0)
        return Cell(method, question, (), _because(found, pairs, ())[0], needed)
    because, gain = _because(found, pairs, taken)
    return Cell(method, question, taken, because, gain=gain)


def _because(found, pairs, taken):
    """The numbers of a cell in a sentence, and the difference in it: str and float."""
    means = dict(zip(SCORES, found.values.mean(axis=0), strict=True))
    best = max(taken or SCORES, key=means.get)
    others = [s for s in SCORES if s not in taken] or [s for s in SCORES if s != best]
    other = max((s for s in others if s != best), key=means.get)
    d, sign = (pairs[best, other], 1) if (best, other) in pairs else (pairs[other, best], -1)
    low, high = sorted((sign * d.low, sign * d.high))
    count = len(set(found.factors["image"]))
    networks = len(set(found.factors["network"]))
    sentence = (
        f"{means[best]:.2f} with {best} against {means[other]:.2f} with {other}, "
        f"{sign * d.mean:+.3f} [{low:+.3f}, {high:+.3f}], n = {count} images, "
        f"{networks} network{'s' if networks > 1 else ''}"
    )
    return sentence, sign * d.mean


def fill_table(table, seed=SEED):
    """The decision table: list of Cell, methods in their order, and for each all questions.

    A cell that another seed of the bootstrap would fill with another score is undecided.

    Parameters
    ----------
    table : Table
    seed : int

    Returns
    -------
    list of Cell
    """
    table = primary_rows(table)
    first, again = (_fill(table, s) for s in (seed, seed + 1))
    return [_agreed(*cells) for cells in zip(first, again, strict=True)]


def _fill(table, seed):
    """The cells by one seed; all pairs of all methods are a question's family."""
    cells = {}
    for question in QUESTIONS:
        pools = {method: pool_question(table, method, question) for method in METHODS}
        pairs = {method: differences(found, seed) for method, (found, _) in pools.items()}
        family = iter(holm([d.p for of_method in pairs.values() for d in of_method.values()]))
        for method, (found, margin) in pools.items():
            adjusted = [next(family) for _ in pairs[method]]
            cells[method, question] = decide_cell(
                found, pairs[method], adjusted, margin, method, question
            )
    return [cells[method, question] for method in METHODS for question in QUESTIONS]


def _agreed(cell, again):
    """The cell, undecided if another seed takes other scores."""
    if cell.scores == again.scores:
        return cell
    why = f"it hangs on the seed of the bootstrap: {cell.because}"
    return Cell(cell.method, cell.question, (), why, max(cell.needed, again.needed))


def as_markdown(cells):
    """The decision table with a row for each method and question, in Markdown: str."""
    lines = ["| method | question | take | because | where |", "|---|---|---|---|---|"]
    for cell in cells:
        judged = set(QUESTIONS[cell.question]) <= set(JUDGED)
        where = "Outputs-as-judges" if judged else "Truths-that-no-output-judges"
        lines.append(
            f"| {METHODS[cell.method]} | {cell.question} | {cell.answer} | {cell.because} | "
            f"[figure]({NOTEBOOK}#{where}) |"
        )
    return "\n".join(lines)
