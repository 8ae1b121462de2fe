"""The measures of the study of scores, on maps whose value is known in closed form.

And on random maps, against what Quantus and Xplique say of them; tests/independent_measures.py asked
them. Each test says where a definition differs. These have no counterpart of the same definition
there, and are held by closed forms alone: "prefers it"; "relative"; the share that counts of several
equal maxima in pointing; the NaN where an output does not judge. Of "class sensitivity", "randomised
head" (there whole rows of weights are shuffled, or weights drawn anew, layer by layer),
"invariance" and "naive rounding" only the correlation is compared, not which network or class the
other map is of; of "grid pointing, unreachable" only the share.
"""

import json

import numpy as np
import pytest

from tests import independent_measures as peers
from xai_utils.embedded.scenes import CLASS_NAMES, make_scene
from xai_utils.scores import SCORES
from xai_utils.study.best.judges import (
    CELLS,
    STEPS,
    area,
    blur_image,
    change_cells,
    changed_images,
    judge,
    judging_outputs,
    order_cells,
    response,
)
from xai_utils.study.best.sanity import compare_maps
from xai_utils.study.best.truths import (
    compare_effects,
    effect_rank,
    effect_scale,
    locate,
    mass_on,
    prefers,
    tile_masks,
)

RNG = np.random.default_rng(3)
TIES = RNG.random(CELLS**2)
SIDE = 4 * CELLS
IMAGE = RNG.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
BLACK = np.zeros_like(IMAGE)
SAID = json.loads(peers.FILE.read_text())
QUANTUS, XPLIQUE = SAID["quantus"], SAID["xplique"]


def linear(weights):
    """Logits (n, 2) of a network whose first logit is a weighted sum of cells, the second 0."""

    def predict(images):
        cells = np.mean(images, axis=-1).reshape(-1, CELLS, 4, CELLS, 4).mean(axis=(2, 4))
        first = (cells * weights).sum(axis=(1, 2))
        return np.stack([first, np.zeros_like(first)], axis=1)

    return predict


def judged(predict, heatmap, image=IMAGE, other=BLACK):
    changed = changed_images(image, other, heatmap, TIES)
    logits = {name: predict(np.stack(images)) for name, images in changed.items()}
    return judge(logits, predict(np.stack([image, other])), target=0, rival=1)


def test_a_hidden_object_is_gone_and_all_else_is_as_it_was():
    for index in range(6):
        scene = make_scene((5, index), objects=2)
        for place, mask in enumerate(scene.masks):
            without = make_scene((5, index), objects=2, hidden=place)
            differs = (without.image != scene.image).any(axis=-1)
            rows, columns = np.nonzero(mask)
            box = np.zeros_like(mask)
            box[
                max(rows.min() - 4, 0) : rows.max() + 5,
                max(columns.min() - 4, 0) : columns.max() + 5,
            ] = True
            assert differs[mask].mean() > 0.8
            assert differs[~box].mean() < 0.2  # behind the other object
            assert not differs[~box & ~scene.masks[1 - place]].any()
            np.testing.assert_array_equal(without.masks, scene.masks)


def test_nothing_hidden_is_the_scene_and_no_other_object_can_be_hidden():
    scene = make_scene((5, 1))
    np.testing.assert_array_equal(make_scene((5, 1), hidden=None).image, scene.image)
    with pytest.raises(ValueError, match="no object to hide 1"):
        make_scene((5, 1), hidden=1)


def test_the_effect_of_an_object_on_a_linear_network_is_its_pixels():
    scene, without = make_scene((5, 2)), make_scene((5, 2), hidden=0)
    weights = np.random.default_rng(0).normal(size=scene.image.shape)
    effect = (weights * scene.image).sum() - (weights * without.image).sum()
    exact = weights * (scene.image.astype(float) - without.image)
    assert effect == pytest.approx(exact[scene.image != without.image].sum())
    assert scene.classes[0] in CLASS_NAMES


