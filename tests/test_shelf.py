"""Points of an adaptive path wait on disk, to the bit, and take no memory there."""

import tracemalloc

import numpy as np
import pytest

from xai_utils.shelf import Shelf
from xai_utils.split import Points, Site


def point(seed, pixels=True, gradient=True):
    rng = np.random.default_rng(seed)

    def site(*shape):
        of_logit, of_log_odds, values = rng.standard_normal((3, 1, *shape)).astype(np.float32)
        return Site(values, of_logit if gradient else (), of_log_odds)

    scalars = rng.standard_normal((2, 1)).astype(np.float32)
    return Points(*scalars, site(2, 2, 4), site(64, 64, 3) if pixels else ())


def assert_same(found, right):
    for name in ("layer", "pixels"):
        a, b = getattr(found, name), getattr(right, name)
        assert type(a) is type(b)
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
    assert (found.logit, found.log_odds) == (right.logit, right.log_odds)


@pytest.mark.parametrize("options", [{}, {"pixels": False}, {"gradient": False}])
def test_points_come_back_as_they_were_in_any_order(options):
    shelf = Shelf()
    for seed in (3, 1, 2):
        shelf[seed / 4] = point(seed, **options)
    assert sorted(shelf) == [0.25, 0.5, 0.75]
    for seed in (1, 3, 2, 1):
        assert_same(shelf[seed / 4], point(seed, **options))


def test_a_hundred_points_take_no_more_memory_than_ten():
    def peak(count):
        shelf = Shelf()
        tracemalloc.start()
        for seed in range(count):
            shelf[seed] = point(seed)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(100) < 1.5 * peak(10)


def test_a_full_disk_is_named_with_what_can_be_done(small_disk):
    shelf = Shelf()
    with pytest.raises(OSError, match=r"do not fit into .*TMPDIR .* steps="):
        for seed in range(100):
            shelf[seed] = point(seed)
