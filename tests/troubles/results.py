"""Heatmaps, their records, figures, and the parameters of notebooks."""

import gzip
import json
from errno import ENOSPC
from functools import partial
from os import strerror
from unittest import mock

import keras
import numpy as np
from PIL import Image

from tests.networks import dense, small
from tests.troubles import Trouble
from xai_utils import (
    heatmap_grid,
    load_classifier,
    load_result,
    normalise,
    overlay,
    save_figure,
    save_result,
    softmax_score_diagram,
)
from xai_utils.checks import check_choice
from xai_utils.files import write_atomically
from xai_utils.results import _sha256
from xai_utils.shelf import Shelf
from xai_utils.split import Points, Site
from xai_utils.study.best.cases import Source, draw_tiles, find_photographs, make_case
from xai_utils.study.best.examples import Example, examples_figure
from xai_utils.study.best.heads import measure_heads
from xai_utils.study.best.plan import read_seed
from xai_utils.study.best.table import read_table
from xai_utils.study.best.texts import put_answer
from xai_utils.study.claims import CLAIMS, check_equal, read_claims
from xai_utils.study.confidence import top_shares
from xai_utils.study.statistics import paired_difference
from xai_utils.study.verdicts import HOLDS, Verdicts

TITLE = "Results, figures and notebooks"

HEATMAP = np.eye(3, dtype=np.float32)
RECORD = {
    **dict.fromkeys(("model", "weights_sha256", "preprocessing", "layer"), "one"),
    **dict.fromkeys(("class", "class_index", "image_sha256"), "one"),
    "method": "grad_cam",
    "score": "post",
    "parameters": {},
    "heatmap_sha256": _sha256(HEATMAP),
}


def one_claim_twice(folder):
    header, first, *_ = CLAIMS.read_text("utf-8").splitlines(keepends=True)
    (folder / "claims.csv").write_text(header + first + first, "utf-8")
    read_claims(folder / "claims.csv")


def two_verdicts(folder):
    verdicts = Verdicts()
    for _ in "ab":
        verdicts.conclude("II-B-maps", "evidence", HOLDS)


def save_two_classes(folder):
    save_result(folder, HEATMAP, RECORD)
    save_result(folder, HEATMAP, {**RECORD, "class": "two"})


def mosaic_of_the_unsure(folder):
    keras.utils.set_random_seed(1)
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(folder / "black.png")
    network = load_classifier(small(dense()), "none")
    draw_tiles(Source(network, find_photographs(folder)), 0)


def examples_of_another_network(folder):
    network = load_classifier("vgg19-mini")
    wrong = [Example(make_case("one", Source(network), 0), 0, rank=0.5, shares=(0.0, 0.0))]
    examples_figure(network, "block5_pool", wrong, "Examples")


def read_another_table(folder):
    with gzip.open(folder / "table.csv.gz", "wt") as file:
        file.write("mine,yours\n1,2\n")
    read_table(folder / "table.csv.gz")


def load_changed(folder, change):
    """Save a result, change its record's text, and load it."""
    _, text = save_result(folder, HEATMAP, RECORD)
    text.write_text(change(text.read_text()))
    load_result(folder, "grad_cam", "post")


def save_into_a_file(folder):
    (folder / "results").write_text("a file where a folder should be")
    write_atomically(folder / "results" / "map.npz", lambda file: file.write(b"map"))


def grid_of_two_classes(folder):
    cells = [("grad_cam", "post"), ("grad_cam", "log")]
    records = {cell: {**RECORD, "class": cell[1]} for cell in cells}
    heatmap_grid(np.zeros((4, 4, 3), np.uint8), dict.fromkeys(cells, HEATMAP), records, "title")


def save_two_figures(folder):
    for image in ("cat", "dog"):
        diagram = softmax_score_diagram("mini", "layer")
        save_figure(diagram, folder / "figure_1", {"notebook": "index.ipynb", "image": image})


def shelve_on_a_full_disk(folder):
    pixels = Site(*np.ones((3, 1, 8, 8, 3)))
    points = Points(np.zeros(1), np.zeros(1), Site(*np.ones((3, 1, 2, 2, 1))), pixels)
    with mock.patch("tempfile.TemporaryFile", side_effect=OSError(ENOSPC, strerror(ENOSPC))):
        Shelf()[0.0] = points


