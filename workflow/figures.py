"""Run the paper and say what came out: ``python workflow/figures.py [CORES] [imagenet]``.

With ``imagenet`` the paper is run on a network with ImageNet's classes, and its verdicts are
compared in place of the figures.

Snakemake runs what is not up to date. Whatever ends this program, the same command goes on where
it ended, and nothing that was started goes on without it.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import plan
from guard import MARK, sweep
from own_settings import ROOT, TEMPORARY, own_environment
from reproduced import compare
from verdicts import compare_verdicts

RESULTS = ROOT / "results"
LOG = RESULTS / "log" / "snakemake.txt"
LEFT_BY_A_KILL = re.compile(r"\..+\.\d+")  # what write_atomically had not finished
PATIENCE = 10  # seconds for an earlier run to put things away


def main(cores, target="all"):
    os.chdir(ROOT)
    start = time.monotonic()
    with the_only_run() as environment:
        clear_leftovers()
        with warm_interpreter(environment):
            status = run_snakemake(cores, target, environment)
        failures = describe_failures(status)
        if target == "all":
            answer = compare(RESULTS, ROOT, TEMPORARY, plan)
            (RESULTS / "reproduced.txt").write_text("\n".join(answer) + "\n", "utf-8")
        else:
            answer = compare_verdicts()
    print("\n".join(["", *answer, f"{time.monotonic() - start:.0f} seconds", *failures]))
    return 1 if failures else 0


@contextmanager
def the_only_run():
    """Hold this folder, and have a guard end all that is started in the environment given."""
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / ".running", "a+") as lock:
        _wait_for(lock)
        mark = str(ROOT)
        sweep(mark)  # of a run whose guard was killed too
        shutil.rmtree(TEMPORARY, ignore_errors=True)
        environment = own_environment()
        # the guard holds the lock as well, so that the next run waits until it has swept
        guard = subprocess.Popen(
            [sys.executable, "workflow/guard.py", mark, TEMPORARY], stdin=subprocess.PIPE,
            start_new_session=True, pass_fds=[lock.fileno()],
        )  # fmt: skip
        try:
            yield {**environment, MARK: mark}
        finally:
            guard.stdin.close()
            guard.wait()


def _wait_for(lock):
    """The lock, or the end of this program: a lock is gone with the process that held it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.seek(0)
                sys.exit(
                    f"process {lock.read().strip()} is already making the figures of this folder: "
                    "wait for it, or stop it; then run this command again"
                )
            time.sleep(0.2)
    lock.truncate(0)
    print(os.getpid(), file=lock, flush=True)


def clear_leftovers():
    """Remove what an earlier run, failed or killed, left unfinished."""
    for folder in ("running", "failed"):
        shutil.rmtree(RESULTS / folder, ignore_errors=True)
    for path in RESULTS.glob("*/.*"):
        if LEFT_BY_A_KILL.fullmatch(path.name):
            path.unlink()


@contextmanager
def warm_interpreter(environment):
    """A server of processes that have imported the libraries, see warm.py."""
    if sys.platform != "linux":  # elsewhere a fork is not safe, and every run starts cold
        yield
        return
    server = subprocess.Popen(
        [sys.executable, "workflow/warm.py", "--serve"], env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    environment["WARM_PYTHON"] = environment["JUPYTER_PATH"] = server.stdout.readline().strip()
    try:
        yield
    finally:
        server.stdin.close()
        server.wait()


def run_snakemake(cores, target, environment):
    """Run what is not up to date, and print how far it is. Returns Snakemake's exit status."""
    command = [sys.executable, "-m", "snakemake", target, "--cores", cores, "--keep-going",
               "--rerun-incomplete", "--nolock"]  # fmt: skip
    LOG.parent.mkdir(exist_ok=True)
    caller, shown = os.getppid(), 0
    with open(LOG, "w") as log:
        run = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    while run.poll() is None:
        time.sleep(0.2)
        steps = re.findall(r"^(\d+) of (\d+) steps", LOG.read_text("utf-8"), re.MULTILINE)
        if steps and int(steps[-1][0]) >= shown + int(steps[-1][1]) / 10:
            shown = int(steps[-1][0])
            print(f"{shown} of {steps[-1][1]} steps", flush=True)
        if "MAKELEVEL" in os.environ and os.getppid() != caller:
            sys.exit("make was killed")
    return run.returncode


def describe_failures(status):
    """Lines that name each failed notebook once, with its error and where to look."""
    logs = sorted((RESULTS / "failed").glob("*.txt"))
    if not status:
        return []
    if not logs:
        last = LOG.read_text("utf-8").strip().splitlines()[-10:]
        return ["", "Snakemake failed:", *last, f"see {LOG.relative_to(ROOT)}"]
    lines = ["", f"{len(logs)} notebook{'s' if len(logs) > 1 else ''} failed; the others are done."]
    for log in logs:
        notebook = log.with_suffix(".ipynb")
        seen = notebook if notebook.is_file() else log
        lines += [f"  {log.stem}: {error_of(notebook, log)}", f"      see {seen.relative_to(ROOT)}"]
    return lines


def error_of(notebook, log):
    """The error of a failed run in one line: from its notebook, else from the end of its log."""
    if notebook.is_file():
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if output["output_type"] == "error":
                    return f"{output['ename']}: {output['evalue']}".splitlines()[0]
    return (log.read_text("utf-8").strip().splitlines() or ["no word of why"])[-1]


if __name__ == "__main__":
    try:
        sys.exit(main(*(sys.argv[1:] or ["2"])))
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on from here")
