"""The measures of the study of scores, on maps whose value is known in closed form."""

import numpy as np
import pytest

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