def test_a_map_equal_to_the_mask_lies_inside_and_a_uniform_map_has_the_masks_area():
    masks = tile_masks((8, 8))
    inside = locate(masks[1].astype(float), masks[:2], own=1)
    assert inside == {"share inside": 1, "pointing": 1, "prefers it": 1}
    uniform = locate(np.ones((8, 8)), masks[:2], own=1)
    assert uniform == {"share inside": 0.25, "pointing": 0.25, "prefers it": 0}
    empty = locate(np.zeros((8, 8)), masks[:2], own=1)
    assert set(empty.values()) == {0}


def test_grid_pointing_of_random_maps_is_a_quarter():
    masks = tile_masks((28, 28))
    maps = np.random.default_rng(1).random((400, 14, 14))
    shares = [locate(heatmap, masks, own=2)["share inside"] for heatmap in maps]
    assert np.mean(shares) == pytest.approx(0.25, abs=3 * np.std(shares) / 20)
    np.testing.assert_array_equal(masks.sum(axis=0), 1)


def test_masses_and_the_order_of_effects():
    masks = tile_masks((4, 4))
    heatmap = np.kron([[3, 1], [0, -2]], np.ones((2, 2)))
    np.testing.assert_array_equal(mass_on(heatmap, masks), [12, 4, 0, -8])
    assert effect_rank(np.array([12, 4, 0, -8]), np.array([5, 2, 1, -9])) == 1
    assert effect_rank(np.array([1, 2, 3]), np.array([3, 2, 1])) == 0
    assert effect_rank(np.zeros(3), np.array([3, 2, 1])) == 0.5
    assert prefers(heatmap, masks[0], masks[1]) == 1


@pytest.mark.parametrize(
    ("masses", "effects", "value"),
    [
        ([2, 4], [1, 2], 1),
        ([1, 0], [0, 1], 0),
        ([1, 1], [1, 0], np.sqrt(0.5)),
        ([2, -1], [-2, 1], -1),
        ([0, 0], [1, 2], 0),
        ([2e-300, 4e-300], [1, 2], 1),
    ],
)
def test_masses_that_scale_like_the_effects_have_cosine_one(masses, effects, value):
    assert effect_scale(np.array(masses), np.array(effects)) == pytest.approx(value)


def test_no_effect_is_nothing_to_compare_with():
    assert np.isnan(effect_scale(np.ones(2), np.zeros(2)))


def test_a_map_without_negative_values_is_not_asked_for_negative_effects():
    masks = tile_masks((4, 4))[:2]
    effects = {"odds": np.array([3.0, -4.0])}
    positive = compare_effects(np.kron([[1, 0], [0, 0]], np.ones((2, 2))), masks, effects)
    assert positive == {("effect rank", "odds"): 1, ("effect scale", "odds"): pytest.approx(1)}
    signed = compare_effects(np.kron([[3, -4], [0, 0]], np.ones((2, 2))), masks, effects)
    assert signed["signed scale", "odds"] == pytest.approx(1)


def test_the_outputs_of_two_classes():
    found = judging_outputs(np.array([[np.log(3), 0.0]]), 0)
    expected = {"pre": np.log(3), "post": 0.75, "log": np.log(0.75), "odds": np.log(3)}
    assert found == {score: pytest.approx([expected[score]]) for score in SCORES}


def test_deletion_and_insertion_of_a_linear_network_are_hand_sums():
    weights = np.random.default_rng(4).uniform(0.1, 1, (CELLS, CELLS))
    cells = IMAGE.mean(axis=-1).reshape(CELLS, 4, CELLS, 4).mean(axis=(1, 3))
    parts = (weights * cells).ravel() / (weights * cells).sum()
    heatmap = (weights * cells).astype(np.float32)
    found = judged(linear(weights), heatmap)
    steps = np.sort(parts)[::-1].reshape(STEPS, -1).sum(axis=1)
    taken = np.concatenate([[0], np.cumsum(steps)])
    by_hand = (taken[1:] + taken[:-1]).sum() / 2 / STEPS
    for output in ("pre", "odds"):  # one rival at 0: the log-odds is the logit
        assert found["insertion", output] == pytest.approx(by_hand, abs=1e-6)
        assert found["deletion", output] == pytest.approx(by_hand, abs=1e-6)
    assert by_hand > 0.5
    backwards = judged(linear(weights), heatmap.max() - heatmap)
    assert backwards["deletion", "pre"] == pytest.approx(1 - by_hand, abs=1e-6)


