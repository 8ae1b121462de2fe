"""The decision table: for this method and this question, take this score, because."""

import numpy as np
from scipy.stats import norm

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import METHODS, PAIRS, difference, outcome
from xai_utils.study.best.cells import DIGITS, UNDECIDED, Cell, Compared
from xai_utils.study.best.networks import places_of
from xai_utils.study.best.plan import JUDGED, MARGINS, QUESTIONS, SEED
from xai_utils.study.statistics import LEVEL, decide, holm

NOTEBOOK = "8_what_is_best.ipynb"
OPPOSITE = {"better": "worse", "worse": "better"}


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


def decide_cell(found, pairs, adjusted, family, margin, method, question):
    """The cell of a method and a question.

    Parameters
    ----------
    found : Outcome
    pairs : dict from pair to Difference
        From `differences`.
    adjusted : sequence of float
        Their p-values, adjusted for the family of the question.
    family : int
        How many comparisons that has.
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
    better = tuple(pair for pair, verdict in verdicts.items() if verdict == "better")
    if taken:
        compared = _compare(found, pairs, verdicts, *_two_of(found, taken))
        return Cell(method, question, taken, str(compared), 0, compared, better)
    needs = {pair: count_to_decide(d, margin, family) for pair, d in pairs.items()}
    widest = max(pairs, key=lambda pair: (verdicts[pair] == UNDECIDED, needs[pair]))
    images = len(set(found.factors["image"])) / len(found.values)  # for each pair
    needed = int(np.ceil(needs[widest] * images)) if verdicts[widest] == UNDECIDED else 0
    compared = _compare(found, pairs, verdicts, *widest)
    return Cell(method, question, (), str(compared), needed, compared, better)


def count_to_decide(found, margin, family):
    """Pairs after which a difference would be decided if its mean stayed as it is: int.

    That is, after which it would be shown not to be zero, by Bonferroni in its family, or to be
    smaller than the margin, whichever takes fewer.

    Parameters
    ----------
    found : Difference
    margin : float
    family : int
        Comparisons in it.
    """
    size = abs(found.mean)
    stricter = norm.ppf(1 - LEVEL / 2 / family) / norm.ppf(1 - LEVEL)  # than the 90 % interval
    goals = [size / stricter, margin - size]  # half widths of that interval
    return min(found.count_needed(goal) for goal in goals if goal > 0)


def _two_of(found, taken):
    """The best of the scores that are taken, and the best of the others; if any will do, the worst.

    Rounding decides nothing: of scores with equal means it is the first.
    """
    means = dict(zip(SCORES, found.values.mean(axis=0).round(DIGITS), strict=True))
    best = max(taken, key=means.get)
    others = [score for score in SCORES if score not in taken]
    if others:
        return best, max(others, key=means.get)
    return best, min((score for score in SCORES if score != best), key=means.get)


def _compare(found, pairs, verdicts, first, second):
    """The comparison of two scores: Compared."""
    means = dict(zip(SCORES, found.values.mean(axis=0), strict=True))
    d, sign = (pairs[first, second], 1) if (first, second) in pairs else (pairs[second, first], -1)
    low, high = sorted((sign * d.low, sign * d.high))
    images, networks = (len(set(found.factors[name])) for name in ("image", "network"))
    both = means[first], means[second]
    verdict = verdicts[first, second]
    return Compared(first, second, both, sign * d.mean, low, high, images, networks, verdict)


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
        p_values = [d.p for of_method in pairs.values() for d in of_method.values()]
        family = iter(holm(p_values))
        for method, (found, margin) in pools.items():
            adjusted = [next(family) for _ in pairs[method]]
            cells[method, question] = decide_cell(
                found, pairs[method], adjusted, len(p_values), margin, method, question
            )
    return [cells[method, question] for method in METHODS for question in QUESTIONS]


def _agreed(cell, again):
    """The cell, undecided if another seed takes other scores."""
    if cell.scores == again.scores:
        return cell
    why = f"it hangs on the seed of the bootstrap: {cell.because}"
    needed = max(cell.needed, again.needed)
    return cell._replace(scores=(), because=why, needed=needed)


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
