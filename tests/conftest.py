"""Networks and scenes that several tests share."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.networks import SHAPE
from xai_utils import load_classifier
from xai_utils.embedded.evaluation import TEST_STREAM
from xai_utils.embedded.scenes import make_scene

# these take longest, and start first, so that no core is left alone with one of them at the end;
# the Makefile keeps xdist from another order
LONG = (
    "test_completeness.py",
    "test_workflow.py",
    "test_vgg19_mini.py",
    "test_claims.py",
    "test_random_networks.py",
)
WARM = Path(__file__).parent.parent / "workflow" / "warm.py"
CHECK_STREAM = TEST_STREAM + 1  # scenes that neither training nor the model card has seen


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def mini():
    return load_classifier("vgg19-mini")


@pytest.fixture(scope="session")
def scenes():
    """Twenty scenes with one object each, on held-out backgrounds."""
    return [make_scene((CHECK_STREAM, i), backgrounds="held_out") for i in range(20)]


@pytest.fixture(scope="session")
def tiny_model():
    """A small smooth float64 network with a softmax: finite differences are exact on it."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((10, 12, 3), dtype="float64"),
        keras.layers.Rescaling(1 / 128, offset=-1, dtype="float64"),
        keras.layers.Conv2D(5, 3, activation="softplus", name="conv", dtype="float64"),
        keras.layers.AveragePooling2D(2, name="pool", dtype="float64"),
        keras.layers.Flatten(dtype="float64"),
        keras.layers.Dense(6, activation="tanh", dtype="float64"),
        keras.layers.Dense(
            4, activation="softmax", kernel_initializer="he_normal", dtype="float64"
        ),
    ]
    return keras.Sequential(layers, name="tiny")


@pytest.fixture(scope="session")
def tiny(tiny_model):
    return load_classifier(tiny_model, "none", ["ant", "bee", "cat", "dog"])


@pytest.fixture(scope="session")
def noise_images():
    """Three random images at the size of the tiny network's input."""
    return list(np.random.default_rng(3).integers(0, 256, (3, 10, 12, 3), dtype=np.uint8))


@pytest.fixture
def seed():
    """Small networks with the same weights in each test."""
    keras.utils.set_random_seed(4)


@pytest.fixture
def images():
    """Three random images at the size of the small networks' input."""
    return list(np.random.default_rng(0).integers(0, 256, (3, *SHAPE), dtype=np.uint8))


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright; where one of them is missing the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(
        filter(
            None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))
        ),
        None,
    )
    if path is None:
        pytest.skip("no Chromium on the path: apt install chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def warm_server():
    """The folder of a server of processes that have imported the libraries, see warm.py."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, WARM, "--serve"], stdin=pipe, stdout=pipe, text=True) as process:  # fmt: skip
        folder = process.stdout.readline().strip()
        yield folder
        process.stdin.close()
    assert process.returncode == 0
    assert not Path(folder).exists()


@pytest.fixture
def warm_kernels(request, monkeypatch):
    """Notebooks start as they do in `make figures`, in forks of one process."""
    if sys.platform == "linux":
        folder = request.getfixturevalue("warm_server")
        monkeypatch.setenv("WARM_PYTHON", folder)
        monkeypatch.setenv("JUPYTER_PATH", folder)


@pytest.fixture
def small_disk():
    """No file may grow beyond 4 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
