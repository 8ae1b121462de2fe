"""What is written to files, and what is not."""

import errno
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from xai_utils import (
    ScoreGradients,
    attribution_figure,
    grad_cam,
    heatmap_grid,
    load_classifier,
    load_image,
    load_result,
    make_record,
    normalise,
    overlay,
    resize_heatmap,
    save_figure,
    save_result,
    softmax_score_diagram,
)
from xai_utils.figures import describe_target, format_probability
from xai_utils.files import write_atomically
from xai_utils.heatmaps import describe_emptiness, describe_place, pointing_hit, share_inside


@pytest.fixture(scope="module")
def result(mini):
    gradients = ScoreGradients(mini, [load_image("cat")], ["cat"])
    heatmap = grad_cam(gradients, "post")[0]
    return heatmap, make_record("grad_cam", "post", gradients, heatmap, image="cat", target="cat")


def test_a_result_comes_back_as_it_was_saved(tmp_path, result):
    heatmap, record = result
    save_result(tmp_path / "new folder", heatmap, record)
    loaded, loaded_record = load_result(tmp_path / "new folder", "grad_cam", "post")
    np.testing.assert_array_equal(loaded, heatmap)
    assert loaded_record == record
    assert sorted(p.name for p in (tmp_path / "new folder").iterdir()) == [
        "grad_cam-post.json",
        "grad_cam-post.npz",
    ]


def test_a_record_says_what_made_the_heatmap(result, mini):
    heatmap, record = result
    assert record["raw_maximum"] == heatmap.max()
    assert record["weights_sha256"] == mini.weights_sha256()
    assert record["probability"] == pytest.approx(
        mini.probabilities([load_image("cat")])[0, 0], rel=1e-4
    )
    assert record["parameters"] == {"image": "cat", "target": "cat"}
    assert set(record["versions"]) >= {"python", "tensorflow", "keras", "numpy", "xai-utils"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_sha256", "0" * 64),
        ("class", "cup"),
        ("class_index", 1),
        ("preprocessing", "torch"),
        ("weights_sha256", "0" * 64),
        ("model", "vgg19"),
        ("layer", "block4_pool"),
        ("parameters", {"image": "cat", "target": "cat", "steps": 10}),
    ],
)
def test_a_run_with_something_else_does_not_replace_a_result(tmp_path, result, name, value):
    heatmap, record = result
    files = save_result(tmp_path, heatmap, record)
    before = [file.read_bytes() for file in files]
    with pytest.raises(ValueError, match=rf"with another {name}, and is not replaced: choose an"):
        save_result(tmp_path, heatmap, {**record, name: value})
    assert [file.read_bytes() for file in files] == before


def test_a_run_that_is_repeated_replaces_its_result(tmp_path, mini, result):
    """Also where the last digits and the versions of the packages differ."""
    heatmap, record = result
    save_result(tmp_path, heatmap, record)
    gradients = ScoreGradients(mini, [load_image("cat")], ["cat"])
    again = make_record("grad_cam", "post", gradients, 2 * heatmap, image="cat", target="cat")
    save_result(tmp_path, 2 * heatmap, {**again, "versions": {"python": "4.0"}})
    loaded, loaded_record = load_result(tmp_path, "grad_cam", "post")
    np.testing.assert_array_equal(loaded, 2 * heatmap)
    assert loaded_record["versions"] == {"python": "4.0"}


def test_a_record_says_how_pixels_were_preprocessed(tmp_path, mini):
    """The same network file with another description beside it gives another heatmap."""
    given = {"mean": [0.5] * 3, "std": [0.5] * 3}
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(3, 3),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    for preprocessing in (given, "tf"):
        gradients = ScoreGradients(load_classifier(model, preprocessing), [load_image("cat")], [0])
        heatmap = grad_cam(gradients, "odds")[0]
        record = make_record("grad_cam", "odds", gradients, heatmap)
        assert record["preprocessing"] == preprocessing
        if preprocessing == given:
            save_result(tmp_path, heatmap, record)
    with pytest.raises(ValueError, match="with another preprocessing, and is not replaced"):
        save_result(tmp_path, heatmap, record)


