"""Files that appear under their name only when they are complete."""

import csv
import gzip
import io
import os
import secrets
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path, write):
    """Write a file that appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
        Its folder is made if need be; ``~`` is the home folder.
    write : callable
        Called with a binary file to write to.

    Raises
    ------
    OSError
        If the disk is full, or the folder cannot be written to; the message names both.
    """
    path = Path(os.path.expanduser(path))
    # a name of its own: on a shared disk another machine may write the same file
    unfinished = path.with_name(f".{path.name}.{secrets.randbits(64)}")
    with naming_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(unfinished, "wb") as file:
                write(file)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def naming_file(path):
    """An error of the disk names the file and its folder."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"cannot write {path.name!r} in the folder {str(path.parent.absolute())!r}: "
            f"{error.strerror or error}; free some space there, or choose a folder that can be "
            f"written to"
        ) from error


def write_packed_table(path, columns, rows):
    """Write compressed CSV, the same bytes for the same rows: no name and no time is in the file.

    Parameters
    ----------
    path : str or Path
        Ends in ``.csv.gz``; it appears under this name when it is complete.
    columns : sequence of str
    rows : iterable of sequences
    """

    def write(file):
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            text = io.TextIOWrapper(packed, "utf-8", newline="")
            table = csv.writer(text, lineterminator="\n")
            table.writerow(columns)
            table.writerows(rows)
            text.flush()

    write_atomically(path, write)
