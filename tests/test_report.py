"""A folder of pictures in, a report out."""

import csv
import errno
import io
import json
import multiprocessing
import os
import re
import signal
import threading
import time
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import keras
import numpy as np
import papermill
import pytest
from keras import layers
from PIL import Image

from xai_utils import (
    ScoreGradients,
    completeness,
    grad_cam,
    grad_cam_plus,
    grad_cam_plus_plus,
    integrated_gradients,
    load_classifier,
    load_image,
    load_result,
    rsi_grad_cam,
)
from xai_utils.baselines import BASELINES, baseline_image, train_baseline, undecided
from xai_utils.heatmaps import distance
from xai_utils.report import explain_folder
from xai_utils.report.caveats import find_caveats
from xai_utils.report.command import main, parser
from xai_utils.report.expected import read_labels
from xai_utils.report.explain import crop_center, most_evaluations
from xai_utils.report.histogram import histogram
from xai_utils.report.inputs import find_sources
from xai_utils.report.part import Part
from xai_utils.report.pictures import CELL, GAP, MARGIN
from xai_utils.report.progress import Progress
from xai_utils.report.settings import METHODS, Settings
from xai_utils.report.summary import advise, most_different_first, summarise
from xai_utils.report.table import _outcome, _select
from xai_utils.scores import SCORES
from xai_utils.study.saturation import LOST_ABOVE

