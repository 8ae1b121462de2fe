"""One tidy table: a row for each image, network, layer, method, score, measure and judge."""

import csv
import gzip
from array import array
from collections import defaultdict
from itertools import count, islice
from pathlib import Path

import numpy as np

from xai_utils.files import write_atomically, write_packed_table

TEXTS = (
    "network", "layer", "head", "kind", "image", "object", "class", "method", "score", "measure",
    "judge", "bin",
)  # fmt: skip
NUMBERS = ("value", "log_odds", "p2", "rivals")
COLUMNS = (*TEXTS, *NUMBERS)
NO_LOGITS = dict.fromkeys(NUMBERS[1:], float("nan"))  # of a row that is of no image's logits
DIGITS = 6  # of a number, significant: more would hang on the processor
BATCH = 500  # rows that are read at a time: columns of them fit a cache


def write_table(path, rows):
    """Write rows as compressed CSV, the same bytes for the same rows.

    Parameters
    ----------
    path : str or Path
        Ends in ``.csv.gz``; it appears under this name when it is complete.
    rows : iterable of dict
        With the keys of COLUMNS.
    """
    cells = (
        [*(row[name] for name in TEXTS), *(f"{row[name]:.{DIGITS}g}" for name in NUMBERS)]
        for row in rows
    )
    write_packed_table(path, COLUMNS, cells)


def merge_tables(path, parts):
    """Put tables together, in the order given, line by line.

    Parameters
    ----------
    path : str or Path
    parts : sequence of str or Path

    Raises
    ------
    ValueError
        If one of them has other columns.
    """

    def write(file):
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            packed.write((",".join(COLUMNS) + "\n").encode())
            for part in parts:
                with gzip.open(part, "rb") as lines:
                    _check_columns(part, next(lines, b"").decode().strip().split(","))
                    packed.writelines(lines)

    write_atomically(Path(path), write)


def _check_columns(path, columns):
    if tuple(columns) != COLUMNS:
        raise ValueError(
            f"{str(path)!r} has the columns {', '.join(columns)}; a table of the study has "
            f"{', '.join(COLUMNS)}: make it again with make study"
        )


class Table:
    """A table in memory: texts as codes, numbers as they are.

    Attributes
    ----------
    names : dict of list of str
        By column of text, its different values in the order of the table.
    codes : dict of ndarray, int32 (rows,)
        By column of text, the places in `names`.
    numbers : dict of ndarray, float64 (rows,)
    """

    def __init__(self, names, codes, numbers):
        self.names, self.codes, self.numbers = names, codes, numbers

    def __len__(self):
        return len(self.numbers["value"])

    def values(self, column):
        """A column of text with its rows: ndarray of str (rows,)."""
        return np.array(self.names[column])[self.codes[column]]

    def where(self, **equal):
        """The rows in which columns of text have these values: Table.

        Parameters
        ----------
        **equal : str, or a sequence of them
            By column.
        """
        kept = np.ones(len(self), bool)
        for column, wanted in equal.items():
            wanted = (wanted,) if isinstance(wanted, str) else wanted
            codes = [i for i, name in enumerate(self.names[column]) if name in wanted]
            kept &= np.isin(self.codes[column], codes)
        return self.rows(kept)

    def rows(self, kept):
        """Some of the rows, by a boolean for each: Table."""
        codes = {name: column[kept] for name, column in self.codes.items()}
        return Table(self.names, codes, {n: column[kept] for n, column in self.numbers.items()})

    def as_scores(self, column):
        """The same rows with another column of text in place of the score: Table.

        For example methods, which are compared as scores are.
        """
        return Table(
            {**self.names, "score": self.names[column]},
            {**self.codes, "score": self.codes[column]},
            self.numbers,
        )

    def present(self, column):
        """The values of a column of text that have a row, in the order of `names`: list of str."""
        return [self.names[column][code] for code in np.unique(self.codes[column])]


def read_table(path):
    """Read what `write_table` or `merge_tables` wrote: Table.

    Raises
    ------
    ValueError
        If it has other columns.
    """
    places = {name: defaultdict(count().__next__) for name in TEXTS}  # a new text, a new code
    codes, numbers = {n: array("i") for n in TEXTS}, {n: array("d") for n in NUMBERS}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        _check_columns(path, next(reader, []))
        while batch := list(islice(reader, BATCH)):
            columns = dict(zip(COLUMNS, zip(*batch, strict=True), strict=True))
            for name in TEXTS:
                codes[name].extend(map(places[name].__getitem__, columns[name]))
            for name in NUMBERS:
                numbers[name].extend(map(float, columns[name]))
    return Table(
        {name: list(found) for name, found in places.items()},
        {name: np.array(column, np.int32) for name, column in codes.items()},
        {name: np.array(column) for name, column in numbers.items()},
    )
