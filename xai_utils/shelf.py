"""Points of a path that wait on disk until the path is complete."""

import pickle
import tempfile


class Shelf:
    """`Points` by their place on the path, in a temporary file.

    For a photograph they are some two megabytes a point, and an adaptive path may have hundreds,
    of which the last may still change what the first counts. The file has no name and goes with
    the process.
    """

    def __init__(self):
        self._places = {}  # where the points begin in the file
        self._file = None

    def __iter__(self):
        return iter(self._places)

    def __setitem__(self, alpha, points):
        try:
            self._file = self._file or tempfile.TemporaryFile()
            place = self._file.seek(0, 2)
            pickle.dump(points, self._file, pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            raise OSError(
                f"the points of an adaptive path do not fit into {tempfile.gettempdir()!r}: "
                f"{error.strerror or error}; free some space there, set TMPDIR to another folder, "
                "or give steps=... in place of tolerance=..., which keeps none"
            ) from error
        self._places[alpha] = place

    def __getitem__(self, alpha):
        self._file.seek(self._places[alpha])
        return pickle.load(self._file)
