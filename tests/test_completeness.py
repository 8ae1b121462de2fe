"""The attributions of a path add up to the change of the score, and less where a sum is wrong."""

import numpy as np
import pytest
import tensorflow as tf

import xai_utils.passes
from xai_utils import ScoreGradients, completeness
from xai_utils.paths import integrate, split_evenly
from xai_utils.scores import SCORES, score_value

STEPS = (25, 50, 100)


def evaluate(split, pixels, target, to_pixels):
    targets = np.full(len(pixels), target, np.int32)
    if to_pixels:
        return split.at_pixels(pixels, targets)
    return split.at_layer(split.activations(pixels), targets)


@pytest.fixture(scope="module")
def mean_gaps(mini, scenes):
    """Over ten scenes, by (place, score): one for each of STEPS, in parts of all rises and falls.

    Those are what a rule of quadrature has to follow; the change from end to end may be far less.
    The points of fewer steps are among those of the most, so each is evaluated once.
    """
    gaps = {}
    for scene in scenes[:10]:
        image, target = mini.pixels([scene.image])[0], mini.class_index(scene.classes[0])
        for layer, to_pixels in (("block5_pool", False), ("block3_pool", True)):
            split = mini.split(layer)
            parts = [
                evaluate(split, alphas[:, None, None, None] * image, target, to_pixels)
                for alphas in split_evenly(np.linspace(0, 1, STEPS[-1] + 1, dtype=np.float32), 16)
            ]
            points = tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *parts)
            values = {s: score_value(s, points.logit, points.log_odds) for s in SCORES}
            for steps in STEPS:
                stride = STEPS[-1] // steps
                path = integrate([tf.nest.map_structure(lambda a, s=stride: a[::s], points)])
                for place, sums in path["sums"].items():
                    for score, total in zip(SCORES, sums, strict=True):
                        change = values[score][-1] - values[score][0]
                        gap = abs(total.sum(dtype=np.float64) - change)
                        gap /= np.abs(np.diff(values[score])).sum()
                        place = layer if place == "layer" else place
                        gaps.setdefault((place, score), {}).setdefault(steps, []).append(gap)
    return {case: [np.mean(by_steps[s]) for s in STEPS] for case, by_steps in gaps.items()}


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("place", "bound"), [("pixels", 0.04), ("block5_pool", 0.01), ("block3_pool", 0.03)]
)
def test_completeness_gap_is_small_and_falls_with_more_steps(mean_gaps, place, bound, score):
    means = mean_gaps[place, score]
    assert means[-1] < bound
    assert (np.diff(means) < 0).all(), means
    assert means[-1] < means[0] / 2


def lost_chunk(batches, scores):
    """The points around the middle of the path are left out."""
    batches = list(batches)
    middle = (len(batches) - 1) // 2
    parts = integrate(batches[:middle]), integrate(batches[middle + 1 :])
    return {**parts[0], **added(parts), "end": parts[1]["end"]}


def no_trapezoid_between_chunks(batches, scores):
    parts = [integrate([batch]) for batch in batches]
    return {**parts[0], **added(parts), "end": parts[-1]["end"]}


def added(parts):
    return {
        "sums": tf.nest.map_structure(lambda *sums: sum(sums), *[part["sums"] for part in parts]),
        **{c: np.concatenate([part[c] for part in parts]) for c in ("logit", "log_odds")},
    }


def no_difference(batches, scores):
    """Gradients are averaged, and not multiplied with the change of what they belong to."""

    def ramp(first, batch):
        rows = (first + np.arange(len(batch.logit), dtype=np.float32)) / 100
        values = np.broadcast_to(rows[:, None, None, None], batch.layer.values.shape)
        return batch._replace(layer=batch.layer._replace(values=values))

    batches = list(batches)
    first = np.cumsum([0, *(len(batch.logit) for batch in batches)])
    return integrate([ramp(*pair) for pair in zip(first, batches, strict=False)])


def paths(mini, scenes):
    images, targets = [s.image for s in scenes[:5]], [s.classes[0] for s in scenes[:5]]
    return ScoreGradients(mini, images, targets, steps=100, chunk=13)


def test_without_a_mistake_paths_are_complete(mini, scenes):
    right = paths(mini, scenes)
    for score in SCORES:
        assert completeness(right, score).gap.mean() < 0.03


@pytest.mark.parametrize("mistake", [lost_chunk, no_trapezoid_between_chunks, no_difference])
def test_completeness_catches_a_mistake(mini, scenes, monkeypatch, mistake):
    wrong = paths(mini, scenes)
    monkeypatch.setattr(xai_utils.passes, "integrate", mistake)
    for score in SCORES:
        assert completeness(wrong, score).gap.mean() > 0.05
