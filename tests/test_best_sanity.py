"""Sanity of maps: networks and maps of which it is known what has to come out."""

from pathlib import Path

import numpy as np
import pytest

from xai_utils import ScoreGradients
from xai_utils.heatmaps import normalise
from xai_utils.methods import POINT_METHODS, grad_cam
from xai_utils.scores import SCORES
from xai_utils.study.best import shards as shards_module
from xai_utils.study.best.cases import Case
from xai_utils.study.best.naive import Share, wrong_maps
from xai_utils.study.best.plan import BINS, FULL, MARGINS, NAIVE, QUESTIONS, SANITY, WRONG_BELOW
from xai_utils.study.best.sanity import (
    check_cases,
    compare_maps,
    compare_naive,
    draw_mixture,
    draw_points,
    fresh_head,
    naive_maps,
)
from xai_utils.study.best.shards import Shard, run_shard
from xai_utils.study.best.table import COLUMNS, read_table, write_table
from xai_utils.study.best.truths import tile_masks
from xai_utils.study.best.units import ALL_COLOURS, LAYER, Weights, with_weights
from xai_utils.study.contrast import GivenGradients
from xai_utils.study.equivalent import add_to_kernel
from xai_utils.study.saturation import ROUNDINGS, scale_logits

PLAN = (Path(__file__).parent.parent / "notebooks" / "8_plan.md").read_text("utf-8")
RNG = np.random.default_rng(11)
MAP, OTHER = RNG.random((2, 5, 5))
FLAT = np.zeros((5, 5))


def values(*maps):
    return {measure: value for (measure, _), value in compare_maps(*maps).items()}


def test_a_class_blind_map_is_not_sensitive_to_the_class():
    assert values(MAP, 3 * MAP, OTHER, MAP)["class sensitivity"] == pytest.approx(0, abs=1e-12)
    assert values(MAP, -MAP, OTHER, MAP)["class sensitivity"] == pytest.approx(2)


def test_a_map_that_random_weights_give_too_has_no_part_in_the_network():
    for fresh in (2 * MAP, -MAP):
        found = values(MAP, OTHER, fresh, MAP)["randomised head"]
        assert found == pytest.approx(0, abs=1e-12)
    halves = np.repeat([0.0, 1.0], 8).reshape(4, 4)
    assert values(halves, halves, halves.T, halves)["randomised head"] == pytest.approx(1)


def test_an_empty_map_counts_as_nothing_and_differs_from_one_that_is_not():
    assert set(values(FLAT, FLAT, FLAT, FLAT).values()) == {0}
    assert set(values(FLAT + 1, MAP, MAP, MAP).values()) == {0}
    assert values(MAP, FLAT, FLAT, FLAT) == {
        "class sensitivity": 1, "randomised head": 1, "invariance": 0,
    }  # fmt: skip
    assert np.isnan(compare_naive(MAP, FLAT)) and compare_naive(FLAT, MAP) == 0


@pytest.fixture(scope="module")
def cases(noise_images):
    masks = tile_masks((10, 12))[:2]
    return {n: Case(f"one-{n}", image, (n, 3), masks) for n, image in enumerate(noise_images)}


@pytest.fixture(scope="module")
def rows(tiny, cases):
    return list(check_cases(tiny, "pool", "one", cases))


def of(rows, **equal):
    return np.array([
        row["value"] for row in rows if all(row[name] == v for name, v in equal.items())
    ])  # fmt: skip


def test_equal_probabilities_give_equal_maps_with_all_scores_but_the_logit(rows):
    for method in POINT_METHODS:
        for score in SCORES:
            found = of(rows, method=method, score=score, measure="invariance")
            assert found.shape == (6,)
            if score == "pre":
                assert found.min() < 0.995
            else:
                shown = of(rows, method=method, score=score, measure="class sensitivity") != 0
                np.testing.assert_allclose(found, shown, atol=1e-9)  # 0 for an empty map


def test_what_is_added_to_all_logits_is_a_vector_added_to_the_last_kernel(tiny, noise_images):
    targets = np.array([0, 1, 3], np.int32)
    mixture = draw_mixture((13, 0, 0), 4)
    assert np.linalg.norm(mixture) == pytest.approx(1)
    kernel, bias = tiny.network.layers[-1].get_weights()
    twin = add_to_kernel(tiny, kernel @ mixture)
    shift = (twin.logits(noise_images) - tiny.logits(noise_images))[:, 0]
    np.testing.assert_allclose(shift, (tiny.logits(noise_images) - bias) @ mixture)
    gradients = ScoreGradients(twin, noise_images, targets, "pool")
    head, activations = tiny.split("pool").head, gradients.activations
    found = draw_points(head, activations, targets, np.stack([mixture] * 3))
    for (method, score), maps in found.items():
        if method in POINT_METHODS:
            expected = POINT_METHODS[method](gradients, score)
            np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-9 + 1e-5 * expected.max())