def test_a_result_of_an_older_version_without_preprocessing_is_replaced(tmp_path, result):
    heatmap, record = result
    _, text = save_result(tmp_path, heatmap, record)
    text.write_text(json.dumps({k: v for k, v in record.items() if k != "preprocessing"}))
    save_result(tmp_path, heatmap, record)
    assert load_result(tmp_path, "grad_cam", "post")[1] == record


@pytest.fixture
def slow_disk(monkeypatch):
    """Every file takes a tenth of a second to appear, so that two runs are at it at once."""
    replace = os.replace

    def slowly(*paths):
        time.sleep(0.1)
        replace(*paths)

    monkeypatch.setattr(os, "replace", slowly)


def at_once(*functions):
    """What each function returns or raises, called in threads of their own."""

    def call(function):
        try:
            return function()
        except ValueError as error:
            return error

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(call, functions))


def test_of_two_different_runs_at_once_one_is_saved_and_the_other_is_told(
    tmp_path, result, slow_disk
):
    heatmap, record = result
    other = {**record, "class": "cup"}
    outcomes = at_once(
        lambda: save_result(tmp_path, heatmap, record),
        lambda: save_result(tmp_path, heatmap, other),
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, ValueError)]
    assert len(errors) == 1
    assert "with another class, and is not replaced" in str(errors[0])
    kept = other if isinstance(outcomes[0], ValueError) else record
    assert load_result(tmp_path, "grad_cam", "post")[1] == kept


def test_a_result_is_whole_whenever_it_is_read(tmp_path, mini, result, slow_disk):
    """Of a run that is repeated with other last digits, the two files never come apart."""
    heatmap, record = result
    gradients = ScoreGradients(mini, [load_image("cat")], ["cat"])
    again = make_record("grad_cam", "post", gradients, 2 * heatmap, image="cat", target="cat")
    save_result(tmp_path, heatmap, record)
    saves = [
        lambda: save_result(tmp_path, 2 * heatmap, again),
        lambda: save_result(tmp_path, heatmap, record),
    ]
    loads = [lambda: load_result(tmp_path, "grad_cam", "post")] * 4
    for outcome in at_once(*saves, *loads)[2:]:
        assert not isinstance(outcome, ValueError), outcome


def test_methods_and_scores_have_files_of_their_own(tmp_path, result):
    heatmap, record = result
    save_result(tmp_path, heatmap, record)
    save_result(tmp_path, heatmap, {**record, "score": "odds"})
    save_result(tmp_path, heatmap, {**record, "method": "grad_cam_plus"})
    assert len(list(tmp_path.iterdir())) == 6


def test_a_record_that_cannot_be_read_is_not_replaced(tmp_path, result):
    (tmp_path / "grad_cam-post.json").write_text("[mine]")
    with pytest.raises(ValueError, match="it cannot be read"):
        save_result(tmp_path, *result)
    assert (tmp_path / "grad_cam-post.json").read_text() == "[mine]"


def test_a_record_of_another_heatmap_is_refused(tmp_path, result):
    with pytest.raises(ValueError, match="of another heatmap"):
        save_result(tmp_path, result[0] + 1, result[1])


def test_a_folder_may_begin_at_home(tmp_path, monkeypatch, result):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_result("~/results", *result)
    assert (tmp_path / "results" / "grad_cam-post.json").is_file()
    np.testing.assert_array_equal(load_result("~/results", "grad_cam", "post")[0], result[0])


def test_a_heatmap_beside_the_record_of_another_is_not_loaded(tmp_path, result):
    """As when the disk is full after the first of the two files."""
    heatmap, record = result
    array, text = save_result(tmp_path / "old", heatmap, record)
    with open(array, "wb") as file:
        np.savez_compressed(file, heatmap=2 * heatmap)
    with pytest.raises(ValueError, match=r"grad_cam-post' .* are not of one run"):
        load_result(tmp_path / "old", "grad_cam", "post")
    text.unlink()
    with pytest.raises(FileNotFoundError, match="no result of grad_cam"):
        load_result(tmp_path / "old", "grad_cam", "post")
    save_result(tmp_path / "old", heatmap, record)
    np.testing.assert_array_equal(load_result(tmp_path / "old", "grad_cam", "post")[0], heatmap)


