"""Nothing outlives its run: what a run started is known by a mark in its environment.

    python workflow/guard.py MARK FOLDER

waits until standard input is closed, as it is when the run ends in whatever way, then kills what is
left of it and deletes the folder of temporary files.
"""

import shutil
import signal
import sys
import time

import psutil

MARK = "XAI_SOFTMAX_RUN"
PATIENCE = 10  # seconds for killed processes to go


def sweep(mark):
    """Kill every process whose environment has this mark, and those that they start meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while (found := marked_processes(mark)) and time.monotonic() < deadline:
        for process in found:
            process.kill()
        psutil.wait_procs(found, timeout=1)


def marked_processes(mark):
    """The living processes whose environment has this mark: list of psutil.Process."""
    return [process for process in psutil.process_iter() if _is_marked(process, mark)]


def _is_marked(process, mark):
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # ended meanwhile, or another user's
        return False


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    sweep(sys.argv[1])
    shutil.rmtree(sys.argv[2], ignore_errors=True)
