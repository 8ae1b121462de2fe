"""How far a run is: on a terminal, and nothing anywhere else."""

import sys
import time


class Progress:
    """One line on a terminal: pictures done, speed and time left.

    Parameters
    ----------
    total : int
    stream : file, optional
        Standard error, unless another is given; if it is no terminal nothing is written.
    """

    def __init__(self, total, stream=None):
        self.stream = sys.stderr if stream is None else stream
        self.total, self.seen, self.worked = total, 0, 0
        self.start = time.monotonic()

    def step(self, worked):
        """One picture more; `worked` unless it had been done before."""
        self.seen += 1
        self.worked += worked
        if not self.stream.isatty():
            return
        line = f"{self.seen}/{self.total} pictures"
        if self.worked:
            seconds = (time.monotonic() - self.start) / self.worked
            minutes, rest = divmod(round(seconds * (self.total - self.seen)), 60)
            speed = f"{seconds:.1f} s each" if seconds > 1 else f"{1 / seconds:.1f} a second"
            line += f", {speed}, {minutes}:{rest:02} left"
        end = "\n" if self.seen == self.total else ""
        self.stream.write(f"\r{line}\x1b[K{end}")
        self.stream.flush()