def test_cells_that_are_alike_are_judged_by_one_half():
    image = np.full_like(IMAGE, 100)
    found = judged(linear(np.ones((CELLS, CELLS))), TIES.reshape(CELLS, CELLS), image)
    assert found["deletion", "pre"] == pytest.approx(0.5)
    assert found["insertion", "pre"] == pytest.approx(0.5)


def test_what_is_kept_of_a_linear_network_is_the_mean_of_the_map():
    image = np.full_like(IMAGE, 100)
    heatmap = np.kron([[1, 0.5], [0, 0]], np.ones((14, 14)))
    found = judged(linear(np.ones((CELLS, CELLS)) / 49), heatmap, image)
    assert found["average drop", "pre"] == pytest.approx(1.5 / 4, abs=1e-6)
    assert judged(linear(np.ones((CELLS, CELLS)) / 49), np.ones((4, 4)), image)[
        "average drop", "odds"
    ] == pytest.approx(1)


def test_the_relative_probability_is_that_of_two_classes():
    weights = np.zeros((CELLS, CELLS))
    weights[0, 0] = 0.02
    image = np.full_like(IMAGE, 100)
    heatmap = np.eye(CELLS)[0] * np.eye(CELLS)[0][:, None]
    found = judged(linear(weights), heatmap, image)
    for output in ("pre", "post", "log"):
        assert found["relative", output] == pytest.approx(1 / (1 + np.exp(-2)))
    assert found["relative", "odds"] == pytest.approx(1 / (1 + np.exp(-4)))  # 2 against -2


def test_where_blur_changes_nothing_no_output_judges():
    assert np.isnan(response([1, 2], whole=1, nothing=0.5, smallest=1)).all()
    np.testing.assert_allclose(response([1, 2], whole=3, nothing=1, smallest=1), [0, 0.5])
    assert area([0.5], 0, 1) == 0.5


def test_cells_of_one_value_are_ordered_by_chance_and_others_by_the_map():
    np.testing.assert_array_equal(order_cells(np.zeros((7, 7)), TIES), TIES.argsort())
    heatmap = np.arange(49.0).reshape(7, 7)
    np.testing.assert_array_equal(order_cells(heatmap, TIES), np.arange(49)[::-1])
    doubled = np.kron(heatmap, np.ones((2, 2)))
    np.testing.assert_array_equal(order_cells(doubled, TIES), np.arange(49)[::-1])


def test_cells_are_taken_from_the_other_image():
    changed = change_cells(IMAGE, BLACK, [0, 48])
    assert not changed[:4, :4].any() and not changed[-4:, -4:].any()
    np.testing.assert_array_equal(changed[4:24], IMAGE[4:24])


def test_blur_leaves_the_mean_of_an_image():
    blurred = blur_image(np.kron(IMAGE[:4, :4], np.ones((16, 16, 1), np.uint8)))
    assert blurred.std() < 0.6 * IMAGE.std()


def test_share_inside_is_that_of_quantus():
    """Its relevance mass accuracy; of a signed map its localisation of the positive part.

    Its grid pointing, "focus", is the same for 2 x 2 tiles. It adds 1e-9 to the last two totals.
    """
    tiles = tile_masks((peers.SIDE, peers.SIDE))
    found = {
        "share inside": zip(peers.MAPS, peers.MASKS[:, None], [0] * peers.CASES, strict=True),
        "share inside, signed": zip(
            peers.SIGNED, peers.MASKS[:, None], [0] * peers.CASES, strict=True
        ),
        "grid pointing": zip(peers.SIGNED, [tiles] * peers.CASES, peers.TILES, strict=True),
    }
    for name, cases in found.items():
        shares = [locate(*case)["share inside"] for case in cases]
        np.testing.assert_allclose(shares, QUANTUS[name], rtol=0, atol=1e-6, err_msg=name)


