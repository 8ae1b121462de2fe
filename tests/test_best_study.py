"""The study of scores from networks to rows: constructed networks, and one's own."""

import gzip
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from xai_utils.scores import SCORES
from xai_utils.study.best import shards as shards_module
from xai_utils.study.best.__main__ import read_arguments
from xai_utils.study.best.cases import Case, Source, draw_tiles, find_photographs
from xai_utils.study.best.judges import judging_outputs
from xai_utils.study.best.maps import centred, edges, finer_weights, sum_cells
from xai_utils.study.best.measuring import _effects, describe_logits, measure_cases
from xai_utils.study.best.networks import find_trainings, head_kind, places_of
from xai_utils.study.best.photographs import measure_photographs
from xai_utils.study.best.plan import FULL, Paths
from xai_utils.study.best.shards import UNITS, Shard, label_of, plan_shards, run_shard
from xai_utils.study.best.table import COLUMNS, read_table, write_table
from xai_utils.study.best.truths import tile_masks
from xai_utils.study.best.units import (
    ALL_COLOURS,
    BLUE,
    GREEN,
    RED,
    Weights,
    draw_pixels,
    run_units,
    situations,
    with_weights,
)
from xai_utils.study.best.unreachable import join_tiles, unreachable_gradients

RNG = np.random.default_rng(8)


@pytest.fixture(scope="module")
def units():
    return {(name, method, score): passed for name, method, score, passed in run_units()}


# of Grad-CAM at one point: the situations in which each score does not give the right answer
FAILED = {
    "pre": {"shift twin", "equal-gradient unit", "constant class", "class absent"},
    "odds": {"rival raised within rounding"},
}
FAILED["post"] = FAILED["log"] = FAILED["odds"]
MEANS_OVER_CELLS = {"head that sees some cells"}  # a weight for each channel knows no cells


@pytest.mark.parametrize("score", SCORES)
def test_the_situations_that_a_score_fails_with_grad_cam(units, score):
    failed = {name for name in situations() if not units[name, "grad_cam", score]}
    assert failed == FAILED[score] | MEANS_OVER_CELLS


def test_integrated_gradients_know_the_cells_that_a_head_sees(units):
    for score in SCORES:
        assert units["head that sees some cells", "integrated_gradients", score]


def test_the_weighted_contrast_passes_what_the_log_odds_passes(units):
    for name in situations():
        assert units[name, "grad_cam", "weighted"] == units[name, "grad_cam", "odds"]


def test_there_are_ten_situations_and_each_says_what_it_assumes():
    assert len(situations()) == 10
    assert all(situation.assumes for situation in situations().values())


def test_equivalent_networks_are_equivalent():
    for name in ("shift twin", "rival raised within rounding"):
        situation = situations()[name]
        first, second = (
            with_weights(w).probabilities([ALL_COLOURS])[0] for w in situation.networks
        )
        np.testing.assert_allclose(first, second, atol=1e-12)


def test_heads_are_linear_or_not():
    (weights,) = situations()["planted trigger"].networks
    assert head_kind(with_weights(weights), "cells") == "linear"


def test_a_head_with_an_activation_is_not_linear(tiny):
    assert head_kind(tiny, "pool") == "rectified"


def test_a_class_that_sees_one_tile_has_no_gradient_elsewhere():
    activations, gradients = RNG.random((2, 4, 2, 2, 3))
    logits = np.array([1.0, 0.0, 2.0, -1.0])
    found = unreachable_gradients(logits, activations, gradients)
    np.testing.assert_array_equal(found.activations[1], join_tiles(activations))
    pre, odds = found.point_gradient("pre")[2], found.point_gradient("odds")[2]
    masks = tile_masks((4, 4))
    np.testing.assert_array_equal(pre[masks[2]].reshape(2, 2, 3), gradients[2])
    assert not pre[~masks[2]].any()
    weight = np.exp(1) / (np.exp(1) + 1 + np.exp(-1))  # of the first rival, among three
    np.testing.assert_allclose(odds[masks[0]].reshape(2, 2, 3), -weight * gradients[0])
    y = judging_outputs(logits[None], 2)["post"][0]
    np.testing.assert_allclose(found.point_gradient("post")[2], y * (1 - y) * odds)


