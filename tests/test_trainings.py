"""How alike trainings are: known for a network and its equivalent twin."""

import json
from itertools import combinations

import numpy as np
import pytest

from tests.conftest import CHECK_STREAM
from tests.test_notebooks import ROOT
from xai_utils.embedded.scenes import make_scene
from xai_utils.embedded.trainings import FOLDER, load_training
from xai_utils.study.across_trainings import (
    CENTRED,
    COLUMNS,
    Agreement,
    centre,
    correlate_trainings,
    shared_part_of_kernel,
    shared_parts,
    write_agreement,
)
from xai_utils.study.equivalent import add_to_kernel
from xai_utils.study.localisation import METHODS


@pytest.fixture(scope="module")
def scenes():
    return [make_scene((CHECK_STREAM, i), classes=("cat",)) for i in range(3)]


@pytest.fixture(scope="module")
def twin(mini):
    """The same probabilities; of every logit, three times the column of the cats is subtracted."""
    kernel = mini.network.layers[-1].get_weights()[0]
    return add_to_kernel(mini, -3 * kernel[:, 0])


def test_equal_columns_share_everything_and_orthogonal_ones_a_part_in_n():
    column = np.arange(1.0, 6)[:, None]
    assert shared_part_of_kernel(np.tile(column, 4)) == pytest.approx(1)
    assert shared_part_of_kernel(np.eye(5)[:, :4]) == pytest.approx(1 / 4)
    assert shared_part_of_kernel(np.hstack([column, -column])) == pytest.approx(0)


def test_a_centred_network_has_the_same_probabilities_and_shares_nothing(mini, scenes):
    centred, images = centre(mini), [scene.image for scene in scenes]
    np.testing.assert_allclose(centred.probabilities(images), mini.probabilities(images), atol=1e-5)
    assert shared_parts(centred, scenes, "block5_pool").max() < 1e-9
    assert 0 < shared_parts(mini, scenes, "block5_pool").min() < 1


def test_twins_agree_in_everything_but_the_logit(mini, twin, scenes):
    rows = correlate_trainings({"a": mini, "b": twin}, scenes, "block5_pool", steps=2)
    assert len(rows) == len(scenes) * len(METHODS) * 5
    found = {}
    for row in rows:
        row = dict(zip(COLUMNS, row, strict=True))
        assert (row["first"], row["second"]) == ("a", "b")
        assert row["class"] == scenes[row["scene"]].classes[0]
        found.setdefault(row["score"], []).append(row["correlation"])
    for score in ("post", "log", "odds", CENTRED):
        assert np.nanmin(found[score]) > 0.999, score
    assert np.nanmedian(found["pre"]) < 0.9


NAMES = ("softmax-0", "softmax-1", "softmax-2", "sigmoid-0")


@pytest.fixture(scope="module")
def agreement(tmp_path_factory):
    """Post maps of 20 scenes agree by .9, pre maps by .5, with a sigmoid by .2; half of odds is constant."""
    rng, rows = np.random.default_rng(0), []
    for first, second in combinations(NAMES, 2):
        for scene in range(20):
            noise = rng.normal(0, 0.01)
            pre = 0.2 if second == "sigmoid-0" else 0.5
            odds = np.nan if scene % 2 else 0.8
            for score, value in (("post", 0.9), ("pre", pre), ("odds", odds)):
                rows.append((first, second, scene, "cat", "Grad-CAM", score, value + noise))
    path = tmp_path_factory.mktemp("agreement") / "agreement.csv.gz"
    write_agreement(path, rows)
    return Agreement(path)


def test_agreement_is_read_as_it_was_written(agreement):
    assert agreement.networks == list(NAMES)
    assert agreement.correlations["Grad-CAM", "post"].shape == (6, 20)
    assert agreement.mean("Grad-CAM", "post").mean == pytest.approx(0.9, abs=0.005)
    assert agreement.mean("Grad-CAM", "odds", "softmax, softmax").count == 30
    found = agreement.compare("Grad-CAM", "post", "pre", "softmax, softmax")
    assert found.mean == pytest.approx(0.4, abs=1e-4)  # both have the same noise
    assert found.low == pytest.approx(0.4, abs=1e-4)


def test_one_training_that_differs_widens_the_interval(agreement):
    found = agreement.compare("Grad-CAM", "post", "pre")
    assert found.mean == pytest.approx((3 * 0.4 + 3 * 0.7) / 6, abs=1e-4)
    assert found.low < 0.45 and found.high > 0.65
    alike = agreement.compare("Grad-CAM", "post", "pre", "sigmoid, softmax")
    assert (alike.low, alike.high) == pytest.approx((0.7, 0.7), abs=1e-4)


def test_heads_that_no_pair_has_are_refused(agreement):
    with pytest.raises(ValueError, match="Allowed: 'softmax, softmax', 'sigmoid, softmax'"):
        agreement.mean("Grad-CAM", "post", "sigmoid, sigmoid")


def test_the_committed_table_is_of_the_committed_weights():
    measured = json.loads((ROOT / FOLDER / "trainings.json").read_text("utf-8"))
    assert Agreement(ROOT / FOLDER / "agreement.csv.gz").networks == list(measured)
    for name, found in measured.items():
        head, seed = name.split("-")
        assert load_training(head, int(seed), ROOT / FOLDER).weights_sha256() == found["sha256"]
