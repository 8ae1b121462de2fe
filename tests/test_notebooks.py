"""The notebooks as committed, and run with other parameters than their own."""

import json
import re
from pathlib import Path

import keras
import nbformat
import numpy as np
import papermill
import pytest
from PIL import Image

pytestmark = pytest.mark.usefixtures("warm_kernels")
ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
NOTEBOOKS = [p for p in NOTEBOOKS if ".ipynb_checkpoints" not in p.parts]
METHODS = ROOT / "notebooks" / "methods"
VIEW = "application/vnd.jupyter.widget-view+json"


def name(path):
    return path.relative_to(ROOT / "notebooks").as_posix()


@pytest.fixture(params=NOTEBOOKS, ids=name)
def notebook(request):
    content = json.loads(request.param.read_text("utf-8"))
    nbformat.validate(content)
    return content


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_committed_notebooks_ran_in_order_and_without_errors(notebook):
    cells = code_cells(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr", "".join(output["text"])


def test_committed_outputs_hold_no_path_and_no_timestamp(notebook):
    outputs = json.dumps([cell["outputs"] for cell in code_cells(notebook)])
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users|opt)/", outputs)
    assert "papermill" not in notebook["metadata"]
    assert not any(
        "execution" in c["metadata"] or "papermill" in c["metadata"] for c in notebook["cells"]
    )


def test_no_output_needs_the_kernel_that_made_it(notebook):
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            assert VIEW not in output.get("data", {}), "run: python workflow/widget_views.py"


def test_every_figure_carries_the_parameters_of_its_notebook(notebook):
    code = ["".join(cell["source"]) for cell in code_cells(notebook)]
    saved = re.findall(r"save_figure\(\s*figure, .+?, (\w+)", "\n".join(code[1:]))
    assert set(saved) <= {"source", "origins"}
    if saved:
        assert "**check_parameters()}" in code[1]


def test_no_output_that_is_compared_hangs_on_how_a_gap_is_rounded(notebook):
    """A completeness gap differs by a tenth between processors: it is held against far bounds."""
    code = "\n".join("".join(cell["source"]) for cell in code_cells(notebook))
    assert not re.search(r"describe_gap|round_up", code)


def test_notebooks_begin_with_a_title_and_then_their_parameters(notebook):
    assert "".join(notebook["cells"][0]["source"]).startswith("# ")
    first = code_cells(notebook)[0]
    assert first["metadata"]["tags"] == ["parameters"]
    for line in "".join(first["source"]).splitlines():
        assert re.fullmatch(r'\w+ = ("[^"]*"|[\d.]+)  # .+', line), line


def test_every_code_cell_is_short_and_follows_prose(notebook):
    for before, cell in zip(notebook["cells"], notebook["cells"][1:], strict=False):
        if cell["cell_type"] == "code":
            assert before["cell_type"] == "markdown"
            assert len(cell["source"]) <= 30


def test_pictures_are_small(notebook):
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            data = output.get("data", {})
            in_base64 = sum(len(v) for kind, v in data.items() if kind.startswith("image/"))
            assert in_base64 * 3 / 4 < 250_000


def run(notebook, folder, **parameters):
    papermill.execute_notebook(
        METHODS / f"{notebook}.ipynb", folder / "out.ipynb",
        {"results": str(folder / "results"), **parameters}, progress_bar=False, kernel_name="python3",
    )  # fmt: skip
    return {p.name: p for p in (folder / "results").iterdir()}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"traget": "cat"}, "no parameter 'traget'; did you mean 'target'"),
        ({"score": "odd"}, "no score 'odd'; did you mean 'odds'"),
        ({"image": "dog.jpg"}, "no image file and no sample image 'dog.jpg'"),
    ],
)
def test_a_wrong_parameter_stops_the_run_and_is_named(tmp_path, parameters, message):
    with pytest.raises(papermill.PapermillExecutionError, match=re.escape(message)):
        run("grad_cam", tmp_path, **parameters)
    assert not (tmp_path / "results").exists()


def test_a_second_run_with_another_class_keeps_the_first_result(tmp_path):
    parameters = {"image": "cat_and_cup", "score": "odds"}
    files = run("grad_cam", tmp_path, target="cat", **parameters)
    before = {name: path.read_bytes() for name, path in files.items()}
    with pytest.raises(
        papermill.PapermillExecutionError, match=r"another class, .*parameters, and is"
    ):
        run("grad_cam", tmp_path, target="cup", **parameters)
    assert {name: path.read_bytes() for name, path in files.items()} == before
    run("grad_cam", tmp_path, target="cat", **parameters)


def test_another_image_class_and_network(tmp_path):
    """A grey photograph of odd size and a model file of one's own, with its description."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (50, 31), dtype=np.uint8)).save(tmp_path / "mine.png")
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((32, 32, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(8, 3, activation="relu", name="last"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    keras.Sequential(layers).save(tmp_path / "mine.keras")
    (tmp_path / "mine.json").write_text('{"preprocessing": "none", "class_names": ["a", "b", "c"]}')
    parameters = {"model": str(tmp_path / "mine.keras"), "image": str(tmp_path / "mine.png")}
    files = run("rsi_grad_cam", tmp_path, layer="last", target=1, score="odds", baseline="white",
                steps=20, variant="positive_gradients", **parameters)  # fmt: skip
    assert sorted(files) == ["rsi_grad_cam-odds.json", "rsi_grad_cam-odds.npz"]
    record = json.loads(files["rsi_grad_cam-odds.json"].read_text())
    assert record["class"] == "b"
    assert record["parameters"]["steps"] == 20
    assert record["completeness"]["gap"] < 0.05
    with np.load(files["rsi_grad_cam-odds.npz"]) as arrays:
        assert arrays["heatmap"].shape == (30, 30)


def test_the_training_notebook_runs(tmp_path):
    """With few scenes and steps; it prints the mean loss of each tenth."""
    parameters = {"images": 84, "steps": 8, "weights": str(tmp_path / "w.npz")}
    parameters["checkpoint"] = str(tmp_path / "state.npz")
    notebook = papermill.execute_notebook(
        ROOT / "notebooks" / "train_vgg19_mini.ipynb", tmp_path / "out.ipynb",
        parameters, progress_bar=False, kernel_name="python3",
    )  # fmt: skip
    assert (tmp_path / "w.npz").stat().st_size > 3_000_000
    assert len(re.findall(r"step +\d+ of 10: mean loss [\d.]+", str(notebook))) == 10
