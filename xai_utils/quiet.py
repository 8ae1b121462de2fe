"""Silence for libraries that write to stderr from C, whatever they are told."""

import os
from contextlib import contextmanager


@contextmanager
def quiet_stderr():
    """Silence the process's stderr: what is written to file descriptor 2 goes nowhere."""
    with open(os.devnull, "w") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