def test_the_weights_of_similar_classes():
    weights = finer_weights(np.array([[5.0, 4, 3, 0, -9]]), np.array([0]))
    np.testing.assert_allclose(weights, [[1, -0.2, -0.2, -0.2, 0]])
    np.testing.assert_allclose(finer_weights(np.array([[5.0, 4]]), np.array([1])), [[-0.6, 1]])


def test_floors():
    assert centred((4, 4)).argmax() in (5, 6, 9, 10)
    np.testing.assert_allclose(centred((3, 5)), centred((3, 5))[::-1, ::-1])
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 200
    np.testing.assert_array_equal(edges(image, (2, 4)) > 0, [[0, 1, 1, 0]] * 2)
    np.testing.assert_array_equal(sum_cells(np.ones((14, 28))), np.full((7, 7), 8))


def test_what_a_row_says_of_its_image():
    found = describe_logits(np.log([0.7, 0.2, 0.1]), 0)
    assert found["log_odds"] == pytest.approx(np.log(7 / 3))
    assert found["bin"] == "0 to 2"
    assert found["p2"] == pytest.approx(0.2)
    assert found["rivals"] == pytest.approx(1 / (4 / 9 + 1 / 9))
    assert describe_logits(np.array([0.0, 5, 5]), 0)["bin"] == "below 0"


def test_shards_cover_every_image_once_and_names_are_files():
    shards = plan_shards(
        FULL, ["vgg19-mini", "notebooks/trainings/sigmoid-0.npz", "efficientnet-lite0"]
    )
    assert shards[0].kinds == UNITS
    assert len({s.name for s in shards}) == len(shards)
    assert all("/" not in s.name for s in shards)
    numbers = [
        n for s in shards if (s.network, s.kinds) == ("vgg19-mini", "one")
        for n in range(s.start, s.stop)
    ]  # fmt: skip
    assert numbers == list(range(FULL.images["network"]["one"]))
    of_photographs = {s.kinds for s in shards if s.network == "efficientnet-lite0"}
    assert of_photographs == {"mosaic+difull", "photo"}
    assert label_of("notebooks/trainings/sigmoid-0.npz@2") == "sigmoid-0@2"


def test_networks_are_read_at_the_planned_layers_and_no_others():
    assert places_of("vgg19-mini@4") == places_of("softmax-1") == places_of("vgg19-mini")
    assert list(places_of("efficientnet-lite0").values()) == [
        "primary", "further", "further", "pixels",
    ]  # fmt: skip
    assert FULL.count("network", "mosaic", "further") == (FULL.further["mosaic"], 0)
    assert FULL.count("network", "one", "primary")[1] == FULL.paths["network"]["one"]
    for role, kind in (("copy", "mosaic"), ("training", "one")):
        assert FULL.count(role, kind, "further") == (0, 0)
    for role in FULL.paths:  # there is no path from tile to tile
        assert FULL.count(role, "difull", "pixels") == (0, 0)
        assert FULL.count(role, "difull", "primary")[1] == 0