def test_pointing_is_that_of_quantus():
    """Where one pixel is the largest: of several, there one inside is enough."""
    cases = zip(peers.MAPS, peers.MASKS, strict=True)
    hits = [locate(heatmap, mask[None], 0)["pointing"] for heatmap, mask in cases]
    assert hits == QUANTUS["pointing"]
    assert set(hits) == {0, 1}


def test_effect_rank_and_scale_are_a_tau_and_a_cosine_of_quantus():
    """The share of pairs in order is (1 + tau) / 2 without ties; there a distance, 1 - cosine."""
    pairs = list(zip(peers.MASSES, peers.EFFECTS, strict=True))
    ranks = [effect_rank(*pair) for pair in pairs]
    np.testing.assert_allclose(2 * np.array(ranks) - 1, QUANTUS["Kendall's tau"], atol=1e-8)
    scales = [effect_scale(*pair) for pair in pairs]
    np.testing.assert_allclose(1 - np.array(scales), QUANTUS["cosine distance"], atol=1e-8)


def test_maps_are_compared_by_the_correlation_of_quantus():
    """Its test by random logits, with this similarity, is 1 - class sensitivity of a random rival."""
    for heatmap, mask, value in zip(peers.MAPS, peers.MASKS, QUANTUS["Pearson"], strict=True):
        found = compare_maps(heatmap, *[mask.astype(np.float32)] * 3)
        expected = {"class sensitivity": 1 - value, "randomised head": 1 - abs(value)}
        for name, number in {**expected, "invariance": value}.items():
            assert found[name, "construction"] == pytest.approx(number, abs=1e-6)


def judged_cases():
    """Of each case: its number, the measures by `judge`, and the outputs of the two images."""
    for i, target in enumerate(peers.TARGETS):
        changed = changed_images(peers.IMAGES[i], peers.OTHER, peers.MAPS[i], TIES)
        logits = {name: peers.network(np.stack(images)) for name, images in changed.items()}
        ends = np.stack([peers.IMAGES[i], peers.OTHER])
        found = judge(logits, peers.network(ends), target, rival=(target + 1) % 3)
        yield i, found, dict(zip(SCORES, peers.outputs(ends, [target] * 2).T, strict=True))


@pytest.mark.parametrize("measure", ["deletion", "insertion"])
def test_the_curves_are_those_of_quantus_and_of_xplique(measure):
    """Areas there are those of outputs as they are; ours of shares of the way between the images.

    Xplique takes pixels and was given the means of cells. Quantus takes cells of its own, and gives
    how far an output has fallen from where its curve begins: at the image, or at the other one.
    """
    for i, found, ends in judged_cases():
        for output, (whole, other) in ends.items():
            begin = whole if measure == "deletion" else other
            curve = begin - np.array([0, *QUANTUS[f"drops of {measure}"][output][i]])
            quantus = np.trapezoid(curve) / (len(curve) - 1)
            for area_of_outputs in (quantus, XPLIQUE[measure][output][i]):
                share = (area_of_outputs - other) / (whole - other)
                expected = 1 - share if measure == "deletion" else share
                assert found[measure, output] == pytest.approx(expected, abs=1e-6)


def test_average_drop_is_that_of_xplique():
    """There black replaces what is taken, here another image: its model began at that image.

    It divides the drop by the output of the image, plus 1e-8, and not by the way between the images;
    less of it is better there. Its mask is the absolute map from its least to its largest value:
    the same for a map that begins at 0.
    """
    for i, found, ends in judged_cases():
        for output, (whole, other) in ends.items():
            drop = XPLIQUE["average drop"][output][i] * whole / (whole - other)
            assert found["average drop", output] == pytest.approx(1 - drop, abs=5e-6)
