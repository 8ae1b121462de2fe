"""The study asked again: with other images, by `notebooks/8_plan_again.md`, and other networks."""

import json
from pathlib import Path
from typing import NamedTuple

from xai_utils.files import write_atomically
from xai_utils.study.best.cells import Cell
from xai_utils.study.best.decision import differences, fill_table, pool_question, primary_rows
from xai_utils.study.best.hypotheses import BORNE_OUT, OPEN, PAIR, REFUTED
from xai_utils.study.best.losses import LOSSES, cells_by_loss, loss_of
from xai_utils.study.best.plan import QUESTIONS

METHOD, QUESTION = "grad_cam", next(iter(QUESTIONS))
ALL = "all"  # networks, whatever their loss
SAID_AGAIN, NOT_AGAIN, CONTRADICTED = "said again", "not said again", "contradicted"


class OfNetwork(NamedTuple):
    """Log-odds minus logit in one network, for Grad-CAM and where the class is.

    Attributes
    ----------
    network : str
    mean, low, high : float
        With the ends of its 95 % interval.
    """

    network: str
    mean: float
    low: float
    high: float


def differences_by_network(table):
    """Log-odds minus logit in each network that is no copy with other logits: list of OfNetwork.

    Parameters
    ----------
    table : Table
    """
    found = []
    for network in table.present("network"):
        own = primary_rows(table.where(network=network))
        shown = differences(pool_question(own, METHOD, QUESTION)[0]).get(PAIR) if len(own) else None
        if shown:
            found.append(OfNetwork(network, shown.mean, shown.low, shown.high))
    return found


def turns_with_the_loss(found, losses=LOSSES):
    """The verdict on H5, H6 and H7: above zero in each network with a softmax, below with sigmoids.

    Parameters
    ----------
    found : list of OfNetwork
    losses : sequence of {"softmax", "sigmoid"}
        With which there have to be networks; otherwise it is open.

    Returns
    -------
    {"borne out", "refuted", "open"}
    """
    signs = [1 if loss_of(n.network) == "softmax" else -1 for n in found]
    ends = [sorted((s * n.low, s * n.high)) for s, n in zip(signs, found, strict=True)]
    if any(high < 0 for _, high in ends):
        return REFUTED
    there = set(losses) == {loss_of(n.network) for n in found}
    return BORNE_OUT if there and all(low > 0 for low, _ in ends) else OPEN


def all_cells(table):
    """The decision tables of all networks, and of those of each loss: dict of list of Cell."""
    return {ALL: fill_table(table), **cells_by_loss(table)}


def compare_cells(first, again):
    """What another run says of each cell that a first one decided.

    Parameters
    ----------
    first, again : dict of list of Cell
        From `all_cells`.

    Returns
    -------
    list of (str, Cell, Cell, str)
        The networks that it is of, both cells, and "said again", "contradicted" (another score is
        better than one that the first run takes) or "not said again".
    """
    found = []
    for name, cells in first.items():
        others = _by_case(again.get(name, ()))
        for cell in (cell for cell in cells if cell.scores):
            other = others.get((cell.method, cell.question))
            if other is not None:
                found.append((name, cell, other, _said(cell, other)))
    return found


def _by_case(cells):
    return {(cell.method, cell.question): cell for cell in cells}


def _said(cell, other):
    if any(worse in cell.scores for _, worse in other.better):
        return CONTRADICTED
    return SAID_AGAIN if other.scores == cell.scores else NOT_AGAIN


def confirm(first, again):
    """The cells of a first run, those undecided that a second run does not say again.

    The images that a decision would take are the larger number of both.

    Parameters
    ----------
    first, again : dict of list of Cell
        From `all_cells`; a second run may lack some, or all.

    Returns
    -------
    dict of list of Cell
    """
    return {name: _confirmed(cells, again.get(name, ())) for name, cells in first.items()}


def _confirmed(cells, again):
    others = _by_case(again)
    return [_agreed(cell, others.get((cell.method, cell.question), cell)) for cell in cells]


def _agreed(cell, other):
    """The cell of a first run, after a second."""
    if not cell.scores:
        return cell._replace(needed=max(cell.needed, other.needed))
    said = _said(cell, other)
    if said == SAID_AGAIN:
        return cell
    because = f"{said} with other images: {cell.because}, and then {other.because}"
    return cell._replace(scores=(), because=because, needed=other.needed)


def write_again(path, table):
    """Write what `compare_cells` and `turns_with_the_loss` need of a table, as JSON."""
    cells = {
        name: [[c.method, c.question, c.scores, c.because, c.needed, c.better] for c in cells]
        for name, cells in all_cells(table).items()
    }
    content = {"networks": differences_by_network(table), "cells": cells}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_atomically(Path(path), lambda file: file.write(text.encode()))


def read_again(path):
    """Read what `write_again` wrote: list of OfNetwork, and dict of list of Cell."""
    content = json.loads(Path(path).read_text("utf-8"))
    cells = {
        name: [
            Cell(*names, tuple(scores), because, needed, better=tuple(map(tuple, better)))
            for *names, scores, because, needed, better in rows
        ]
        for name, rows in content["cells"].items()
    }
    return [OfNetwork(*row) for row in content["networks"]], cells