NOTEBOOKS = Path(__file__).parent.parent / "notebooks" / "methods"
FUNCTIONS = {
    "grad_cam": grad_cam,
    "grad_cam_plus": grad_cam_plus,
    "grad_cam_plus_plus": grad_cam_plus_plus,
    "rsi_grad_cam": rsi_grad_cam,
    "integrated_gradients": integrated_gradients,
}
BAD = ["broken.png", "text.jpg"]
GOOD = [
    "a/cat.png", "b/cat.png", "cmyk.jpg", "deep.png", "grey.png", "icon.png", "logo.png",
    "panorama.jpg", "phone.jpg",
]  # fmt: skip


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A network of three classes whose probabilities are neither even nor saturated."""
    keras.utils.set_random_seed(2)
    stack = [
        keras.Input((24, 24, 3)),
        layers.Rescaling(1 / 64, offset=-2),
        layers.Conv2D(6, 3, activation="relu", kernel_initializer="he_normal"),
        layers.MaxPooling2D(2),
        layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal", name="last"),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    folder = tmp_path_factory.mktemp("model")
    keras.Sequential(stack).save(folder / "mine.keras")
    description = {"preprocessing": "none", "class_names": ["ant", "bee", "cat"]}
    (folder / "mine.json").write_text(json.dumps(description))
    return folder / "mine.keras"


@pytest.fixture(scope="module")
def classifier(model_file):
    return load_classifier(model_file)


def blots(seed, height=40, width=30):
    """A picture with large spots of colour."""
    spots = np.random.default_rng(seed).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(spots).resize((width, height), Image.Resampling.BICUBIC))


def fill(folder):
    """What people have in their folders."""
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    Image.fromarray(blots(0)).save(folder / "a" / "cat.png")
    Image.fromarray(blots(1)).save(folder / "b" / "cat.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held upright
    Image.fromarray(blots(2)).save(folder / "phone.jpg", exif=exif)
    Image.fromarray(blots(3)).convert("L").save(folder / "grey.png")
    Image.fromarray(blots(4)).convert("CMYK").save(folder / "cmyk.jpg")
    logo = Image.fromarray(blots(5))
    logo.putalpha(Image.fromarray(blots(6)[..., 0]))
    logo.save(folder / "logo.png")
    Image.fromarray(blots(7, 40, 400)).save(folder / "panorama.jpg")
    Image.fromarray(blots(8, 8, 8)).save(folder / "icon.png")
    Image.fromarray(blots(9)[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    whole = (folder / "a" / "cat.png").read_bytes()
    (folder / "broken.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "notes.txt").write_text("passed over")
    (folder / "._phone.jpg").write_bytes(b"passed over, from a Mac")
    (folder / "labels.csv").write_text("file,class\na/cat.png,ant\nphone.jpg,1\nicon.png,Cat\n")
    return folder


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("odd") / "holiday")


@pytest.fixture(scope="module")
def report(odd, classifier, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "run"
    return explain_folder(odd, classifier, odd / "labels.csv", out)


def by_name(report):
    return {row["name"]: row for row in report.rows}


def arrays(report, row):
    with np.load(report.page.parent / row["place"] / "maps.npz") as maps:
        return dict(maps)


def test_every_picture_is_a_row_and_bad_ones_have_their_reason(report):
    rows = by_name(report)
    assert sorted(rows) == sorted([*GOOD, *BAD])
    assert (report.done, report.kept, report.failed) == (len(GOOD), 0, len(BAD))
    assert "'broken.png' as an image: the file is damaged" in rows["broken.png"]["reason"]
    assert "it begins with b'this is no pictu'" in rows["text.jpg"]["reason"]
    assert rows["a/cat.png"]["place"] != rows["b/cat.png"]["place"]
    assert (rows["phone.jpg"]["width"], rows["phone.jpg"]["height"]) == (40, 30)
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    assert outcomes["b/cat.png"] == "unlabelled"
    for name, expected in (("a/cat.png", "ant"), ("phone.jpg", "bee"), ("icon.png", "cat")):
        right = rows[name]["predicted"] == expected
        assert outcomes[name] == ("right" if right else "wrong")
    assert {"right", "wrong"} & set(outcomes.values())


def test_rows_and_arrays_are_those_of_the_functions_for_one_image(report, classifier, odd):
    for name in ("a/cat.png", "logo.png", "icon.png"):
        row = by_name(report)[name]
        image = load_image(odd / name)
        y = classifier.probabilities([image])[0]
        assert row["predicted_index"] == y.argmax()
        np.testing.assert_allclose(row["probability"], y.max(), rtol=1e-6)
        classes = [row["predicted"]] + [row["rival"]] * (row["outcome"] == "wrong")
        maps = arrays(report, row)
        assert len(maps) == 1 + len(classes) * len(METHODS) * len(SCORES)
        points = []
        for of, target in zip(("predicted", "expected"), classes, strict=False):
            single = ScoreGradients(classifier, [image], [target], tolerance=0.05, max_steps=200)
            single.path("pixels")
            for method, function in FUNCTIONS.items():
                for score in SCORES:
                    expected = function(single, score)[0]
                    if method == "integrated_gradients":
                        expected = expected.sum(axis=-1)
                    largest = np.abs(expected).max()
                    key = f"{of}-{method}-{score}"
                    np.testing.assert_allclose(maps[key], expected, atol=1e-6 * largest)
                    np.testing.assert_allclose(row["raw_maxima"][key], largest, rtol=1e-6)
            balance = completeness(single, "odds", "pixels")
            kept = row["completeness"][f"{of}-integrated_gradients-odds"]
            np.testing.assert_allclose(kept["change"], balance.change[0], rtol=1e-6)
            assert kept["steps"] == balance.steps[0]
            assert kept["gap"] <= 0.05
            points.append(len(single.path("pixels").alphas[0]))
        assert most_evaluations(row["completeness"]) == max(points)
        apart = [distance(maps[f"predicted-{m}-pre"], maps[f"predicted-{m}-odds"]) for m in METHODS]
        np.testing.assert_allclose(row["distance"], np.median(apart), rtol=1e-6)


@pytest.mark.usefixtures("warm_kernels")
@pytest.mark.parametrize(
    ("method", "layer"),
    [("grad_cam", None), ("rsi_grad_cam", None), ("integrated_gradients", "input")],
)
def test_rows_and_arrays_are_those_of_the_notebook_of_the_method(
    method, layer, odd, model_file, tmp_path
):
    tolerance = 0.02
    report = explain_folder(
        odd / "logo.png", model_file, out=tmp_path / "report", layer=layer, methods=method,
        scores="odds", tolerance=tolerance, max_steps=1000,
    )  # fmt: skip
    (row,) = report.rows
    parameters = {
        "model": str(model_file), "image": str(odd / "logo.png"), "target": row["predicted"],
        "score": "odds", "results": str(tmp_path / "results"),
    }  # fmt: skip
    if row["completeness"]:
        parameters["tolerance"] = tolerance
    papermill.execute_notebook(
        NOTEBOOKS / f"{method}.ipynb", tmp_path / "out.ipynb", parameters,
        progress_bar=False, kernel_name="python3",
    )  # fmt: skip
    heatmap, record = load_result(tmp_path / "results", method, "odds")
    largest = np.abs(heatmap).max()
    found = arrays(report, row)[f"predicted-{method}-odds"]
    np.testing.assert_allclose(found, heatmap, atol=1e-6 * largest)
    assert record["class"] == row["predicted"]
    pairs = [(row["probability"], record["probability"]), (row["log_odds"], record["log_odds"])]
    for balance in row["completeness"].values():
        pairs += [(balance[key], record["completeness"][key]) for key in ("attributed", "change")]
    np.testing.assert_allclose(*zip(*pairs, strict=True), rtol=1e-6, atol=1e-6)


def test_the_difference_of_two_classes_is_the_grad_cam_of_the_difference_of_logits(
    report, classifier, odd
):
    row = by_name(report)["logo.png"]
    a, b = classifier.class_index(row["predicted"]), classifier.class_index(row["rival"])
    logits = classifier.logits([load_image(odd / "logo.png")])[0]
    np.testing.assert_allclose(row["log_odds_against_rival"], logits[a] - logits[b], rtol=1e-5)
    single = ScoreGradients(classifier, [load_image(odd / "logo.png")], [a], "last")
    gradients = single.logit_gradients[0]
    weights = (gradients[a] - gradients[b]).mean(axis=(0, 1))
    expected = np.maximum(single.activations[0] @ weights, 0)
    found = arrays(report, row)["difference"]
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def test_the_table_has_a_row_for_each_picture(report):
    with open(report.page.parent / "rows.csv", encoding="utf-8") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    assert sorted(table) == sorted([*GOOD, *BAD])
    row = by_name(report)["grey.png"]
    assert float(table["grey.png"]["log_odds"]) == row["log_odds"]
    assert float(table["grey.png"]["distance_grad_cam"]) == row["distances"]["grad_cam"]
    evaluations = most_evaluations(row["completeness"])
    assert int(table["grey.png"]["evaluations"]) == evaluations
    assert f"with {evaluations} evaluations of a path" in report.page.read_text("ascii")
    assert table["text.jpg"]["outcome"] == "failed"


def names_in(path):
    with open(path, encoding="utf-8") as file:
        return [row["name"] for row in csv.DictReader(file)]


def test_rows_begin_where_the_score_matters_most_and_end_with_failures():
    distances = {"a": 0.0, "b": None, "c": 0.9, "d": 0.2, "e": 0.9}
    rows = [{"name": n, "outcome": "right", "distance": d} for n, d in distances.items()]
    rows += [{"name": name, "outcome": "failed", "reason": "damaged"} for name in ("aa", "f")]
    for given in (rows, rows[::-1]):
        found = [row["name"] for row in most_different_first(given)]
        assert found == ["c", "e", "d", "a", "b", "aa", "f"]


def test_the_table_and_the_page_begin_where_the_score_matters_most(report):
    good = [row for row in report.rows if row["outcome"] != "failed"]
    expected = [row["name"] for row in sorted(good, key=lambda row: -row["distance"])] + BAD
    assert names_in(report.page.parent / "rows.csv") == expected
    bodies = [a for tag, a in Page(report.page.read_text("ascii")).tags if tag == "tbody"]
    assert [body["data-name"] for body in bodies] == expected
    assert expected != sorted(expected)


def test_a_finished_report_is_not_computed_again(report, odd, classifier, tmp_path):
    """But a picture that was changed, or whose expected class was, is."""
    folder = fill(tmp_path / "holiday")
    settings = {"methods": "grad_cam", "out": tmp_path / "run"}
    explain_folder(folder, classifier, folder / "labels.csv", **settings)
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "images").rglob("*.*")}
    again = explain_folder(folder, classifier, folder / "labels.csv", **settings)
    assert (again.done, again.kept, again.failed) == (0, len(GOOD), len(BAD))
    assert files == {p: p.stat().st_mtime_ns for p in files}
    Image.fromarray(blots(99)).save(folder / "grey.png")
    labels = (folder / "labels.csv").read_text().replace("Cat", "ant")
    (folder / "labels.csv").write_text(labels)
    again = explain_folder(folder, classifier, folder / "labels.csv", **settings)
    assert (again.done, again.kept) == (2, len(GOOD) - 2)
    assert by_name(again)["icon.png"]["expected"] == "ant"


def test_other_settings_are_refused_without_force(odd, classifier, tmp_path):
    run = tmp_path / "run"
    explain_folder(odd / "a", classifier, methods="grad_cam", out=run)
    with pytest.raises(ValueError, match=r"holds a report with another methods, scores, and is"):
        explain_folder(odd / "a", classifier, methods="grad_cam_plus", scores="odds", out=run)
    again = explain_folder(
        odd / "a", classifier, methods="grad_cam_plus", scores="odds", out=run, force=True
    )
    assert again.done == 1
    assert set(arrays(again, again.rows[0])) == {"predicted-grad_cam_plus-odds", "difference"}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    for force in (False, True):
        with pytest.raises(ValueError, match=r"holds files that are not of a report"):
            explain_folder(odd / "a", classifier, out=tmp_path / "mine", force=force)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_the_maps_of_other_pictures_are_not_left_in_a_report(odd, classifier, tmp_path):
    settings = {"methods": "grad_cam", "out": tmp_path / "run"}
    first = explain_folder(odd / "a", classifier, **settings)
    for options in ({}, {"part": "1/2"}):
        with pytest.raises(ValueError, match=r"maps of 1 pictures that are not among those given"):
            explain_folder(odd / "logo.png", classifier, **settings, **options)
    assert (first.page.parent / "manifest.json").is_file()
    explain_folder(odd / "logo.png", classifier, **settings, force=True)
    (place,) = (tmp_path / "run" / "images").iterdir()
    assert place.name.startswith("logo-")


def test_a_report_is_not_complete_while_a_picture_is_explained_anew(
    odd, classifier, tmp_path, monkeypatch
):
    folder = fill(tmp_path / "holiday")
    settings = {"methods": "grad_cam", "out": tmp_path / "run"}

    def stop(*_):
        raise KeyboardInterrupt

    explain_folder(folder, classifier, **settings)
    Image.fromarray(blots(99)).save(folder / "grey.png")
    monkeypatch.setattr("xai_utils.report.run.make_page", stop)
    with pytest.raises(KeyboardInterrupt):
        explain_folder(folder, classifier, **settings)
    assert not (tmp_path / "run" / "manifest.json").exists()


def die_at_a_file(number):
    """Be killed when the file of this number is complete and gets its name."""
    replace, calls = os.replace, []

    def counted(*paths):
        calls.append(paths)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*paths)

    os.replace = counted


def die_at_a_moment(seconds):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()


def run(images, model, out, prepare=None, when=None, **settings):
    """Explain a folder; beside the report a file says how many seconds it took."""
    classifier = load_classifier(model)
    if prepare:
        prepare(when)
    start = time.monotonic()
    explain_folder(images, classifier, images / "labels.csv", out, **settings)
    out.with_suffix(".seconds").write_text(str(time.monotonic() - start))
    os.kill(os.getpid(), signal.SIGTERM)  # before the killer comes


def in_a_process(*arguments, **settings):
    """Begin `run` in another process, which can be killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["xai_utils.report"])
    child = context.Process(target=run, args=arguments, kwargs=settings)
    child.start()
    return child


