"""`make figures` on a small paper: what a failure, a kill or the settings of a machine do to it."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent
SMALLER = {
    r"^METHODS = \[[^]]*\]": 'METHODS = ["grad_cam"]',
    r"^SCORES = .*": 'SCORES = ["pre", "odds"]',
    r"^FIGURES = \[[^]]*\]": "FIGURES = []",
    r"^PICTURES = \{[^}]*\}": 'PICTURES = {"cat": ("cat", "cat")}',
    r"^PAPER = \{[^}]*\}": 'PAPER = {"1_softmax_gradients": ["softmax_jacobian"]}',
}
NOTEBOOK = "notebooks/1_softmax_gradients.ipynb"
VICTIMS = ("the command", "snakemake", "the whole group", "the warm server", "the command")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A small paper under git, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("template") / "small paper"
    folder.mkdir()
    for name in ("xai_utils", "workflow", "notebooks", "figures", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / ".gitignore", folder / ".gitignore")
    shutil.copyfile(ROOT / "Snakefile", folder / "Snakefile")
    text = (ROOT / "workflow" / "plan.py").read_text("utf-8")
    for pattern, replacement in SMALLER.items():
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert count == 1, pattern
    (folder / "workflow" / "plan.py").write_text(text, "utf-8")
    assert make_figures(folder).returncode == 0  # writes the table of heatmaps of this small paper
    forget_results(folder)
    shutil.rmtree(folder / ".snakemake")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=a", "-c", "user.email=b", "commit", "--quiet", "-m", "small")
    return folder


@pytest.fixture
def paper(template, tmp_path):
    return shutil.copytree(template, tmp_path / template.name)


def forget_results(folder):
    """All but the home, where Matplotlib has listed the fonts."""
    for path in (folder / "results").iterdir():
        if path.name != "home":
            path.unlink() if path.is_file() else shutil.rmtree(path)


def git(folder, *arguments):
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def command(folder):
    return [sys.executable, str(folder / "workflow" / "figures.py")]


def make_figures(folder, **environment):
    return subprocess.run(
        command(folder), capture_output=True, text=True, timeout=300,
        env={**os.environ, **environment},
    )  # fmt: skip


def heatmaps(folder):
    """All that was computed, without what says when."""
    return {p.name: p.read_bytes() for p in sorted((folder / "results").glob("cat/*.npz"))}


def processes_of(folder):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("XAI_SOFTMAX_RUN") == str(folder):
                found.append(process)
        except psutil.Error:
            pass
    return found


def break_notebook(folder):
    path = folder / NOTEBOOK
    content = json.loads(path.read_text("utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    code[2]["source"] = ['raise ValueError("broken on purpose")']
    path.write_text(json.dumps(content), "utf-8")


def test_a_failing_notebook_is_named_once_and_kept_and_the_others_are_finished(paper):
    before = {p.name: p.read_bytes() for p in (paper / "figures").iterdir()}
    break_notebook(paper)
    ended = make_figures(paper)
    assert ended.returncode == 1
    last = ended.stdout.strip().splitlines()[-3:]
    assert last == [
        "1 notebook failed; the others are done.",
        "  1_softmax_gradients: ValueError: broken on purpose",
        "      see results/failed/1_softmax_gradients.ipynb",
    ]
    assert ended.stdout.count("broken on purpose") == 1
    assert "broken on purpose" in (paper / "results/failed/1_softmax_gradients.ipynb").read_text()
    assert sorted(heatmaps(paper)) == ["grad_cam-odds.npz", "grad_cam-pre.npz"]
    assert {p.name: p.read_bytes() for p in (paper / "figures").iterdir()} == before
    git(paper, "checkout", NOTEBOOK)
    assert make_figures(paper).returncode == 0
    assert not (paper / "results" / "failed").exists()
    assert git(paper, "status", "--porcelain") == ""


def test_after_a_kill_at_any_moment_the_same_command_goes_on(paper):
    expected = None
    rng = random.Random(time.time_ns())
    for victim in VICTIMS:
        forget_results(paper)
        seconds = rng.uniform(0.5, 16)
        print(f"{victim} is killed after {seconds:.1f} s")  # shown if the test fails
        kill_while_running(paper, seconds, victim)
        ended = make_figures(paper)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        expected = expected or heatmaps(paper)
        assert heatmaps(paper) == expected
        assert git(paper, "status", "--porcelain") == ""
        assert processes_of(paper) == []
        expected_names = {".running", "1_softmax_gradients.ipynb", "cat", "figures", "home", "log"}
        left = {p.name for p in (paper / "results").iterdir() if p.name != "running"}
        assert left == {*expected_names, "reproduced.txt"}
        assert list((paper / "results").glob("running/*")) == []


def kill_while_running(folder, seconds, victim):
    with subprocess.Popen(
        command(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        try:
            run.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            if victim == "the whole group":
                os.killpg(run.pid, signal.SIGKILL)
            elif victim == "the command":
                run.kill()
            else:
                named = {"snakemake": "snakemake", "the warm server": "workflow/warm.py"}[victim]
                for process in psutil.Process(run.pid).children():
                    if named in process.cmdline():
                        process.kill()
    deadline = time.monotonic() + 20
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(folder) == []


def test_a_second_command_says_that_the_first_is_running(paper):
    """And the first needs no home that it can write to."""
    environment = {**os.environ, "HOME": "/proc/1/no-such-home"}
    with subprocess.Popen(command(paper), stdout=subprocess.DEVNULL, env=environment) as first:
        while not (paper / "results" / "tmp").exists():
            time.sleep(0.1)
        second = make_figures(paper)
        assert second.returncode == 1
        assert f"process {first.pid} is already making the figures" in second.stderr
        assert first.wait() == 0


def test_the_settings_of_the_users_machine_change_nothing(paper, tmp_path):
    home = tmp_path / "home"
    (home / ".keras").mkdir(parents=True)
    settings = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float16"}
    (home / ".keras" / "keras.json").write_text(json.dumps(settings))
    kernel = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    spec = {"argv": ["false", "{connection_file}"], "display_name": "other", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    (home / ".config" / "matplotlib").mkdir(parents=True)
    (home / ".config" / "matplotlib" / "matplotlibrc").write_text("axes.facecolor: red\n")
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("raise SystemExit\n")
    ended = make_figures(paper, HOME=str(home), KERAS_BACKEND="torch", PYTHONPATH=str(home))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "figures: 1 of 1 are (1 to the pixel" in ended.stdout
    assert git(paper, "status", "--porcelain") == ""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_the_package_chooses_its_backend_itself(backend, tmp_path):
    code = (
        "import xai_utils, keras; print(keras.config.backend(), keras.config.image_data_format())"
    )
    environment = {**os.environ, "KERAS_BACKEND": backend, "KERAS_HOME": str(tmp_path)}
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)  # fmt: skip
    assert ended.stdout.split() == ["tensorflow", "channels_last"], ended.stderr
