"""Points of a path that wait on disk until the path is complete."""

import tempfile

import numpy as np


class Shelf:
    """`Points` by their place on the path; gradients at the pixels lie in a temporary file.

    For a photograph they are some two megabytes a point, and an adaptive path may have hundreds,
    of which the last may still change what the first counts. The file has no name and goes with
    the process.
    """

    def __init__(self):
        self._rest = {}  # what is small, and where the pixels begin in the file
        self._file = None

    def __iter__(self):
        return iter(self._rest)

    def __setitem__(self, alpha, points):
        places = [self._write(array) for array in points.pixels]
        self._rest[alpha] = points._replace(pixels=()), type(points.pixels), places

    def __getitem__(self, alpha):
        points, site, places = self._rest[alpha]
        arrays = [self._read(place) for place in places]
        return points._replace(pixels=site(*arrays)) if arrays else points

    def _write(self, array):
        if len(array) == 0:  # a gradient that no score needs
            return None
        try:
            self._file = self._file or tempfile.TemporaryFile()
            place = self._file.seek(0, 2)
            np.save(self._file, array)
            self._file.flush()
        except OSError as error:
            raise OSError(
                f"the points of an adaptive path do not fit into {tempfile.gettempdir()!r}: "
                f"{error.strerror or error}; free some space there, set TMPDIR to another folder, "
                "or give steps=... in place of tolerance=..., which keeps none"
            ) from error
        return place

    def _read(self, place):
        if place is None:
            return ()
        self._file.seek(place)
        return np.load(self._file)