@pytest.mark.parametrize("ending", ["npz", "json"])
@pytest.mark.parametrize("content", [b"", b"half", b"[1, 2]", b"PK\x03\x04 half of an archive"])
def test_a_damaged_result_is_named(tmp_path, result, ending, content):
    save_result(tmp_path, *result)
    (tmp_path / f"grad_cam-post.{ending}").write_bytes(content)
    with pytest.raises(ValueError, match=r"the result '.*grad_cam-post' \(.npz and .json\) cannot"):
        load_result(tmp_path, "grad_cam", "post")


def test_a_full_disk_is_named_with_file_and_folder_and_what_was_there_stays(
    tmp_path, mini, result, small_disk
):
    save_result(tmp_path, *result)
    noise = np.random.default_rng(0).random((100, 100))
    gradients = ScoreGradients(mini, [load_image("cat")], ["cat"])
    record = make_record("grad_cam", "post", gradients, noise, image="cat", target="cat")
    with pytest.raises(OSError, match=r"cannot write 'grad_cam-post.npz' in the folder") as caught:
        save_result(tmp_path, noise, record)
    assert str(tmp_path) in str(caught.value)
    np.testing.assert_array_equal(load_result(tmp_path, "grad_cam", "post")[0], result[0])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_figure_on_a_full_disk_is_named(tmp_path, small_disk):
    with pytest.raises(OSError, match=r"cannot write 'figure_1.png' in the folder.*File too large"):
        save_figure(softmax_score_diagram("mini", "layer"), tmp_path / "figure_1", {})
    assert list(tmp_path.iterdir()) == []
    plt.close("all")


@pytest.mark.parametrize("reason", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_may_only_be_read_is_named(tmp_path, result, monkeypatch, reason):
    def refuse(*args):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match=f"cannot write 'grad_cam-post.npz'.*{os.strerror(reason)}"):
        save_result(tmp_path / "archive", *result)
    assert list((tmp_path / "archive").iterdir()) == []


def test_a_missing_result_says_how_to_make_it(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"papermill notebooks/methods/grad_cam\.ipynb with -p score odds"
    ):
        load_result(tmp_path, "grad_cam", "odds")