def ends_of(*children):
    """By which signal each ended: SIGTERM if its work was done."""
    for child in children:
        child.join()
    return [-child.exitcode for child in children]


def assert_same_report(out, report):
    """The same files, rows and arrays, but for last digits."""
    whole = report.page.parent
    assert files_below(out) == files_below(whole)
    assert names_in(out / "rows.csv") == names_in(whole / "rows.csv")
    for row in report.rows:
        if row["outcome"] == "failed":
            continue
        again = json.loads((out / row["place"] / "record.json").read_text())
        assert again.keys() == row.keys()
        assert (again["predicted"], again["warnings"]) == (row["predicted"], row["warnings"])
        np.testing.assert_allclose(again["distance"], row["distance"], rtol=1e-5)
        with np.load(out / row["place"] / "maps.npz") as maps:
            assert maps.keys() == arrays(report, row).keys()
            for name, heatmap in arrays(report, row).items():
                limit = 1e-5 * np.abs(heatmap).max()
                np.testing.assert_allclose(maps[name], heatmap, atol=limit)


def files_below(folder):
    return {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()}


def test_a_run_that_is_killed_while_it_writes_ends_with_the_same_rows_and_arrays(
    report, odd, model_file, tmp_path
):
    out = tmp_path / "run"
    for number in np.random.default_rng(5).integers(2, 14, 3):
        child = in_a_process(odd, model_file, out, die_at_a_file, int(number))
        assert ends_of(child) == [signal.SIGKILL]
        assert not (out / "manifest.json").exists()
    assert ends_of(in_a_process(odd, model_file, out)) == [signal.SIGTERM]
    assert_same_report(out, report)