def test_shuffled_weights_are_those_behind_the_layer_and_the_network_is_as_it_was(
    tiny, noise_images
):
    before = tiny.weights_sha256()
    activations = tiny.split("pool").activations(tiny.pixels(noise_images))
    first, again = (np.asarray(fresh_head(tiny, "pool")(activations)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - tiny.logits(noise_images)).max() > 0.1
    assert tiny.weights_sha256() == before


def test_shuffled_weights_change_the_maps(rows):
    found = of(rows, method="grad_cam", score="odds", measure="randomised head")
    assert found.max() > 0.1 and found.min() >= 0


def test_of_two_classes_the_log_odds_are_opposite():
    """So that their maps before the ReLU are each other's negatives: 1 - (-1)."""
    network = with_weights(Weights([[3, 1], [-1, 2], [0, 1]]))
    case = Case("one-0", ALL_COLOURS, (0,), tile_masks(ALL_COLOURS.shape[:2])[:1])
    rows = list(check_cases(network, LAYER, "one", {0: case}))
    found = of(rows, method="grad_cam_signed", score="odds", measure="class sensitivity")
    np.testing.assert_allclose(found, [2], rtol=1e-6)


def test_at_saturation_the_naive_map_is_that_of_the_rivals_or_that_of_the_logit(tiny, noise_images):
    image = noise_images[:1]
    logits = tiny.logits(image)[0]
    lead = logits.max() - np.sort(logits)[-2]
    network = scale_logits(tiny, float(60 / lead))  # a log-odds of about 60
    gradients = ScoreGradients(network, image, [int(logits.argmax())], "pool")
    activations, own = gradients.activations, gradients.point_gradient("pre")
    given = GivenGradients(
        activations, {"to 1": gradients.point_gradient("odds") - own, "below 1": own}
    )
    naive = naive_maps(
        network.split("pool").head, activations, network.logits(image), gradients.targets
    )
    exact = grad_cam(gradients, "odds")[0]
    for rounding in ROUNDINGS:
        expected = normalise(grad_cam(given, rounding)[0])
        assert expected.max() == 1
        np.testing.assert_allclose(normalise(naive[rounding][0]), expected, atol=1e-5)
        assert compare_naive(naive[rounding][0], exact) < WRONG_BELOW


def test_where_float32_has_enough_digits_the_naive_map_is_the_exact_one(rows):
    assert max(row["log_odds"] for row in rows) < 10
    found = of(rows, measure=NAIVE)
    assert {row["judge"] for row in rows if row["measure"] == NAIVE} == set(ROUNDINGS)
    assert np.nanmin(found) > 0.999


def test_the_share_of_wrong_maps_is_counted_by_rounding_and_log_odds(tmp_path, rows):
    row = next(row for row in rows if row["measure"] == NAIVE) | {"network": "a"}
    below = np.nextafter(WRONG_BELOW, 0)
    given = [
        ("to 1", "above 10", 1.0), ("to 1", "above 10", -0.4), ("to 1", "above 10", float("nan")),
        ("to 1", "above 10", round(float(below), 3)), ("below 1", "above 10", 0.1),
        ("to 1", "0 to 2", 1.0),
    ]  # fmt: skip
    parts = [row | {"judge": judge, "bin": name, "value": v} for judge, name, v in given]
    write_table(tmp_path / "table.csv.gz", parts)
    found = wrong_maps(read_table(tmp_path / "table.csv.gz"))
    assert set(found) == {(rounding, name) for rounding in ROUNDINGS for name in BINS}
    assert found["to 1", "above 10"] == Share(1, 3)
    assert found["below 1", "above 10"] == Share(1, 1)
    assert found["to 1", "0 to 2"] == Share(0, 1)
    assert str(found["to 1", "above 10"]) == "33% of 3" and str(found["to 1", "2 to 5"]) == "none"


def test_rows_have_the_columns_of_the_table_and_the_planned_measures(rows):
    assert all(set(row) | {"network"} == set(COLUMNS) for row in rows)
    assert {row["measure"] for row in rows} == set(SANITY)
    kept = [(r["image"], r["object"], r["method"], r["score"], r["measure"], r["judge"]) for r in rows]  # fmt: skip
    assert len(set(kept)) == len(kept) == 6 * (16 * 3 + 2)


def test_sanity_is_of_no_question_and_in_the_plan():
    assert not set(SANITY) & {m for measures in QUESTIONS.values() for m in measures}
    assert set(SANITY) <= set(MARGINS)
    for name in SANITY:
        assert f"**{name.capitalize()}**" in PLAN
    assert f"the first {FULL.sanity} images" in " ".join(PLAN.split())
    assert f"Below {WRONG_BELOW:g}".replace("0.", ".") in PLAN
    assert all(f'"{rounding}"' in PLAN for rounding in ROUNDINGS)


@pytest.mark.parametrize(
    ("scenes", "kind", "counts"),
    [(True, "one", [("one", 50)]), (True, "mosaic", []), (False, "mosaic", [("mosaic", 50)])],
)
def test_sanity_is_tried_once_on_the_first_images(monkeypatch, scenes, kind, counts):
    tried = []
    monkeypatch.setattr(shards_module, "load_network", lambda name: name)
    monkeypatch.setattr(shards_module, "knows_scenes", lambda classifier: scenes)
    monkeypatch.setattr(shards_module, "find_photographs", lambda folder: [folder])
    monkeypatch.setattr(shards_module, "make_case", lambda kind, source, number: None)
    monkeypatch.setattr(shards_module, "measure_cases", lambda *rest: [])
    monkeypatch.setattr(
        shards_module, "check_cases",
        lambda classifier, layer, kind, cases: tried.append((kind, len(cases))) or [],
    )  # fmt: skip
    list(run_shard(Shard("vgg19-mini", kind, FULL.sanity - 50, FULL.sanity + 50), FULL, "photos"))
    list(run_shard(Shard("vgg19-mini", kind, FULL.sanity, FULL.sanity + 50), FULL, "photos"))
    assert tried == counts
