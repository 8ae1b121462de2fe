"""A part of a report's pictures, so that several processes or machines can share the work."""

import re
from typing import NamedTuple

FOLDER = "parts"  # in that of the report: a table for each part that is done


class Part(NamedTuple):
    """One of several parts.

    Attributes
    ----------
    number, of : int
        1 <= number <= of.
    """

    number: int
    of: int

    @classmethod
    def read(cls, text):
        """The part that is meant by "3/20", the third of twenty.

        Raises
        ------
        ValueError
            If it is written otherwise, or there is no such part.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", str(text).strip(), re.ASCII)
        part = cls(*map(int, found.groups())) if found else None
        if part is None or not 1 <= part.number <= part.of:
            raise ValueError(
                f"no part {text!r}; write its number and how many there are, as 3/20, the third of "
                "twenty; the first is 1/20"
            )
        return part

    def take(self, sources):
        """Those of all pictures that are in this part: list."""
        return sources[self.number - 1 :: self.of]

    @property
    def table(self):
        """The file with its rows, within the folder of the report: str."""
        return f"{FOLDER}/{self.number}-of-{self.of}.csv"