def test_runs_that_are_killed_ten_times_at_any_moment_end_with_the_same_rows_and_arrays(
    report, odd, model_file, tmp_path
):
    assert ends_of(in_a_process(odd, model_file, tmp_path / "once")) == [signal.SIGTERM]
    seconds = float((tmp_path / "once.seconds").read_text())
    kills, finished, out = 0, 0, tmp_path / "0"
    for when in np.random.default_rng().uniform(0, seconds, 100):
        child = in_a_process(odd, model_file, out, die_at_a_moment, when)
        if ends_of(child) == [signal.SIGKILL]:
            kills += 1
            continue
        assert_same_report(out, report)
        if kills >= 10:
            break
        finished += 1
        out = tmp_path / str(finished)  # and begin another one
    assert kills >= 10


def test_parts_that_are_explained_side_by_side_are_one_report(report, odd, model_file, tmp_path):
    """The same part twice, too: a job may still run when its killed driver is back."""
    out = tmp_path / "run"
    parts = ["1/4", "2/4", "2/4", "3/4", "4/4"]
    children = [in_a_process(odd, model_file, out, part=part) for part in parts]
    assert ends_of(*children) == [signal.SIGTERM] * 5
    assert not (out / "manifest.json").exists()
    tables = [out / "parts" / f"{number}-of-4.csv" for number in range(1, 5)]
    names = [row["name"] for path in tables for row in csv.DictReader(path.open())]
    assert sorted(names) == sorted([*GOOD, *BAD])
    whole = explain_folder(odd, model_file, odd / "labels.csv", out)
    assert (whole.done, whole.kept, whole.failed) == (0, len(GOOD), len(BAD))
    assert_same_report(out, report)


