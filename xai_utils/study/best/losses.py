"""Does the answer turn with the loss that a network was trained with? Not planned: exploratory."""

from xai_utils.study.best.decision import fill_table

LOSSES = ("softmax", "sigmoid")


def loss_of(network):
    """How the outputs of a network were read in its training: "softmax" or "sigmoid".

    Other trainings and last layers are named after it, as "sigmoid-0" and "sigmoid-head"; all other
    networks have a softmax.
    """
    return "sigmoid" if network.startswith("sigmoid-") else "softmax"


def cells_by_loss(table):
    """The decision table of the networks of each loss: dict from loss to list of Cell.

    Parameters
    ----------
    table : Table

    Returns
    -------
    dict
        Without a loss that no network was trained with.
    """
    networks = table.present("network")
    found = {loss: [n for n in networks if loss_of(n) == loss] for loss in LOSSES}
    return {loss: fill_table(table.where(network=own)) for loss, own in found.items() if own}


def turned_cells(by_loss):
    """Pairs of cells, of the two losses, in which no score is to be taken with both.

    Parameters
    ----------
    by_loss : dict
        From `cells_by_loss`.

    Returns
    -------
    list of (Cell, Cell)
        Of the softmax first; the pair with the largest differences first.
    """
    if len(by_loss) < len(LOSSES):
        return []
    pairs = [
        pair
        for pair in zip(*map(by_loss.get, LOSSES), strict=True)
        if all(c.scores and c.compared.verdict == "better" for c in pair)
        and not set(pair[0].scores) & set(pair[1].scores)
    ]
    return sorted(pairs, key=lambda pair: -sum(cell.compared.mean for cell in pair))