TROUBLES = [
    Trouble(
        "'…' is there already, of a run with another …, and is not replaced: choose another "
        "folder, as with -p results results/second, or delete it",
        "The files of a result are named after method and score. The folder holds a result of the "
        "same method and score that depends on something else: another image, class, network, "
        "preprocessing, layer or parameter, as the message says. A run that is repeated replaces its own result.",
        "Give each image, class and network a folder of its own: `-p results results/my_cat`. If "
        "the old result is no longer wanted, delete it. `weights_sha256` means that the network "
        "has been trained again since.",
        save_two_classes,
    ),
    Trouble(
        "'…' is there already, made with another …, and is not replaced: choose another folder, as "
        "with -p figures figures/second, or delete it",
        "The folder holds a figure of this name that was made by another notebook, or with other "
        "parameters, as the message says. A run that is repeated replaces its own figures.",
        "Give each image, class and network a folder of its own: `-p figures figures/my_cat`.",
        save_two_figures,
    ),
    Trouble(
        "the record is of another heatmap; make it with make_record for this one",
        "The record has the checksum of its heatmap, and the heatmap that is to be saved with it "
        "has another.",
        "Call `make_record` with the heatmap that is saved.",
        lambda folder: save_result(folder, 2 * HEATMAP, RECORD),
    ),
    Trouble(
        "cannot write '…' in the folder '…': …; free some space there, or choose a folder that can "
        "be written to",
        "The disk is full, the folder may only be read, or its name is that of a file. Nothing "
        "half-written is left under the name; what was there before is still there.",
        "Free some space, or choose another folder: `-p results` or `-p figures`.",
        save_into_a_file,
    ),
    Trouble(
        "no result of … with score '…' in '…'; run 'make figures', or papermill "
        "notebooks/methods/….ipynb with -p score … -p results …",
        "The notebook puts together what others have computed, and this combination is missing.",
        "Run `make figures`, or the papermill command of the message.",
        lambda folder: load_result(folder, "grad_cam", "odds"),
    ),
    Trouble(
        "the result '…' (.npz and .json) cannot be read (…: …); delete both files and run … again",
        "One of the two files is not what was written: it has been edited, or damaged.",
        "Delete both files and run the method again.",
        partial(load_changed, change=lambda text: text[:40]),
    ),
    Trouble(
        "the heatmap and the record of '…' (.npz and .json) are not of one run: it was "
        "interrupted, or an older version wrote them; run … again",
        "The record has the checksum of its heatmap, and the heatmap beside it has another: the "
        "run stopped between the two files, or they come from two runs.",
        "Run the method again.",
        partial(
            load_changed, change=lambda text: json.dumps({**json.loads(text), "heatmap_sha256": ""})
        ),
    ),
    Trouble(
        "the heatmap is empty or holds values that are not finite; check the weights and the "
        "preprocessing of the network",
        "A map with NaN or infinity has no maximum to be divided by.",
        "Look for NaN in the weights, and for a division by zero in the preprocessing.",
        lambda folder: normalise(np.full((2, 2), np.nan)),
    ),
    Trouble(
        "only a heatmap >= 0 can be laid over an image; this one is signed",
        "The colours of an overlay stand for values from zero to the maximum.",
        "Lay `abs(heatmap)` or `heatmap.clip(0)` over the image, and say which.",
        lambda folder: overlay(np.zeros((4, 4, 3), np.uint8), -HEATMAP),
    ),
    Trouble(
        "the heatmaps of one grid must have one …",
        "A grid compares methods and scores on one image and one class; these records differ.",
        "Draw a grid for each image and class.",
        grid_of_two_classes,
    ),
    Trouble(
        "no parameter '…'; …Allowed: …",
        "Papermill was given a parameter that the notebook does not have.",
        "Take one of the listed names; the nearest is proposed.",
        lambda folder: check_choice("parameter", "traget", ["target"]),
    ),
    Trouble(
        "…: shapes … and … differ",
        "A notebook compares the two sides of a claim, and they have different shapes.",
        "Undo what was changed in the cells above.",
        lambda folder: check_equal("claim", [1], [1, 2], 0.1),
    ),
    Trouble(
        "…: differ by …, allowed is …",
        "A claim that the notebook states does not hold with these parameters to the tolerance "
        "of the cell.",
        "With the notebook's own parameters this is an error of this repository; with others, "
        "read the text of the cell: it says when the claim holds.",
        lambda folder: check_equal("claim", [1], [2], 0.1),
    ),
    Trouble(
        "… has … rows with the id of another",
        "Two claims in the table of claims have one id.",
        "Give one of them another id, and its cell the tag that goes with it.",
        one_claim_twice,
    ),
    Trouble(
        "claim … has its verdict already",
        "Two cells of the discussion conclude on one claim.",
        "Let one cell test a claim, or make it two claims.",
        two_verdicts,
    ),
    Trouble(
        "… is sure of only … classes among … images, and a mosaic needs …: leave mosaics out, or use images that it was trained for",
        "The study of scores puts images together that the network is sure of, and finds too few.",
        "Give it images of the classes that it was trained for.",
        mosaic_of_the_unsure,
    ),
    Trouble(
        "… photographs for the … classes of …: one for each class is needed, named so that they sort in the order of the classes",
        "`make heads` takes the place of a photograph for its class, and trains with it.",
        "A folder with one photograph for each class, and nothing else.",
        lambda folder: list(measure_heads(load_classifier("vgg19-mini"), ["one.png"])),
    ),
    Trouble(
        "STUDY_SEED is …; a whole number from … is needed: the scenes of smaller ones are seen in "
        "training, in tests, or as samples",
        "`make study SEED=…` draws other scenes, and may not draw those that a network was trained "
        "with.",
        "`make study SEED=14`, for example.",
        lambda folder: read_seed("7"),
    ),
    Trouble(
        "no photographs in …; the study reads files that end in …, directly in that folder",
        "The folder is another one, or its images have another format.",
        "Give the folder itself, not the one above it.",
        lambda folder: find_photographs(folder),
    ),
    Trouble(
        "… has the columns …; a table of the study has …: make it again with make study",
        "The table is of another version, or is another file.",
        "`make study`, or `make study SMALL=1` for a first look.",
        read_another_table,
    ),
    Trouble(
        "the maps of … have the shares … on the object, and the table says …: it was made with "
        "another network; run make study",
        "Example maps are drawn anew, and each has to be the one that the table speaks of.",
        "`make study`, then `make answer`; or take the table and the network of one commit.",
        examples_of_another_network,
    ),
    Trouble(
        "the text has no place for the answer; it stands between … and …: put these two lines where "
        "it belongs",
        "The command that writes the study's answer replaces what stands between two marks.",
        "The two lines, one below the other, in the page or in a text cell of the notebook.",
        lambda folder: put_answer("a page", ["It is so."]),
    ),
    Trouble(
        "an interval needs at least two levels of each factor; given: …",
        "All pairs share one image, object or network: how much another would change the result "
        "cannot be known.",
        "Measure on more images, or leave the factor out.",
        lambda folder: paired_difference([1, 2], [0, 0], ["cat", "cat"]),
    ),
    Trouble(
        "the points of an adaptive path do not fit into …: …; free some space there, set TMPDIR to "
        "another folder, or give steps=... in place of tolerance=..., which keeps none",
        "The gradients at the pixels, some two megabytes a point of a photograph, wait in a "
        "temporary file until an adaptive path is complete, and the disk is full.",
        "`TMPDIR=/a/larger/disk papermill ...`, or equal steps.",
        shelve_on_a_full_disk,
    ),
    Trouble(
        "the name of … does not begin with the WordNet id of a class of ImageNet, as in 'n02123045_tabby.JPEG'; rename or remove it",
        "`benchmarks/confidence.py` counts right answers by the WordNet ids in the names of the files.",
        "Rename the file, or take it out of the folder.",
        lambda folder: top_shares(np.zeros((1, 1000)), [folder / "tabby.JPEG"]),
    ),
]