def test_a_file_that_fails_half_way_leaves_nothing(tmp_path):
    (tmp_path / "kept").write_text("before")

    def fail(file):
        file.write(b"half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_atomically(tmp_path / "kept", fail)
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept").read_text() == "before"


def test_figures_carry_their_origin_and_are_the_same_again(tmp_path, result):
    def draw(name):
        cell = ("grad_cam", "post")
        figure = heatmap_grid(load_image("cat"), {cell: heatmap}, {cell: record}, "title")
        return save_figure(figure, tmp_path / name, {"notebook": "some.ipynb", "score": "post"})

    heatmap, record = result
    files = draw("figure")
    origin = json.loads(Image.open(files[0]).text["Description"])
    assert origin["notebook"] == "some.ipynb"
    assert "tensorflow" in origin["versions"]
    assert b"some.ipynb" in files[1].read_bytes()
    again = draw("again")
    assert [f.read_bytes() for f in files] == [f.read_bytes() for f in again]
    plt.close("all")


def test_a_grid_of_networks_that_differ_says_how_sure_each_is(result):
    heatmap, record = result
    twin = {**record, "model": "its twin"}
    less = {"probability": 0.25, "log_odds": -1.0986}
    unsure, trained_again = {**twin, **less}, {**record, **less}
    model = record["model"]
    for other, title, rows in (
        (twin, describe_target(record), ("block5_pool", "block5_pool")),
        (trained_again, f"title\ncat · {model}", ("block5_pool, p = ", "block5_pool, p = 0.25")),
        (unsure, "title\ncat", ("block5_pool, p = ", "block5_pool, p = 0.25")),
    ):
        cells = {("first", "post"): heatmap, ("second", "post"): heatmap}
        records = dict(zip(cells, (record, other), strict=True))
        figure = heatmap_grid(load_image("cat"), cells, records, "title")
        assert figure.get_suptitle().endswith(title)
        for ax, row in zip(figure.axes, rows, strict=False):
            assert ax.get_ylabel().splitlines()[1].startswith(row)
    plt.close("all")


def test_a_figure_of_other_parameters_is_not_replaced(tmp_path):
    source = {"notebook": "some.ipynb", "image": "cat", "scenes": 100}

    def save(source):
        return save_figure(softmax_score_diagram("mini", "layer"), tmp_path / "figure", source)

    before = [file.read_bytes() for file in save(source)]
    assert [file.read_bytes() for file in save(source)] == before
    with pytest.raises(ValueError, match="made with another image, scenes, and is not replaced"):
        save({**source, "image": "dog", "scenes": 60})
    with pytest.raises(ValueError, match="another notebook"):
        save({"notebook": "other.ipynb"})
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before[::-1]
    # a picture of unknown origin is not one that would be missed
    Image.new("RGB", (4, 4)).save(tmp_path / "figure.png")
    save(source)
    plt.close("all")


@pytest.mark.parametrize(
    ("place", "words"),
    [((0, 0), "at the upper left"), ((5, 5), "at the lower right"), ((3, 0), "at the left"),
     ((0, 3), "at the upper middle"), ((3, 3), "in the middle")],
)  # fmt: skip
def test_where_a_map_is_largest_is_said_in_words(place, words):
    heatmap = np.zeros((7, 6))
    heatmap[place] = -1
    assert describe_place(heatmap) == words


@pytest.mark.parametrize("signed", [False, True])
def test_a_figure_names_method_score_class_layer_and_model(result, mini, signed):
    heatmap, record = result
    heatmap = heatmap - heatmap.mean() if signed else heatmap
    figure = attribution_figure(
        load_image("cat"), heatmap, record, mini.top_classes(load_image("cat"))
    )
    title = figure.get_suptitle()
    for word in ("Grad-CAM", "post-softmax", "cat", "p = ", "block5_pool", "vgg19-mini"):
        assert word in title
    expected = "largest |value|" if signed else "raw maximum"
    assert expected in figure.axes[1].get_xlabel()
    plt.close("all")


def test_a_zero_map_is_labelled(result, mini):
    record = {**result[1], "raw_maximum": 0.0}
    figure = attribution_figure(
        load_image("cat"), np.zeros((7, 7), np.float32), record, [("cat", 1.0)]
    )
    assert figure.axes[1].get_xlabel() == "zero everywhere"
    plt.close("all")


SINGLE = "single value and cannot tell places apart"
ZERO, CONSTANT = "zero everywhere", "same value everywhere"


@pytest.mark.parametrize(
    ("heatmap", "warning"),
    [
        (np.zeros((7, 7)), ZERO),
        (np.full((7, 7), 0.3), CONSTANT),
        (np.full((7, 7), -2.0), CONSTANT),
        (1 + 1e-7 * np.eye(7), CONSTANT),
        (np.full((1, 1), 0.3), SINGLE),
        (np.zeros((1, 1)), SINGLE),
    ],
)
def test_a_map_that_answers_nothing_says_so_in_its_figures(result, heatmap, warning):
    (sentence,) = describe_emptiness(heatmap)
    assert warning in sentence
    figures = [
        attribution_figure(load_image("cat"), heatmap, result[1], [("cat", 1.0)]),
        heatmap_grid(load_image("cat"), {("grad_cam", "log"): heatmap}, {("grad_cam", "log"): result[1]}, "title"),
    ]  # fmt: skip
    for figure in figures:
        assert sentence in figure.get_supxlabel().replace("\n", " ")
    assert figures[1].get_supxlabel().startswith("Grad-CAM log: ")
    plt.close("all")


@pytest.mark.parametrize("heatmap", [np.eye(7) * 1e-30, 1 + 1e-3 * np.eye(7), [[0.0, 1e-9]]])
def test_a_map_that_tells_places_apart_has_no_warning(heatmap, result):
    assert describe_emptiness(np.asarray(heatmap)) == []
    figure = attribution_figure(load_image("cat"), np.asarray(heatmap), result[1], [("cat", 1.0)])
    assert figure.get_supxlabel() == ""
    plt.close("all")


def test_a_layer_of_one_position_is_warned_of_in_the_record():
    """block5_pool of a network for images of 32 x 32."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((32, 32, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(32, name="block5_pool"),
        keras.layers.Flatten(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    classifier = load_classifier(keras.Sequential(layers), "none", ["a", "b", "c"])
    gradients = ScoreGradients(classifier, [load_image("cat")], ["a"], layer="block5_pool")
    heatmap = grad_cam(gradients, "pre")[0]
    assert heatmap.shape == (1, 1)
    (warning,) = make_record("grad_cam", "pre", gradients, heatmap)["warnings"]
    assert SINGLE in warning


def test_the_record_of_a_good_map_has_no_warnings(result):
    assert result[1]["warnings"] == []


@pytest.mark.parametrize(
    "heatmap", [np.full((2, 2), np.nan), np.full((2, 2), np.inf), np.zeros((0, 2))]
)
def test_a_map_that_is_not_finite_gets_no_record(mini, heatmap):
    gradients = ScoreGradients(mini, [load_image("cat")], ["cat"])
    with pytest.raises(ValueError, match="not finite"):
        make_record("grad_cam", "post", gradients, heatmap)


def test_figure_1_names_its_layer():
    figure = softmax_score_diagram("vgg19-mini", "block5_pool")
    texts = " ".join(t.get_text() for t in figure.axes[0].texts)
    assert "block5_pool" in texts
    plt.close("all")


@pytest.mark.parametrize(
    ("probability", "log_odds", "text"),
    [
        (0.731, 1.0, "0.731"),
        (1.0, 20.0, "1 - 2e-9"),
        (0.9999, 9.21, "1 - 1e-4"),
        (1e-5, -11.5, "1e-05"),
    ],
)
def test_probabilities_near_one_keep_their_digits(probability, log_odds, text):
    assert format_probability(probability, log_odds) == text


def test_normalised_maps_have_maximum_one_and_keep_their_sign():
    np.testing.assert_array_equal(
        normalise(np.array([[0.0, 2e-30], [1e-30, 0.0]])), [[0, 1], [0.5, 0]]
    )
    np.testing.assert_array_equal(normalise(np.array([[-4.0, 2.0]])), [[-1, 0.5]])
    np.testing.assert_array_equal(normalise(np.zeros((2, 2))), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="not finite"):
        normalise(np.array([[np.nan, 1.0]]))


def test_resizing_a_constant_map_changes_nothing():
    np.testing.assert_allclose(
        resize_heatmap(np.full((7, 7), 0.3), 50, 80), np.full((50, 80), 0.3), rtol=1e-6
    )


def test_an_overlay_has_the_size_of_the_image_and_shows_the_map():
    image = np.full((20, 30, 3), 128, np.uint8)
    heatmap = np.zeros((2, 3))
    heatmap[0, 0] = 1
    picture = overlay(image, heatmap)
    assert picture.shape == image.shape
    assert picture[0, 0].sum() > picture[-1, -1].sum()
    with pytest.raises(ValueError, match="signed"):
        overlay(image, -heatmap)


def test_share_inside_a_mask():
    mask = np.zeros((4, 4), bool)
    mask[:2] = True
    assert share_inside(np.ones((4, 4)), mask) == pytest.approx(0.5)
    assert np.isnan(share_inside(np.zeros((4, 4)), mask))


def test_the_pointing_game_asks_where_the_maximum_is():
    mask = np.zeros((6, 6), bool)
    mask[:2, :2] = True
    heatmap = np.full((3, 3), 0.9)
    heatmap[0, 0] = 1
    assert pointing_hit(heatmap, mask) == 1
    assert pointing_hit(heatmap[::-1], mask) == 0
    assert pointing_hit(np.ones((6, 6)), mask) == pytest.approx(mask.mean())
    assert np.isnan(pointing_hit(-heatmap, mask))
