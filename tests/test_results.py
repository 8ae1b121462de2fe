"""What is written to files, and what is not."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from xai_utils import (
    ScoreGradients,
    attribution_figure,
    grad_cam,
    heatmap_grid,
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
from xai_utils.figures import format_probability
from xai_utils.heatmaps import pointing_hit, share_inside
from xai_utils.results import write_atomically


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
    assert "raw maximum" in figure.axes[1].get_xlabel()
    plt.close("all")


def test_a_zero_map_is_labelled(result, mini):
    record = {**result[1], "raw_maximum": 0.0}
    figure = attribution_figure(
        load_image("cat"), np.zeros((7, 7), np.float32), record, [("cat", 1.0)]
    )
    assert figure.axes[1].get_xlabel() == "zero everywhere"
    plt.close("all")


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
