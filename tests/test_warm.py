"""Processes forked from a warm interpreter behave like fresh ones."""

import os
import shlex
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests.conftest import WARM

PROGRAM = """
import os, sys, time
import numpy
print(sys.argv[1:], os.getcwd() == sys.argv[1], os.environ["MARK"], hasattr(numpy, "left_behind"))
numpy.left_behind = True
print("on stderr", file=sys.stderr)
if "wait" in sys.argv:
    print("waiting", flush=True)
    time.sleep(60)
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture(params=["warm", "cold"])
def call(request, tmp_path):
    """How to start the program, with a server and without."""
    environment = {**os.environ, "MARK": "set by the caller"}
    environment["WARM_PYTHON"] = "nowhere"
    if request.param == "warm":
        environment["WARM_PYTHON"] = request.getfixturevalue("warm_server")
    (tmp_path / "program.py").write_text(PROGRAM)
    return {
        "args": [sys.executable, "-SE", WARM, "program", tmp_path],
        "cwd": tmp_path,
        "env": environment,
        "text": True,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        # what a shell starts in the background ignores Ctrl-C, and so would all that it starts
        "preexec_fn": partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    }


@pytest.mark.parametrize("status", ["0", "3"])
def test_arguments_folder_environment_output_and_status_are_those_of_the_caller(call, status):
    folder = str(call["cwd"])
    for _ in range(2):  # the second run finds nothing of the first
        ended = subprocess.run(**{**call, "args": [*call["args"], status]})
        assert ended.stdout == f"{[folder, status]} True set by the caller False\n"
        assert ended.stderr == "on stderr\n"
        assert ended.returncode == int(status)


def wait_for_start(process):
    while "waiting" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_run(call, number):
    with subprocess.Popen(**{**call, "args": [*call["args"], "0", "wait"]}) as process:
        wait_for_start(process)
        process.send_signal(number)
        assert process.wait(timeout=120) != 0


def test_a_killed_caller_takes_its_run_with_it(call):
    with subprocess.Popen(**{**call, "args": [*call["args"], "0", "wait"]}) as process:
        wait_for_start(process)
        process.kill()
        # the run holds the other end of this pipe, and would for a minute
        assert process.stdout.read() == ""


def test_a_run_ends_when_the_caller_of_its_caller_is_killed(call, warm_server):
    """As a kernel has to when papermill is killed."""
    line = shlex.join(map(str, [*call["args"], "0", "wait"])) + "; true"
    environment = {**call["env"], "WARM_PYTHON": warm_server}
    with subprocess.Popen(**{**call, "args": ["bash", "-c", line], "env": environment}) as process:
        wait_for_start(process)
        process.kill()
        assert process.stdout.read() == ""