def test_a_part_leaves_alone_what_another_is_writing(odd, classifier, tmp_path):
    settings = {"methods": "grad_cam", "out": tmp_path / "run"}
    table = explain_folder(odd, classifier, part="1/2", **settings).page
    assert table == tmp_path / "run" / "parts" / "1-of-2.csv"
    unfinished = tmp_path / "run" / "images" / ".maps.npz.123"
    unfinished.write_bytes(b"half")
    explain_folder(odd, classifier, part="2/2", **settings)
    assert unfinished.exists()
    explain_folder(odd, classifier, **settings)  # nobody else is there any more
    assert not unfinished.exists()
    with pytest.raises(ValueError, match="another scores, and is not replaced"):
        explain_folder(odd, classifier, part="1/2", scores="odds", **settings)


@pytest.mark.parametrize("part", ["0/4", "5/4", "1", "1/0", "-1/4", "1/4/2", "", "¹/4"])
def test_a_part_that_is_none_is_refused(part):
    with pytest.raises(ValueError, match=f"no part {part!r}; write its number"):
        Part.read(part)


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("after", [0, 3, 6])
def test_a_full_or_read_only_disk_is_named_and_leaves_nothing_half_written(
    odd, classifier, tmp_path, monkeypatch, reason, after
):
    replace, calls = os.replace, []

    def refuse(*paths):
        calls.append(paths)
        if len(calls) > after:
            raise OSError(reason, os.strerror(reason))
        replace(*paths)

    settings = {"methods": "grad_cam", "out": tmp_path / "run"}
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match=rf"cannot write .* {os.strerror(reason)}; free some"):
            explain_folder(odd, classifier, **settings)
    files = [p for p in (tmp_path / "run").rglob("*") if p.is_file()]
    assert len(files) == after
    for path in files:
        if path.suffix == ".npz":
            np.load(path).close()
        elif path.suffix == ".json":
            json.loads(path.read_text())
    finished = sum(path.name == "record.json" for path in files)
    again = explain_folder(odd, classifier, **settings)
    assert (again.done, again.kept) == (len(GOOD) - finished, finished)


