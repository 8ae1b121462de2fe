"""The example in CONTRIBUTING.md does what it says, and what surrounds the code agrees."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
import yaml

from xai_utils import ScoreGradients, load_image, load_result, methods
from xai_utils.report import settings
from xai_utils.study.contrast import GivenGradients

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
FUNCTION, *CELLS = re.findall(r"```python\n(.+?)```", GUIDE, re.DOTALL)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """A copy of the package with the example's function, which notebook kernels will import."""
    shutil.copytree(ROOT / "xai_utils", tmp_path / "xai_utils")
    with open(tmp_path / "xai_utils" / "methods.py", "a", encoding="utf-8") as file:
        file.write(f"\n\n{FUNCTION}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_the_function_multiplies_each_unit_by_its_own_gradient():
    namespace = dict(vars(methods))
    exec(FUNCTION, namespace)
    activations = np.array([[[[1.0, 2.0], [3.0, 0.0]]]])  # one image, two places, two channels
    gradient = np.array([[[[5.0, -1.0], [-2.0, 7.0]]]])
    found = namespace["hires_cam"](GivenGradients(activations, {"s": gradient}), "s")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[[3.0, 0.0]]])  # 5 - 2, and -6 clipped


def test_the_notebook_runs_and_saves_that_map(added, mini):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c) for c in CELLS],
        metadata={"language_info": {"name": "python"}},
    )
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, added / "hires_cam.ipynb")
    papermill.execute_notebook(
        added / "hires_cam.ipynb", added / "out.ipynb",
        {"score": "pre", "results": str(added / "results")}, progress_bar=False,
        kernel_name="python3", cwd=added,
    )  # fmt: skip
    heatmap, record = load_result(added / "results", "hires_cam", "pre")
    assert (record["class"], record["layer"]) == ("cat", "block5_pool")
    gradients = ScoreGradients(mini, [load_image("cat")], ["cat"])
    each = gradients.point_gradient("pre")[0] * gradients.activations[0]
    expected = np.maximum(each.sum(axis=-1), 0)
    np.testing.assert_allclose(heatmap, expected, atol=1e-5 * expected.max())


def test_the_places_where_a_method_is_listed_are_there():
    for name in ("POINT_METHODS", "PATH_METHODS"):
        assert f"`{name}`" in GUIDE and hasattr(settings, name)
    for path in re.findall(r"`((?:xai_utils|notebooks|tests|workflow|site)/[\w/.]+)`", GUIDE):
        assert path.endswith("hires_cam.ipynb") or (ROOT / path).exists(), path
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(?:\w+=\d+ )?make (\w+)", GUIDE)) <= set(targets)


def test_the_badges_agree_on_one_address():
    badges = re.search(r"<!-- badges -->(.*)<!-- /badges -->", README, re.DOTALL)[1]
    for workflow in re.findall(r"actions/workflows/([\w.]+?)(?:/badge.svg)?\)", badges):
        assert (ROOT / ".github" / "workflows" / workflow).exists()
    addresses = re.findall(r"(?:/v2/gh|/github|github\.com)/([\w.-]+/[\w.-]+?)[/`]", badges)
    assert len(addresses) == 8 and len(set(addresses)) == 1
    opened = set(re.findall(r"/blob/main/(\S+\.ipynb)", badges))
    methods_there = sorted((ROOT / "notebooks" / "methods").glob("*.ipynb"))
    assert sorted(opened) == [path.relative_to(ROOT).as_posix() for path in methods_there]


@pytest.mark.usefixtures("warm_kernels")
def test_a_method_notebook_runs_below_the_cell_that_installs(tmp_path):
    """As in Colab, where a first cell installs the package."""
    notebook = nbformat.read(ROOT / "notebooks" / "methods" / "grad_cam.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%pip --version"))
    nbformat.write(notebook, tmp_path / "colab.ipynb")
    papermill.execute_notebook(
        tmp_path / "colab.ipynb", tmp_path / "out.ipynb", progress_bar=False,
        kernel_name="python3", cwd=tmp_path,
    )  # fmt: skip
    assert load_result(tmp_path / "results", "grad_cam", "post")[1]["class"] == "cat"


def test_both_citations_say_the_same():
    record = json.loads((ROOT / ".zenodo.json").read_text("utf-8"))
    for name in ("title", "version", "license", "keywords"):
        assert record[name] == CITATION[name], name
    assert record["description"] == " ".join(CITATION["abstract"].split())
    assert [c["name"] for c in record["creators"]] == [a["name"] for a in CITATION["authors"]]
    cited = CITATION["references"][0]["identifiers"][0]["value"]
    assert [work["identifier"] for work in record["related_identifiers"]] == [cited]
    assert f'version = "{record["version"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
