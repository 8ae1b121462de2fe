"""Verdicts on the claims, each with its evidence, filed as they are reached."""

from collections import Counter

from xai_utils.checks import check_choice
from xai_utils.study.claims import SOURCES, read_claims

HOLDS = "holds"
CONDITION = "holds with a condition"
FAILS = "does not hold here"
OPEN = "needs other evidence"
VERDICTS = (HOLDS, CONDITION, FAILS, OPEN)


def whether(holds):
    """ "holds" or "does not hold here"."""
    return HOLDS if holds else FAILS


def how_many(cases):
    """The verdict on a claim about several cases, of which some may have it.

    Parameters
    ----------
    cases : sequence of bool

    Returns
    -------
    str
        It holds if all have it, with a condition if some have it, and not if none has.
    """
    return HOLDS if all(cases) else CONDITION if any(cases) else FAILS


def in_comparisons(better, worse, count):
    """The verdict on a claim that something is better, after several comparisons.

    Parameters
    ----------
    better, worse : int
        In how many it is clearly so.
    count : int
        Of all comparisons.

    Returns
    -------
    str
        It does not hold if it is clearly worse anywhere, holds if it is clearly better everywhere,
        with a condition if somewhere, and needs other evidence if nothing is clear.
    """
    if worse:
        return FAILS
    return HOLDS if better == count else CONDITION if better else OPEN


class Verdicts:
    """The verdicts of one run of the discussion.

    Attributes
    ----------
    claims : dict of Claim
        The table that the claims are looked up in.
    filed : list of (str, str, str)
        Id, evidence and verdict, in the order in which they were reached.
    """

    def __init__(self):
        self.claims = read_claims()
        self.filed = []

    def conclude(self, id, evidence, verdict):
        """File a verdict and print it with the claim and its evidence.

        Raises
        ------
        ValueError
            If there is no such claim or verdict, or the claim has been decided before.
        """
        check_choice("claim", id, self.claims)
        check_choice("verdict", verdict, VERDICTS)
        if any(id == earlier for earlier, _, _ in self.filed):
            raise ValueError(f"claim {id!r} has its verdict already")
        self.filed.append((id, evidence, verdict))
        print(f"{id}: {self.claims[id].claim}\n    {evidence} -> {verdict}")

    def of(self, id):
        """The verdict on a claim that has been decided."""
        return next(verdict for earlier, _, verdict in self.filed if earlier == id)

    def table(self):
        """All verdicts with their evidence, as a table in Markdown."""
        lines = ["| claim | evidence | verdict |", "|---|---|---|"]
        lines += [f"| {id} | {evidence} | {verdict} |" for id, evidence, verdict in self.filed]
        return "\n".join(lines)

    def tally(self):
        """How many claims of each source have each verdict: text in columns."""
        counts = Counter((self.claims[id].source, verdict) for id, _, verdict in self.filed)
        lines = [" " * 24 + "".join(f"{name:>14}" for name in SOURCES.values())]
        for verdict in VERDICTS:
            lines.append(f"{verdict:24}" + "".join(f"{counts[s, verdict]:14}" for s in SOURCES))
        return "\n".join(lines)
