"""How much memory this process has taken, for tests that none takes more than it may."""

import resource
import sys

MEMORY = 2e9  # bytes


def peak_memory():
    """The most bytes that this process has held at a time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
