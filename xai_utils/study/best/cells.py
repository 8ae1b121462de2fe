"""A cell of the decision table, and the comparison that it rests on, in words."""

from typing import NamedTuple

from xai_utils.scores import SCORES
from xai_utils.study.best.answer import in_digits

ANY = "any"
UNDECIDED = "undecided"
DIGITS = 3  # of a difference; less is rounding


class Compared(NamedTuple):
    """The comparison of two scores that a cell rests on.

    Attributes
    ----------
    first, second : str
    means : tuple of two floats
        Of the measures of the question, for each of the two.
    mean, low, high : float
        Of the paired difference, the first minus the second, with its 95 % interval.
    images, networks : int
    verdict : {"better", "worse", "equal", "undecided"}
        Of the first. A score can be taken without being better than any other: being equal to each,
        while others are undecided between them.
    """

    first: str
    second: str
    means: tuple
    mean: float
    low: float
    high: float
    images: int
    networks: int
    verdict: str

    @property
    def interval(self):
        """The difference in digits: "+0.110 [+0.100, +0.120]"."""
        return in_digits(self, DIGITS)

    def __str__(self):
        first, second = self.means
        alike = ", equal by what matters" if self.verdict == "equal" else ""
        return (
            f"{first:.2f} with {self.first} against {second:.2f} with {self.second}, "
            f"{self.interval}{alike}, n = {count_of(self.images, 'image')}, "
            f"{count_of(self.networks, 'network')}"
        )


def count_of(number, noun):
    """A number with its noun: "1 image", "1,200 images"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


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
    compared : Compared or None
        What the sentence says; None if there are too few images.
    better : tuple of (str, str)
        Pairs of scores of which the first is better.
    """

    method: str
    question: str
    scores: tuple
    because: str
    needed: int = 0
    compared: Compared | None = None
    better: tuple = ()

    @property
    def answer(self):
        """In a word: "odds", "odds or log", "any", or "undecided (n = 800)"."""
        if not self.scores:
            return f"{UNDECIDED} (n = {self.needed})" if self.needed else UNDECIDED
        return ANY if len(self.scores) == len(SCORES) else " or ".join(self.scores)
