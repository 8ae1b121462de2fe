"""The explorer: its choices, the sentences beside its controls, and its notebook in a browser."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import papermill
import pytest
from PIL import Image

from xai_utils import ScoreGradients, grad_cam, load_classifier, load_image, load_result
from xai_utils.explore import Explorer
from xai_utils.explore.bench import Bench
from xai_utils.explore.choices import Choices, Refused

ROOT = Path(__file__).parent.parent
PATIENCE = 480  # seconds for a kernel that starts on a busy machine
QUICK = Choices(methods=("grad_cam",), scores=("pre", "odds"))


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture
def own_network(tmp_path, seed):
    """A small network in a file, with a description beside it; two of its classes share a name."""
    layers = [
        keras.Input((16, 16, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(4, 3, activation="relu", name="last"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    keras.Sequential(layers).save(tmp_path / "own.keras")
    described = {"preprocessing": "none", "class_names": ["crane", "bee", "crane"]}
    (tmp_path / "own.json").write_text(json.dumps(described))
    return tmp_path / "own.keras"


def test_the_heatmaps_are_those_of_the_methods(bench, mini):
    explanation = bench.explain(QUICK)
    gradients = ScoreGradients(mini, [load_image("cat")], ["cat"])
    for score in QUICK.scores:
        heatmap = explanation.heatmaps["grad_cam", score]
        np.testing.assert_allclose(heatmap, grad_cam(gradients, score)[0], rtol=1e-5)


def test_what_is_left_open_is_the_most_probable_class_and_the_last_layer(bench):
    shown = bench.explain(replace(QUICK, image="cup")).choices
    assert (shown.target, shown.layer) == ("cup", "block5_pool")


def test_a_path_keeps_the_promised_tolerance_for_every_score(bench):
    choices = Choices(methods=("rsi_grad_cam",), tolerance=0.2)
    explanation = bench.explain(choices)
    for score in choices.scores:
        assert explanation.records["rsi_grad_cam", score]["completeness"]["gap"] <= 0.2


def test_another_score_computes_only_itself(bench, monkeypatch):
    bench.explain(QUICK)
    monkeypatch.setattr("xai_utils.explore.bench.ScoreGradients", None)
    told = []
    bench.explain(replace(QUICK, scores=("odds",)), lambda *progress: told.append(progress))
    assert told == [(0, 1, "the network"), (0, 1, "Grad-CAM, odds")]


def test_a_network_that_was_trained_on_is_loaded_again(bench, own_network):
    choices = replace(QUICK, model=str(own_network), target="bee")
    before = bench.explain(choices).records["grad_cam", "pre"]["weights_sha256"]
    model = keras.models.load_model(own_network)
    model.layers[-1].bias.assign([0.0, 1.0, 0.0])
    model.save(own_network)
    after = bench.explain(choices).records["grad_cam", "pre"]["weights_sha256"]
    assert before != after == load_classifier(own_network).weights_sha256()


@pytest.mark.parametrize(("given", "index"), [("0", 0), ("2", 2), ("crane (2)", 2), ("Bee", 1)])
def test_a_class_is_given_by_its_name_or_index(bench, own_network, given, index):
    explanation = bench.explain(replace(QUICK, model=str(own_network), target=given))
    assert explanation.choices.target == ("crane (0)", "bee", "crane (2)")[index]
    assert explanation.records["grad_cam", "pre"]["class_index"] == index


@pytest.mark.parametrize(
    ("control", "value", "sentence"),
    [
        ("image", "cta", "no image file and no sample image 'cta'"),
        ("model", "vgg19-mimi", "no model 'vgg19-mimi'; did you mean 'vgg19-mini'?"),
        ("target", "cap", "no target class 'cap'"),
        ("layer", "block9", "no layer 'block9'"),
        ("methods", (), "methods is empty"),
        ("scores", (), "scores is empty"),
        ("baseline", "blak", "no baseline 'blak'; did you mean 'black'?"),
        ("tolerance", 0.0, "tolerance must be a number > 0"),
    ],
)
def test_a_wrong_choice_is_blamed_on_its_control(bench, control, value, sentence):
    with pytest.raises(Refused, match=re.escape(sentence)) as refused:
        bench.explain(replace(QUICK, **{control: value}))
    assert refused.value.control == control


@pytest.fixture(scope="module")
def explorer():
    return Explorer(methods="grad_cam", scores="pre odds")


def test_the_sentence_stands_beside_the_control_and_no_picture_is_shown(explorer):
    assert explorer.explanation.choices.target == "cat"
    assert "data:image" in explorer.picture.value
    explorer.controls["image"].value = "<b>"
    assert 'role="alert"' in explorer.problems["image"].value
    assert "&lt;b&gt;" in explorer.problems["image"].value
    assert not any(p.value for name, p in explorer.problems.items() if name != "image")
    assert explorer.picture.value == "" and explorer.save_button.disabled
    with pytest.raises(Refused, match="no image file"):
        explorer.explanation  # noqa: B018
    explorer.controls["image"].value = "cat"
    assert explorer.problems["image"].value == ""
    assert "data:image" in explorer.picture.value and not explorer.save_button.disabled


def test_the_description_names_the_methods_and_scores_that_are_drawn(explorer):
    explorer.controls["scores"].boxes["log"].value = True
    assert 'alt="cat: heatmaps of Grad-CAM (rows), for pre, log, odds (columns)"' in (
        explorer.picture.value
    )
    explorer.controls["scores"].boxes["log"].value = False
    assert explorer.choices.scores == ("pre", "odds")


def test_classes_and_layers_of_the_network_are_offered(explorer, mini):
    assert explorer.controls["target"].options == mini.class_names
    assert explorer.controls["layer"].options == mini.layer_names


def test_an_error_of_another_kind_is_shown_too(explorer, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("no memory left")

    monkeypatch.setattr(explorer._bench, "explain", fail)
    explorer._update()
    assert "RuntimeError: no memory left" in explorer.status.value
    monkeypatch.undo()
    explorer._update()
    assert "alert" not in explorer.status.value


def test_unknown_methods_and_scores_stop_at_once():
    with pytest.raises(ValueError, match="no score 'odd'; did you mean 'odds'"):
        Explorer(scores="odd")


def test_saved_are_the_picture_and_each_heatmap_with_its_record(explorer, tmp_path):
    explorer.folder.value = str(tmp_path / "one")
    explorer.save_button.click()
    stems = ("grad_cam-odds", "grad_cam-pre")
    expected = [
        "heatmaps.pdf",
        "heatmaps.png",
        *(f"{s}.{e}" for s in stems for e in ("json", "npz")),
    ]
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(expected)
    with Image.open(tmp_path / "one" / "heatmaps.png") as picture:
        assert json.loads(picture.text["Description"])["target"] == "cat"
    explorer.controls["image"].value = "cup"
    explorer.save_button.click()
    assert "is there already" in explorer.problems["folder"].value
    assert load_result(tmp_path / "one", "grad_cam", "odds")[1]["class"] == "cat"
    explorer.controls["image"].value = "cat"


@pytest.mark.usefixtures("warm_kernels")
def test_the_command_makes_the_same(explorer, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    explorer.controls["image"].value = "cat"
    folder = tmp_path / "of command"
    program, notebook, _, *given = shlex.split(explorer.explanation.command(folder))
    assert program == "papermill"
    assert set(given[::3]) <= {"-p", "-r"}
    parameters = dict(zip(given[1::3], given[2::3], strict=True))
    parameters["tolerance"] = float(parameters["tolerance"])
    papermill.execute_notebook(
        ROOT / notebook, tmp_path / "out.ipynb", parameters, progress_bar=False,
        kernel_name="python3",
    )  # fmt: skip
    for cell, heatmap in explorer.explanation.heatmaps.items():
        found, record = load_result(folder, *cell)
        np.testing.assert_allclose(found, heatmap, rtol=1e-5)
        assert record["parameters"] == explorer.explanation.records[cell]["parameters"]


def test_the_command_is_for_the_folder_of_the_repository(explorer, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    command = explorer.explanation.command("results/mine")
    assert command.startswith(
        "papermill --cwd notebooks notebooks/explore.ipynb out.ipynb -r image "
    )
    assert command.endswith("-r results results/mine")


@pytest.fixture
def lab(tmp_path):
    """JupyterLab with a copy of the notebook that has one method: its address."""
    pytest.importorskip("jupyterlab_widgets", reason="ipywidgets is not installed")
    notebook = (ROOT / "notebooks" / "explore.ipynb").read_text("utf-8")
    (tmp_path / "explore.ipynb").write_text(notebook.replace("grad_cam rsi_grad_cam", "grad_cam"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    own = {**os.environ, "HOME": str(tmp_path)}  # no settings of the user's
    with open(tmp_path / "log.txt", "w") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=own, stdout=log, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}/lab/tree/explore.ipynb?reset"
    try:
        _wait_for(address, server, tmp_path / "log.txt")
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_for(address, server, log):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(address)
            return
        except OSError:
            assert server.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.5)


def test_in_jupyterlab_another_score_changes_the_picture(lab, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.set_default_timeout(1000 * PATIENCE)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(lab)
    page.get_by_text("(ipykernel) | Idle").wait_for()  # cells that run before it are lost
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    picture = page.locator("img[alt^='cat: heatmaps of Grad-CAM (rows), for pre, post, log, odds']")
    picture.first.wait_for()
    before = picture.first.get_attribute("src")

    page.get_by_label("post", exact=True).uncheck()
    changed = page.locator("img[alt^='cat: heatmaps of Grad-CAM (rows), for pre, log, odds']")
    changed.wait_for()
    assert changed.get_attribute("src") != before

    field = page.get_by_label("image", exact=True)
    field.fill("cta")
    field.press("Enter")
    page.get_by_role("alert").filter(has_text="no image file and no sample image 'cta'").wait_for()
    assert changed.count() == 0
    assert {
        url for url in requests if "127.0.0.1" not in url and not url.startswith("data:")
    } == set()
    page.close()
