"""How alike trainings are: known for a network and its equivalent twin."""

import numpy as np
import pytest

from tests.conftest import CHECK_STREAM
from xai_utils.embedded.scenes import make_scene
from xai_utils.study.across_trainings import (
    CENTRED,
    COLUMNS,
    centre,
    correlate_trainings,
    shared_part_of_kernel,
    shared_parts,
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
