"""The answer of `make figures`: what is the same, and what takes the place of the committed."""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "workflow"))
from reproduced import COLUMNS, INVISIBLE, compare

PICTURE = np.full((4, 5, 3), 100, np.uint8)
ROW = dict(zip(COLUMNS, ("cat", "rsi_grad_cam", "post", "cat", "16.7", "0.0139", "0.0550"), strict=True))  # fmt: skip


@pytest.fixture
def folders(tmp_path):
    """Results, a repository with the same figure, notebook and heatmap, and a temporary folder."""
    made, committed, temporary = (tmp_path / n for n in ("results", "repository", "tmp"))
    temporary.mkdir()
    for folder in (made / "figures", committed / "figures"):
        write_figure(folder / "figure_1", PICTURE)
    for folder in (made, committed / "notebooks"):
        write_notebook(folder / "1_paper.ipynb", ["0.99\n"], ["of this machine\n"])
    write_record(made, 16.7, 0.0139, 0.055)
    write_table(committed, ROW)
    return made, committed, temporary, Plan


class Plan:
    """What was to be made."""

    figures = staticmethod(lambda: ["figure_1", "figure_2"])
    notebooks = staticmethod(lambda: ["1_paper", "2_failed"])
    heatmaps = staticmethod(lambda: ["cat/rsi_grad_cam-post", "cat/rsi_grad_cam-odds"])


def write_figure(stem, pixels):
    stem.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(f"{stem}.png")
    Path(f"{stem}.pdf").write_bytes(pixels.tobytes())


def write_notebook(path, printed, ignored):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [
        {"metadata": {"tags": tags}, "outputs": [{"output_type": "stream", "text": text}]}
        for tags, text in (([], printed), (["nbval-ignore-output"], ignored))
    ]
    path.write_text(json.dumps({"cells": [{"metadata": {}}, *cells]}))


def write_record(made, log_odds, raw_maximum, gap):
    record = {"method": "rsi_grad_cam", "score": "post", "class": "cat", "log_odds": log_odds,
              "raw_maximum": raw_maximum, "completeness": {"gap": gap}}  # fmt: skip
    (made / "cat").mkdir(exist_ok=True)
    (made / "cat" / "rsi_grad_cam-post.json").write_text(json.dumps(record))


def write_table(committed, *rows):
    with open(committed / "figures" / "heatmaps.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_results_are_called_the_same(folders):
    before = contents(folders[1])
    assert compare(*folders)[1:] == [
        "figures: 1 of 1 are (1 to the pixel, 0 to the eye)",
        "printed results: 1 of 1 notebooks, word for word",
        "heatmaps: 1 of 1 to one per cent",
    ]
    assert contents(folders[1]) == before


def test_rounding_that_nobody_sees_changes_no_file_of_the_repository(folders):
    made, committed, *_ = folders
    before = contents(committed)
    write_figure(made / "figures" / "figure_1", PICTURE + np.uint8(INVISIBLE))
    write_notebook(made / "1_paper.ipynb", ["0.99\n"], ["of another machine\n"])
    write_record(made, 16.72, 0.01385, 0.0570)
    assert compare(*folders)[1:] == [
        "figures: 1 of 1 are (0 to the pixel, 1 to the eye)",
        "printed results: 1 of 1 notebooks, word for word",
        "heatmaps: 1 of 1 to one per cent",
    ]
    assert contents(committed) == before


def test_a_figure_that_looks_different_takes_the_place_of_the_committed_and_is_named(folders):
    made, committed, *_ = folders
    pixels = PICTURE.copy()
    pixels[1, 2, 0] += INVISIBLE + 1
    write_figure(made / "figures" / "figure_1", pixels)
    answer = compare(*folders)
    assert answer[1] == "figures: 0 of 1 are (0 to the pixel, 0 to the eye)"
    assert answer[2].startswith("  figure_1: differs by 17 of 255")
    assert (committed / "figures" / "figure_1.pdf").read_bytes() == pixels.tobytes()
    np.testing.assert_array_equal(Image.open(committed / "figures" / "figure_1.png"), pixels)


def test_a_new_figure_and_one_of_another_size_are_named(folders):
    made, *_ = folders
    write_figure(made / "figures" / "figure_1", PICTURE[:3])
    write_figure(made / "figures" / "figure_2", PICTURE)
    answer = compare(*folders)
    assert [line.split(":")[0] for line in answer[2:4]] == ["  figure_1", "  figure_2"]
    assert compare(*folders)[1] == "figures: 2 of 2 are (2 to the pixel, 0 to the eye)"


def test_a_line_that_is_printed_differently_is_shown_with_the_committed_one(folders):
    write_notebook(folders[0] / "1_paper.ipynb", ["0.98\n"], [])
    answer = compare(*folders)
    assert answer[2] == "printed results: 0 of 1 notebooks, word for word"
    assert answer[3] == "  1_paper: prints '0.98', the repository has '0.99'"


@pytest.mark.parametrize("values", [(16.9, 0.0139, 0.055), (16.7, 0.0143, 0.055), (16.7, 0.0139, 0.07)])  # fmt: skip
def test_a_heatmap_that_differs_is_named_and_the_table_written_anew(folders, values):
    write_record(folders[0], *values)
    assert compare(*folders)[-2:] == [
        "heatmaps: 0 of 1 to one per cent",
        "  cat/rsi_grad_cam/post: differs; see git diff",
    ]
    assert compare(*folders)[-1] == "heatmaps: 1 of 1 to one per cent"


def test_results_of_the_user_and_of_an_older_version_are_left_alone(folders):
    made, committed, *_ = folders
    write_figure(made / "figures" / "figure_of_old", PICTURE)
    write_notebook(made / "4_renamed.ipynb", ["0.5\n"], [])
    (made / "my_dog").mkdir()
    shutil.copyfile(made / "cat" / "rsi_grad_cam-post.json", made / "my_dog" / "grad_cam-post.json")
    before = contents(committed)
    assert compare(*folders)[1:] == [
        "figures: 1 of 1 are (1 to the pixel, 0 to the eye)",
        "printed results: 1 of 1 notebooks, word for word",
        "heatmaps: 1 of 1 to one per cent",
    ]
    assert contents(committed) == before
