"""The embedded network: topology, committed weights, and that its recipe still learns."""

import json
import re
from pathlib import Path

import keras

from tests.conftest import CHECK_STREAM
from xai_utils.embedded.evaluation import evaluate, evaluate_maps, evaluate_neutrality
from xai_utils.embedded.vgg19_mini import WEIGHTS, build_vgg19_mini

ROOT = Path(__file__).parent.parent


def test_topology_and_names_are_those_of_vgg19():
    mini, full = build_vgg19_mini(), keras.applications.VGG19(weights=None)
    assert [layer.name for layer in mini.layers[1:]] == [layer.name for layer in full.layers[1:]]
    assert mini.input_shape == full.input_shape
    for small, large in zip(mini.layers, full.layers, strict=True):
        assert type(small) is type(large)
        assert small.output.shape[1:3] == large.output.shape[1:3] or len(small.output.shape) == 2


def test_the_weights_are_small():
    assert WEIGHTS.stat().st_size < 5_000_000


def test_accuracy_on_held_out_backgrounds(mini):
    """120 scenes; three standard errors below the model card's bar of .96."""
    assert evaluate(mini, "held-out backgrounds", 120, CHECK_STREAM)["accuracy"] > 0.91


def test_some_scenes_saturate(mini):
    assert evaluate(mini, "fresh scenes", 120, CHECK_STREAM)["p_above_0.999"] > 0.25


def test_both_objects_are_seen(mini):
    assert (
        evaluate(mini, "two objects, held-out backgrounds", 80, CHECK_STREAM)["both_in_top_two"]
        > 0.5
    )


def test_maps_point_at_the_object(mini):
    """60 scenes; three standard errors below the model card's numbers, and above the floors."""
    maps = evaluate_maps(mini, 60, steps=20, stream=CHECK_STREAM)
    shares = {name: result["share_inside"] for name, result in maps.items()}
    for name in ("Grad-CAM, post", "RSI-Grad-CAM, post"):
        assert shares[name] > shares["Gaussian in the middle"] > shares["chance"]
        assert maps[name]["pointing_game"] > 0.64


def test_the_baselines_are_neutral(mini):
    neutrality = evaluate_neutrality(mini, 20, CHECK_STREAM)
    assert neutrality["baselines"]["largest_p"] <= 0.25
    assert neutrality["uniform colours"]["mean_p"] < 0.2


def test_the_model_card_quotes_the_measurements():
    card = (ROOT / "MODEL_CARD.md").read_text("utf-8")
    measured = json.loads(
        (ROOT / "xai_utils" / "embedded" / "data" / "vgg19_mini.json").read_text("utf-8")
    )
    for test, result in measured.items():
        row = re.search(rf"^\| {re.escape(test)} .*$", card, re.MULTILINE)
        assert row, test
        quoted = re.findall(r"\d*\.?\d+", row.group().split("|", 2)[2])
        expected = [f"{v:.3f}".lstrip("0") if k != "n" else str(v) for k, v in result.items()]
        assert quoted == expected, test
