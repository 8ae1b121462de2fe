"""Two last layers for one network, trained with either loss."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from xai_utils.loading import load_classifier
from xai_utils.study.best import heads
from xai_utils.study.best.cases import Source, make_case
from xai_utils.study.best.heads import (
    BASE,
    BATCH_SIZE,
    EPOCHS,
    HEADS,
    LAYER,
    MOSAICS,
    RATE,
    RIGHT,
    SEED,
    SMALLEST,
    SQUARES,
    cut_squares,
    features_of,
    measure_heads,
    train_head,
    with_head,
)
from xai_utils.study.best.networks import places_of
from xai_utils.study.best.plan import MARGINS

ROOT = Path(__file__).parent.parent
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (90, 90, 90)}


@pytest.fixture(scope="module")
def knows_colours():
    """Each channel of its last map answers to one colour, and each class to one channel."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 1, activation="relu", name=LAYER)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(x), name="colours")
    kernel = np.array([[1, -1, -1, 0.2], [-1, 1, -1, 0.2], [-1, -1, 1, 0.2]], np.float32)
    bias = np.array([0, 0, 0, -0.205], np.float32)
    model.set_weights([kernel[None, None], bias, np.diag([20, 20, 20, 3000]), np.zeros(4)])
    return load_classifier(model, "none", list(COLOURS))


@pytest.fixture
def photographs(tmp_path):
    for number, colour in enumerate(COLOURS.values()):
        Image.new("RGB", (20, 18), colour).save(tmp_path / f"{number}.png")
    return sorted(tmp_path.glob("*.png"))


def test_both_last_layers_are_shown_the_same_mosaics(knows_colours, photographs):
    rows = list(measure_heads(knows_colours, photographs, mosaics=3, epochs=20))
    shown = {
        name: [(row["image"], row["class"]) for row in rows if row["network"] == name]
        for name in ("softmax-head", "sigmoid-head")
    }
    assert shown["softmax-head"] == shown["sigmoid-head"]
    of_mosaics = [row for row in rows if row["kind"] == "mosaic"]
    assert {row["image"] for row in of_mosaics} == {"mosaic-0", "mosaic-1", "mosaic-2"}
    source = Source(knows_colours, photographs)
    tiles = {
        knows_colours.class_names[t]
        for n in range(3)
        for t in make_case("mosaic", source, n).targets
    }
    assert {row["class"] for row in of_mosaics} == tiles
    assert {row["head"] for row in rows} == {"linear"} and {row["layer"] for row in rows} == {LAYER}
    of_each = [
        np.array([row["log_odds"] for row in of_mosaics if row["network"] == name])
        for name in shown
    ]
    assert np.abs(np.subtract(*of_each)).max() > 0.01
    right = [row for row in rows if row["measure"] == RIGHT]
    assert [row["class"] for row in right] == 2 * list(COLOURS)
    assert {row["value"] for row in right} <= {0, 1}
    with pytest.raises(ValueError, match="3 photographs for the 4 classes of 'colours': one for"):
        next(measure_heads(knows_colours, photographs[:3]))


def test_with_the_weights_it_had_a_network_is_as_it_was(knows_colours):
    images = list(np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8))
    own = knows_colours.network.get_weights()[-2:]
    same = with_head(knows_colours, "same", own)
    np.testing.assert_array_equal(same.logits(images), knows_colours.logits(images))
    assert (same.name, same.layer_names) == ("same", knows_colours.layer_names)
    raised = with_head(knows_colours, "raised", [own[0], own[1] + 1])
    np.testing.assert_allclose(raised.logits(images), knows_colours.logits(images) + 1, rtol=1e-5)
    by_hand = features_of(knows_colours, images) @ own[0] + own[1]
    np.testing.assert_allclose(knows_colours.logits(images), by_hand, rtol=1e-4, atol=1e-4)


def test_a_last_layer_learns_what_its_loss_asks_of_it(monkeypatch):
    """Of nothing, sigmoids say what is probable, 1/7 to 6/7; a softmax finds all classes alike."""
    monkeypatch.setattr(heads, "RATE", 0.005)
    targets = np.arange(70 * BATCH_SIZE) % 7
    nothing = np.zeros((len(targets), 3), np.float32)
    for loss, level in (("sigmoid", np.log(1 / 6)), ("softmax", 0)):
        _, bias = train_head(nothing, targets, 7, loss, epochs=12)
        np.testing.assert_allclose(bias, level, atol=0.2)
    features = np.eye(7, dtype=np.float32)[targets]
    for loss in ("softmax", "sigmoid"):
        kernel, bias = train_head(features, targets, 7, loss, epochs=10)
        assert ((features @ kernel + bias).argmax(axis=1) == targets).all()
        again, _ = train_head(features, targets, 7, loss, epochs=10)
        np.testing.assert_allclose(again, kernel, atol=1e-3)


def test_both_losses_see_the_same_pictures_in_the_same_order(monkeypatch):
    seen = {"softmax": [], "sigmoid": []}

    def recording(loss):
        def of_targets(targets, logits):
            tf.py_function(lambda t: seen[loss].append(t.numpy().argmax(axis=1)), [targets], [])
            return HEADS[loss](targets, logits)

        return of_targets

    targets = np.arange(3 * BATCH_SIZE) % 7
    features = np.zeros((len(targets), 3), np.float32)
    monkeypatch.setattr(heads, "HEADS", {loss: recording(loss) for loss in seen})
    for loss in seen:
        train_head(features, targets, 7, loss, epochs=2)
    assert len(seen["softmax"]) == len(seen["sigmoid"]) == 6
    np.testing.assert_array_equal(seen["softmax"], seen["sigmoid"])
    assert (seen["softmax"][0] != targets[:BATCH_SIZE]).any()  # it is drawn


def test_squares_are_parts_of_the_photograph_of_half_its_shorter_side_at_least():
    photograph = np.arange(20 * 31 * 3, dtype=np.uint16).reshape(20, 31, 3)
    squares = cut_squares(np.random.default_rng(0), photograph, 200)
    sides = {square.shape[0] for square in squares}
    assert sides == set(range(10, 21)) and all(s.shape == (len(s), len(s), 3) for s in squares)
    mirrored = [square[0, 0, 0] > square[0, -1, 0] for square in squares]
    assert 60 < sum(mirrored) < 140
    for square, is_mirrored in zip(squares, mirrored, strict=True):
        square = square[:, ::-1] if is_mirrored else square
        y, x = np.argwhere(photograph[..., 0] == square[0, 0, 0])[0]
        np.testing.assert_array_equal(photograph[y:, x:][: len(square), : len(square)], square)


def test_the_plan_for_last_layers_has_the_numbers_of_the_code():
    plan = " ".join((ROOT / "notebooks" / "8_plan_heads.md").read_text("utf-8").split())
    for said in (
        f"of `{BASE}` but the last",
        f"in batches of {BATCH_SIZE}, {EPOCHS} times over",
        f"Keras's own, seed {SEED}",
        f"their order (seed {SEED}), and Adam at a rate of {RATE}".replace("0.", "."),
        "half to all of the shorter side",
        f"{SQUARES} squares from each",
        f"the first {MOSAICS} mosaics of `{BASE}`",
        f"read at `{LAYER}`",
        f"margin ({MARGINS['grid pointing']:g})".replace("0.", "."),
    ):
        assert said in plan
    assert SMALLEST == 0.5
    for loss in ("softmax", "sigmoid"):
        assert next(iter(places_of(f"{loss}-head"))) == LAYER