class Page(HTMLParser):
    """What a page asks for."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def test_the_page_asks_for_nothing_outside_and_every_picture_has_a_text(report):
    text = report.page.read_text("ascii")
    tags = Page(text).tags
    pictures = [a for tag, a in tags if tag == "img"]
    assert len(pictures) >= 2 * len(GOOD)
    for picture in pictures:
        assert picture["loading"] == "lazy"
        assert len(picture["alt"]) > 20
        assert (report.page.parent / picture["src"]).is_file()
    for tag, attributes in tags:
        assert tag != "script" or "src" not in attributes
        if tag == "link":
            assert attributes["href"].startswith("data:")
        if tag == "a" and not attributes["href"].startswith(("http", "#")):
            assert (report.page.parent / attributes["href"]).exists()
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest", text)
    graphics = [a for tag, a in tags if tag == "svg"]
    assert [a["role"] for a in graphics] == ["img"]
    assert f"Histogram of the log-odds of {len(GOOD)} predicted" in graphics[0]["aria-label"]
    assert "prefers-color-scheme: dark" in text


def test_zero_has_no_sign():
    drawn = histogram(np.array([-0.4, -0.04, 0.3]))
    assert ">0</text>" in drawn
    assert "median 0.0;" in drawn
    assert "-0</text>" not in drawn


def test_the_manifest_is_complete(report):
    manifest = json.loads((report.page.parent / "manifest.json").read_text())
    assert (manifest["pictures"], manifest["failed"]) == (len(GOOD) + len(BAD), len(BAD))
    files = [p for p in report.page.parent.rglob("*") if p.is_file() and p.name != "manifest.json"]
    sizes = {p.relative_to(report.page.parent).as_posix(): p.stat().st_size for p in files}
    assert manifest["bytes"] == sizes


def test_names_that_look_like_markup_are_text(classifier, tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(blots(0)).save(tmp_path / "in" / '<b onload="x">&ü.png')
    page = explain_folder(
        tmp_path / "in", classifier, methods="grad_cam", out=tmp_path / "out"
    ).page
    assert "b" not in {tag for tag, _ in Page(page.read_text("ascii")).tags}
    assert "&lt;b onload=&quot;x&quot;&gt;&amp;&#252;.png" in page.read_text("ascii")


def test_a_folder_a_pattern_a_list_and_a_zip_are_the_same_pictures(odd, tmp_path):
    names = [source.name for source in find_sources(odd)]
    assert names == sorted([*GOOD, *BAD])
    assert [s.name for s in find_sources(f"{odd}/**/cat.png")] == ["a/cat.png", "b/cat.png"]
    (odd / "list.txt").write_text("# mine\nb/cat.png\n\ngrey.png\ncat\nb/cat.png\nmissing.png\n")
    listed = find_sources(odd / "list.txt")
    assert [s.name for s in listed] == ["b/cat.png", "cat", "grey.png", "missing.png"]
    assert listed[1].read().shape == (300, 451, 3)
    with pytest.raises(FileNotFoundError, match=r"no file 'missing.png'"):
        listed[3].read()
    (odd / "list.txt").unlink()
    with zipfile.ZipFile(tmp_path / "holiday.zip", "w") as archive:
        for name in [*names, "labels.csv", "__MACOSX/a/._cat.png"]:
            content = (odd / name).read_bytes() if (odd / name).exists() else b""
            archive.writestr(name, content)
    packed = find_sources(tmp_path / "holiday.zip")
    assert [source.name for source in packed] == names
    for source, file in zip(packed, find_sources(odd), strict=True):
        assert source.digest() == file.digest()
        if source.name in GOOD:
            np.testing.assert_array_equal(source.read(), file.read())
    with pytest.raises(ValueError, match=r"cannot read 'broken.png' as an image"):
        packed[names.index("broken.png")].read()


def test_the_report_inside_the_folder_is_not_explained(classifier, tmp_path):
    Image.fromarray(blots(0)).save(tmp_path / "one.png")
    for _ in range(2):
        report = explain_folder(tmp_path, classifier, methods="grad_cam", out=tmp_path / "report")
        assert [row["name"] for row in report.rows] == ["one.png"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_classes_are_read_from_tables_as_people_write_them(tmp_path, separator):
    lines = ["file_name,class", "a/cat.png,ant", "grey.png , bee ", "", "gone.png,ant"]
    text = "\n".join(lines).replace(",", separator)
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    labels, unknown = read_labels(tmp_path / "t.csv", GOOD)
    assert labels == {"a/cat.png": "ant", "grey.png": "bee"}
    assert unknown == ["gone.png"]


def test_an_expected_class_that_the_network_lacks_is_a_warning(odd, classifier, tmp_path):
    (tmp_path / "t.csv").write_text("cat.png,zebra\n")
    report = explain_folder(
        odd / "a", classifier, tmp_path / "t.csv", tmp_path / "run", methods="grad_cam"
    )
    (row,) = report.rows
    assert row["outcome"] == "unlabelled"
    assert any(w.startswith("Unknown class: no target class 'zebra'") for w in row["warnings"])


RECORD = {
    "width": 24, "height": 24, "log_odds": 3.0, "margin": 0.9, "predicted": "ant",
    "runner_up": "bee", "rival": "bee", "probability": 0.95, "rival_probability": 0.04,
    "completeness": {}, "outcome": "right",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "heatmap", "begins", "act"),
    [
        ({"log_odds": LOST_ABOVE + 0.1}, np.eye(3), "Saturated: ", "take the map of the log-odds"),
        (
            {"margin": 0.09}, np.eye(3), "Close: ant (0.95) and bee are within 0.1",
            "look at the difference of the two classes, in the last row of the maps",
        ),
        (
            {"width": 11, "height": 11}, np.eye(3), "Small: 11 x 11 pixels are enlarged to 24 x 24",
            "take a larger picture",
        ),
        (
            {"width": 49}, np.eye(3), "Stretched: 49 x 24 pixels are pressed into 24 x 24",
            "use --crop center",
        ),
        (
            {"outcome": "wrong", "rival_probability": 0.009}, np.eye(3), "Absent: ",
            "See what the map of ant lies on, and check the expected class",
        ),
        (
            {"label_problem": "no target class 'zebra'"}, np.eye(3),
            "Unknown class: no target class 'zebra'", "correct it in the table of classes",
        ),
        (
            {}, np.zeros((3, 3)), "a map: The map is zero everywhere",
            "Look at the map of another score or method, or choose an earlier layer",
        ),
        (
            {}, np.ones((3, 3)), "a map: The map has the same value everywhere",
            "Choose an earlier layer, or another image",
        ),
        ({}, np.ones((1, 1)), "a map: The map is a single value", "choose an earlier layer"),
        (
            {"completeness": {"x-y": {"gap": 0.2}}}, np.eye(3),
            "Incomplete: the gap of x y is up to", "raise --max-steps above 200",
        ),
    ],
)  # fmt: skip
def test_a_warning_names_what_the_reader_can_do(classifier, change, heatmap, begins, act):
    (warning,) = find_caveats({**RECORD, **change}, {"a-map": heatmap}, Settings(), classifier)
    assert warning.startswith(begins)
    assert act in warning


@pytest.mark.parametrize("change", [{}, {"log_odds": LOST_ABOVE - 0.1}])
def test_a_picture_without_a_problem_has_no_warning(classifier, change):
    assert find_caveats({**RECORD, **change}, {"a-map": np.eye(3)}, Settings(), classifier) == []


def test_a_layer_of_one_cell_is_a_warning_with_an_earlier_layer_to_choose(tmp_path, odd):
    stack = [
        keras.Input((24, 24, 3)),
        layers.Conv2D(4, 3, activation="relu", kernel_initializer="he_normal"),
        layers.Conv2D(4, 22, activation="softplus", name="one_cell"),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
    classifier = load_classifier(keras.Sequential(stack), "none")
    report = explain_folder(
        odd / "a", classifier, out=tmp_path / "run", layer="one_cell", methods="grad_cam"
    )
    warnings = [w for w in report.rows[0]["warnings"] if "single value" in w]
    assert len(warnings) == 1
    assert "choose an earlier layer" in warnings[0]


def test_distance_is_the_part_of_the_attribution_that_lies_elsewhere():
    a = np.array([[3.0, 1.0], [0.0, 0.0]])
    assert distance(a, 7 * a) == 0
    assert distance(a, [[0, 0], [0, 5.0]]) == 1
    assert distance(a, [[1.0, 1.0], [0, 0]]) == 0.25
    assert distance(a, -a) == 1
    assert distance(a, 0 * a) == 1
    assert np.isnan(distance(0 * a, 0 * a))


def test_the_summary_counts_and_advises(report):
    settings = json.loads((report.page.parent / "settings.json").read_text())
    rows = [dict(row) for row in report.rows]
    explained = [row for row in rows if row["outcome"] != "failed"]
    for number, row in enumerate(explained):
        row.update(log_odds=float(number + 10), distance=number / len(explained))
    summary = summarise(rows, settings)
    assert (summary.count, summary.lost, summary.different) == (9, 2, 4)
    examples = summary.examples()
    assert [row["distance"] for row in examples["Median"]] == [5 / 9, 4 / 9, 3 / 9]
    assert examples["Most"][0]["distance"] == 8 / 9
    assert examples["Least"][-1]["distance"] == 0
    text = " ".join(paragraph for paragraph, _ in advise(summary, settings))
    assert "would have been wrong for 2 of 9 pictures" in text
    assert "trained with independent sigmoids" in text
    assert "for 4 of 9 pictures at least half" in text
    assert re.search(r"All paths are complete to 5%, with \d+ evaluations of the network", text)


@pytest.mark.parametrize("name", ["black", "autobaseline", "blurred"])
def test_a_baseline_is_not_advised_against_by_itself(report, name):
    settings = json.loads((report.page.parent / "settings.json").read_text())
    rows = [dict(row, baseline_undecided=0.1) for row in report.rows if row["outcome"] != "failed"]
    summary = summarise(rows, settings)
    text = " ".join(part for part, _ in advise(summary, {**settings, "baseline": name}))
    tried = text.partition("Try --baseline ")[2].partition(", and")[0]
    assert f"The baseline {name} is no neutral picture" in text
    assert tried and name not in tried
    assert ("although it was trained" in text) == (name == "autobaseline")


def test_the_table_names_the_expected_class_as_the_network_does():
    row = {"outcome": "wrong", "expected": "2", "rival": "cat", "predicted": "ant"}
    assert "wrong, expected cat<" in _outcome(row)
    assert '<option value="a  b">' in _select("class", "predicted", ["a  b"])


def test_a_missing_file_of_a_list_is_named_without_the_samples(tmp_path):
    (tmp_path / "names.txt").write_text("gone.png")
    (source,) = find_sources(tmp_path / "names.txt")
    with pytest.raises(FileNotFoundError, match=r"no file 'gone.png'; the paths in a list begin"):
        source.read()


def test_baselines_are_what_they_are_called():
    image = blots(0, 48, 48)
    found = {name: baseline_image(name, image, 24, 24) for name in BASELINES}
    assert {b.shape for b in found.values()} == {(24, 24, 3)}
    assert {b.dtype for b in found.values()} == {np.dtype(np.uint8)}
    for name, value in (("black", 0), ("gray", 128), ("white", 255)):
        assert np.unique(found[name]).tolist() == [value]
    assert len(np.unique(found["mean"].reshape(-1, 3), axis=0)) == 1
    np.testing.assert_allclose(found["mean"][0, 0], image.mean(axis=(0, 1)), atol=1.5)
    np.testing.assert_allclose(found["blurred"].mean(), found["mean"].mean(), atol=4)
    assert 0 < found["blurred"].std() < image.std()
    np.testing.assert_array_equal(found["noise"], baseline_image("noise", image, 24, 24, seed=0))
    assert not np.array_equal(found["noise"], baseline_image("noise", image, 24, 24, seed=1))


def test_a_path_from_a_picture_of_its_own_begins_there(classifier):
    images = [blots(0), blots(1)]
    several = ScoreGradients(classifier, images, [0, 0], baseline="blurred", steps=8)
    for row, image in enumerate(images):
        start = baseline_image("blurred", image, 24, 24)
        single = ScoreGradients(classifier, [image], [0], baseline=start, steps=8)
        expected = rsi_grad_cam(single, "odds")[0]
        found = rsi_grad_cam(several, "odds")[row]
        np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def test_the_trained_baseline_is_dark_and_undecided(classifier):
    black = np.zeros((24, 24, 3), np.uint8)
    trained = train_baseline(classifier)
    assert undecided(classifier, trained) > undecided(classifier, black) + 0.05
    assert trained.mean() < 25
    assert undecided(classifier, trained) <= 1


def test_the_middle_is_cut_out_with_the_proportions_of_the_input():
    image = np.arange(10 * 30 * 3, dtype=np.uint16).astype(np.uint8).reshape(10, 30, 3)
    np.testing.assert_array_equal(crop_center(image, 224, 224), image[:, 10:20])
    np.testing.assert_array_equal(crop_center(image, 50, 100), image[:, 5:25])
    np.testing.assert_array_equal(
        crop_center(image.swapaxes(0, 1), 1, 1), image.swapaxes(0, 1)[10:20]
    )


def test_the_difference_of_the_classes_is_drawn_beside_the_picture_for_one_score_too(
    classifier, odd, tmp_path
):
    report = explain_folder(
        odd / "a", classifier, methods="grad_cam", scores="odds", out=tmp_path / "run"
    )
    (row,) = report.rows
    grid = Image.open(report.page.parent / row["place"] / "maps.jpg")
    assert grid.width == MARGIN + 2 * (CELL + GAP)


def test_progress_is_for_terminals_only():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, said in ((Terminal(), True), (io.StringIO(), False)):
        progress = Progress(3, stream)
        for worked in (False, True, True):
            progress.step(worked)
        assert bool(stream.getvalue()) == said
        if said:
            last = stream.getvalue().split("\r")[-1]
            assert re.match(r"3/3 pictures, .+, 0:00 left", last)


def test_the_command_says_what_it_did_and_ends_with_one_if_a_picture_failed(
    odd, model_file, tmp_path, capsys
):
    own = ["--model", str(model_file), "--methods", "grad_cam", "--out", str(tmp_path / "run")]
    assert main(["explain", str(odd), *own]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(
        "9 explained, 0 had been explained before, 2 failed\n  broken.png: "
    )
    assert printed.err == ""
    assert main(["explain", str(odd / "a"), *own[:-1], str(tmp_path / "good")]) == 0
    assert main(["explain", str(odd), *own, "--crop", "center"]) == 2
    assert "error: " in capsys.readouterr().err


def test_the_command_ends_with_one_if_a_file_cannot_be_written_and_goes_on_afterwards(
    odd, model_file, tmp_path, capsys
):
    own = ["--model", str(model_file), "--methods", "grad_cam", "--out", str(tmp_path / "run")]
    (tmp_path / "run").write_text("in the way of the folder")
    assert main(["explain", str(odd / "a"), *own]) == 1
    printed = capsys.readouterr().err
    assert f"cannot write 'settings.json' in the folder {str(tmp_path / 'run')!r}" in printed
    assert "free some space there, or choose a folder that can be written to" in printed
    (tmp_path / "run").unlink()
    assert main(["explain", str(odd / "a"), *own]) == 0
    assert main(["explain", str(tmp_path / "gone"), *own]) == 2


def test_every_option_is_explained():
    (commands,) = (a for a in parser()._actions if a.choices and "explain" in a.choices)
    for action in commands.choices["explain"]._actions:
        assert len(action.help) > 10, action.dest


def test_a_report_that_goes_on_begins_at_the_same_trained_baseline(tmp_path, classifier, odd):
    def explain():
        return explain_folder(
            odd, classifier, out=tmp_path / "report", baseline="autobaseline",
            methods="rsi_grad_cam", tolerance=0.5,
        )  # fmt: skip

    explain()
    before = (tmp_path / "report" / "baseline.png").read_bytes()
    (tmp_path / "report" / "manifest.json").unlink()
    changed = np.asarray(Image.open(tmp_path / "report" / "baseline.png")) + np.uint8(1)
    Image.fromarray(changed).save(tmp_path / "report" / "baseline.png")
    explain()  # does not train another one
    assert (np.asarray(Image.open(tmp_path / "report" / "baseline.png")) == changed).all()
    assert (tmp_path / "report" / "baseline.png").read_bytes() != before
