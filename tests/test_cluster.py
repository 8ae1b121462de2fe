"""A report whose parts are jobs: of this machine, and on request of a SLURM cluster of one node.

    XAI_SLURM=200 .venv/bin/python -m pytest tests/test_cluster.py

explains two hundred scenes in twenty jobs, as root on Debian, and takes about half an hour.
"""

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from xai_utils.embedded.scenes import make_scene
from xai_utils.report import explain_folder

ROOT = Path(__file__).parent.parent
STREAM = 14  # scenes that neither training nor the model card has seen
SCENES = int(os.environ.get("XAI_SLURM", "0"))
PARTS = 20
NODE = ["sh", str(ROOT / "workflow" / "one_node.sh")]


def snakemake(folder, *options, **config):
    """The command that explains what is in a folder, with its results there."""
    given = [f"{name}={value}" for name, value in config.items()]
    return [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "explain.smk"),
        "--directory", str(folder), *options, "--config", "images=images", *given,
    ]  # fmt: skip


def rows(path):
    """The table of a report, with numbers as numbers."""
    with open(path, encoding="utf-8") as file:
        return [{k: number(v) for k, v in row.items()} for row in csv.DictReader(file)]


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


def assert_same_rows(found, expected):
    assert [row["name"] for row in found] == [row["name"] for row in expected]
    for row, wanted in zip(found, expected, strict=True):
        assert row.keys() == wanted.keys()
        for key, value in wanted.items():
            if isinstance(value, str):
                assert row[key] == value, key
            else:
                np.testing.assert_allclose(row[key], value, rtol=1e-6, atol=1e-9, err_msg=key)


def records(out):
    """When each picture that is done was done."""
    return {path: path.stat().st_mtime_ns for path in out.glob("images/*/record.json")}


@pytest.fixture
def folder(tmp_path):
    """Four small pictures, one of them broken, and a network for them."""
    keras.utils.set_random_seed(3)
    stack = [
        keras.Input((16, 16, 3)),
        layers.Rescaling(1 / 64, offset=-2),
        layers.Conv2D(4, 3, activation="relu", kernel_initializer="he_normal"),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    keras.Sequential(stack).save(tmp_path / "mine.keras")
    (tmp_path / "mine.json").write_text(json.dumps({"preprocessing": "none"}))
    (tmp_path / "images").mkdir()
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3))):
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "images" / f"{index} a.png")
    (tmp_path / "images" / "text.png").write_text("this is no picture")
    return tmp_path


def test_parts_that_snakemake_runs_are_the_report_of_one_process(folder):
    own = {"model": "mine.keras", "methods": "grad_cam rsi_grad_cam", "scores": "pre odds"}
    alone = explain_folder(
        folder / "images", folder / "mine.keras", out=folder / "alone",
        methods=["grad_cam", "rsi_grad_cam"], scores=["pre", "odds"],
    )  # fmt: skip
    command = snakemake(folder, "--cores", "2", **own, out="run", parts=2)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert_same_rows(rows(folder / "run/rows.csv"), rows(alone.page.parent / "rows.csv"))
    assert (folder / "run/manifest.json").is_file()
    assert not (folder / "run/parts").exists()
    assert "text.png: cannot read" in (folder / "results/log/run-page.txt").read_text()
    again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert "Nothing to be done" in again.stderr
    wrong = snakemake(folder, "--cores", "2", **own, out="wrong", parts=2, layer="conv9")
    ended = subprocess.run(wrong, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 1
    assert "conv9" in (folder / "results/log/wrong-1.txt").read_text()
    assert not (folder / "results/log/wrong-2.txt").exists()


def why_no_cluster():
    """Why SLURM cannot be tried here, or None."""
    if not SCENES:
        return "not asked for: XAI_SLURM=200 is the number of scenes"
    if os.getuid():
        return "SLURM is installed and started by root"
    if not shutil.which("apt-get"):
        return "SLURM is installed from Debian, and there is no apt-get"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "needs: pip install snakemake-executor-plugin-slurm"
    return None


@pytest.fixture
def node():
    subprocess.run([*NODE, "start"], check=True)
    yield
    subprocess.run([*NODE, "stop"], check=True)


@pytest.mark.skipif(why_no_cluster() is not None, reason=str(why_no_cluster()))
def test_a_cluster_whose_driver_is_killed_ends_with_the_rows_of_a_local_run(node, tmp_path):
    (tmp_path / "images").mkdir()
    for index in range(SCENES):
        scene = make_scene((STREAM, index), backgrounds="held_out")
        Image.fromarray(scene.image).save(tmp_path / "images" / f"{index:03}.png")
    profile = ["--workflow-profile", str(ROOT / "profiles" / "slurm")]
    command = snakemake(tmp_path, *profile, out="run", parts=PARTS)
    with open(tmp_path / "driver.txt", "w") as log:
        driver = subprocess.Popen(command, stdout=log, stderr=log)
        while len(records(tmp_path / "run")) < SCENES / 3:
            assert driver.poll() is None, (tmp_path / "driver.txt").read_text()
            time.sleep(0.2)
        driver.kill()
        driver.wait()
    assert not (tmp_path / "run" / "manifest.json").exists()
    before = records(tmp_path / "run")
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    after = records(tmp_path / "run")
    assert len(after) == SCENES
    assert before.items() <= after.items()  # nothing is computed twice
    jobs = subprocess.run(
        ["squeue", "--states", "all", "--noheader", "--format", "%T %k"],
        check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    done = [job for job in jobs if job.startswith("COMPLETED")]
    assert len(done) >= PARTS
    print(f"{len(jobs)} jobs, {len(done)} completed; {len(before)} scenes before the kill")
    alone = [sys.executable, "-m", "xai_utils", "explain", "images", "--out", "alone"]
    subprocess.run(alone, check=True, cwd=tmp_path)
    assert_same_rows(rows(tmp_path / "run/rows.csv"), rows(tmp_path / "alone/rows.csv"))
