"""The claims that the notebooks test, listed in notebooks/claims.csv, and how one is checked."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLAIMS = Path(__file__).parents[2] / "notebooks" / "claims.csv"
NOT_REACHED = "not reached"
SOURCES = {"paper": "the paper", "sequel": "its sequel", "here": "this project"}


@dataclass(frozen=True)
class Claim:
    """A row of the table.

    Attributes
    ----------
    id : str
        The cell that tests it carries the tag "claim-" followed by this.
    section : str
        Of the paper: "II-B", or "Fig. 2".
    equation : str
        The paper's numbers, or empty.
    source : {"paper", "sequel", "here"}
        Who claims it.
    claim : str
        One sentence.
    notebook : str
        The file that tests it, without its ending.
    rule : str
        From the evidence to the verdict.
    tolerance : str
        A number, or empty.
    verdict : str
        Of the run with the default parameters.
    verdict_on_imagenet : str
        Of `make imagenet`, on efficientnet-lite0; NOT_REACHED if it does not come to the cell.
    """

    id: str
    section: str
    equation: str
    source: str
    claim: str
    notebook: str
    rule: str
    tolerance: str
    verdict: str
    verdict_on_imagenet: str


def read_claims(path=CLAIMS):
    """The table of claims: dict from id to `Claim`, in the order of the file.

    Raises
    ------
    ValueError
        If two rows have one id.
    """
    with open(path, encoding="utf-8", newline="") as file:
        rows = [Claim(**row) for row in csv.DictReader(file)]
    claims = {row.id: row for row in rows}
    if len(claims) < len(rows):
        raise ValueError(f"{path.name} has {len(rows) - len(claims)} rows with the id of another")
    return claims


def concordance(claims):
    """Where each claim is tested, as a table in Markdown.

    Parameters
    ----------
    claims : dict of Claim

    Returns
    -------
    str
        One row for each claim; the paper's come first.
    """
    lines = [
        "| section | equation | claim | tested in | verdict | on ImageNet's classes |",
        "|---|---|---|---|---|---|",
    ]
    for source, name in SOURCES.items():
        lines.append(f"| **{name}** | | | | | |")
        for row in (c for c in claims.values() if c.source == source):
            link = f"[{row.notebook.split('_')[0]}]({row.notebook}.ipynb)"
            if not row.notebook[0].isdigit():
                link = f"[{row.notebook}]({row.notebook}.ipynb)"
            lines.append(
                f"| {row.section} | {row.equation} | {row.claim} | {link} | {row.verdict} | "
                f"{row.verdict_on_imagenet} |"
            )
    return "\n".join(lines)


def check_equal(claim, left, right, tolerance):
    """Print that two sides of a claim are equal, or stop with an error.

    Parameters
    ----------
    claim : str
        What is compared, for the message.
    left, right : array_like
        Of one shape.
    tolerance : float
        Allowed difference, relative to the largest absolute value of `right`.

    Raises
    ------
    AssertionError
        If they differ by more, or hold values that are not finite.
    """
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if left.shape != right.shape:
        raise AssertionError(f"{claim}: shapes {left.shape} and {right.shape} differ")
    difference = np.abs(left - right).max() / np.abs(right).max()
    if not difference <= tolerance:
        raise AssertionError(f"{claim}: differ by {difference:.2g}, allowed is {tolerance:g}")
    print(f"{claim}: equal to {tolerance:g}")