def test_a_copy_with_other_logits_is_shown_what_the_network_is_shown(monkeypatch):
    made = []
    monkeypatch.setattr(shards_module, "load_network", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(shards_module, "knows_scenes", lambda classifier: True)

    def make(kind, source, number):
        made.append((kind, source.classifier.name, number))

    monkeypatch.setattr(shards_module, "make_case", make)
    measured = []
    monkeypatch.setattr(
        shards_module, "measure_cases",
        lambda classifier, *rest: measured.append((classifier.name, *rest[:2], len(rest[2]))) or [],
    )  # fmt: skip
    list(run_shard(Shard("vgg19-mini@4", "mosaic", 0, 2), FULL))
    assert made == [("mosaic", "vgg19-mini", 0), ("mosaic", "vgg19-mini", 1)]
    assert measured == [("vgg19-mini@4", "block5_pool", "mosaic", 2)]


def test_trainings_are_found_by_their_files(tmp_path):
    for name in ("softmax-1", "softmax-1.checkpoint"):
        (tmp_path / f"{name}.npz").touch()
    assert find_trainings(tmp_path) == [str(tmp_path / "softmax-1.npz")]
    assert Shard(find_trainings(tmp_path)[0], "one", 0, 2).name == "softmax-1--one--0-2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    for name, image in zip("abc", RNG.integers(0, 256, (3, 20, 24, 3), np.uint8), strict=True):
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


def test_ones_own_network_and_photographs_are_measured_without_masks(tiny, folder, tmp_path):
    tables = []
    for name in ("first", "second"):
        rows = measure_photographs(tiny, folder, steps=4)
        write_table(tmp_path / f"{name}.csv.gz", rows)
        tables.append(gzip.decompress((tmp_path / f"{name}.csv.gz").read_bytes()))
    assert tables[0] == tables[1]
    assert tuple(rows[0]) != () and set(rows[0]) == set(COLUMNS)
    table = read_table(tmp_path / "first.csv.gz")
    assert set(table.names["image"]) == set("abc")
    assert set(table.names["judge"]) == set(SCORES)
    assert {"random", "class-blind", "rsi_grad_cam", "integrated_gradients"} <= set(
        table.names["method"]
    )
    relative = table.where(measure="relative", method="grad_cam", score=SCORES)
    assert np.isfinite(relative.numbers["value"]).all()
    same = [relative.where(judge=judge).numbers["value"] for judge in ("pre", "post", "log")]
    np.testing.assert_allclose(same[0], same[1], atol=1e-5)
    np.testing.assert_allclose(same[0], same[2], atol=1e-5)


def test_the_command_takes_a_model_and_a_folder():
    arguments = read_arguments(["photographs", "mine.keras", "photos", "--layer", "conv"])
    assert (arguments.model, arguments.layer, arguments.steps) == ("mine.keras", "conv", 50)
    arguments = read_arguments(["run", "--shards", "s.json", "--out", "x", "--scale", "small", "n"])
    assert arguments.name == "n"


def test_the_effects_of_objects_and_their_masks_are_in_the_rows(tiny, noise_images):
    masks = tile_masks((10, 12))[:2]
    without = (np.zeros_like(noise_images[0]), noise_images[1])
    case = Case("two-0", noise_images[0], (1, 2), masks, without)
    rows = list(measure_cases(tiny, "pool", "two", {0: case}, Paths(0, 8, None, 8)))
    measures = {row["measure"] for row in rows}
    assert {"share inside", "pointing", "prefers it", "effect rank", "effect scale"} <= measures
    judged = {row["judge"] for row in rows if row["measure"] == "effect rank"}
    assert judged == set(SCORES)
    ranks = {
        (row["object"], row["judge"]): row["value"] for row in rows
        if (row["method"], row["measure"]) == ("centre", "effect rank")
    }  # fmt: skip
    # at one object's class y, log y and o rise and fall together
    for place in "01":
        assert len({ranks[place, judge] for judge in SCORES[1:]}) == 1


def test_the_effect_of_an_object_on_a_linear_network_is_its_weight():
    network = with_weights(Weights([[3, 1], [-1, 2], [0, 0]]))
    without = [draw_pixels([], [GREEN], [BLUE]), draw_pixels([RED], [], [BLUE])]
    (whole,), less = network.logits([ALL_COLOURS]), network.logits(without)
    found = _effects(whole, less, target=0)
    np.testing.assert_allclose(found["pre"], [3, -1], rtol=1e-6)
    np.testing.assert_allclose(found["odds"], [3 - 1, -1 - 2], rtol=1e-6)
    y = 1 / (1 + np.exp(-np.array([-1, -3, 2])))  # whole: 2 against 3; 2 less; 3 more
    np.testing.assert_allclose(found["post"], y[0] - y[1:], rtol=1e-6)


def test_a_network_that_is_never_sure_has_no_mosaics(tiny, folder):
    source = Source(tiny, find_photographs(folder))
    with pytest.raises(ValueError, match="is sure of only"):
        draw_tiles(source, 0)
