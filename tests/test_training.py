"""How the embedded network is trained: its examples, its batches, and going on after a stop."""

import ast
import json
from itertools import pairwise

import numpy as np
import pytest

from tests.test_notebooks import ROOT
from xai_utils.embedded import training, trainings
from xai_utils.embedded.empty import EMPTY_KINDS, make_empty
from xai_utils.embedded.examples import KINDS, SIZES, training_example
from xai_utils.embedded.training import train
from xai_utils.study.across_trainings import Agreement


@pytest.fixture(scope="module")
def data():
    """Four examples of each kind."""
    examples = {kind: [training_example(i, kind) for i in range(4)] for kind in KINDS}
    return {kind: tuple(map(np.stack, zip(*e, strict=True))) for kind, e in examples.items()}


@pytest.fixture(autouse=True, scope="module")
def small_batches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "BATCH_SIZE", 4)
        yield


@pytest.fixture(scope="module")
def trained(data, small_batches):
    """A network after three steps, and its losses."""
    return train(data, 3)


def assert_same_weights(first, second):
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_example_depends_on_its_index_alone(kind):
    image, target = training_example(4, kind)
    training_example(5, kind)
    again, _ = training_example(4, kind)
    np.testing.assert_array_equal(image, again)
    assert np.isclose(target.sum(), 1)
    assert len(set(target[target > 0])) == 1
    assert (target > 0).sum() == {"single": 1, "double": 2, "empty": 12}[kind]


@pytest.mark.parametrize("kind", EMPTY_KINDS)
def test_an_empty_picture_depends_on_its_seed_alone(kind):
    first = make_empty((5, 3), kind)
    assert first.shape == (224, 224, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(make_empty((5, 3), kind), first)
    assert any((make_empty((5, i), kind) != first).any() for i in range(4, 9))


def test_the_baselines_are_among_the_empty_pictures():
    flat = {make_empty((5, i), "black, grey, white").mean() for i in range(60)}
    assert {0, 128, 255} <= flat


def test_a_blurred_scene_has_no_edges():
    image = make_empty((5, 0), "blurred scenes").astype(int)
    assert np.abs(np.diff(image, axis=0)).max() <= 8


def test_two_trainings_with_one_seed_give_the_same_weights(data, trained):
    second, again = train(data, 3)
    np.testing.assert_array_equal(trained[1], again)
    assert_same_weights(trained[0], second)
    assert train(data, 1, seed=1)[1][0] != again[0]


def test_a_stopped_training_goes_on_as_if_it_had_not_been(data, trained, monkeypatch, tmp_path):
    monkeypatch.setattr(training, "SAVE_EVERY", 2)

    def stop(step, loss):
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, 3, checkpoint=tmp_path / "state.npz", report=stop)
    reported = []
    resumed, again = train(
        data, 3, checkpoint=tmp_path / "state.npz", report=lambda step, loss: reported.append(loss)
    )
    np.testing.assert_array_equal(trained[1], np.float32(reported))
    np.testing.assert_array_equal(trained[1], again)
    assert_same_weights(trained[0], resumed)


def test_the_first_blocks_stay_as_they_are_from_their_part_on(data, monkeypatch, tmp_path):
    """Of eight and two steps, block 1 takes part in the first two, block 2 in the first four."""
    monkeypatch.setattr(training, "SAVE_EVERY", 1)
    file, first = tmp_path / "state.npz", {"block1": "002", "block2": "004", "block3": "008"}
    kernels = {block: [] for block in first}

    def remember(step, loss):
        if step > 0:
            with np.load(file) as state:
                for block, key in first.items():
                    kernels[block].append(state[key])

    train(data, 8, checkpoint=file, report=remember)
    moved = {
        block: [bool((a != b).any()) for a, b in pairwise(seen)] for block, seen in kernels.items()
    }
    assert moved == {
        "block1": [True] + [False] * 7,
        "block2": [True] * 3 + [False] * 5,
        "block3": [True] * 8,
    }


def test_the_recipe_still_learns(monkeypatch):
    """Two examples of each class by heart, in eighty steps."""
    monkeypatch.setattr(training, "BATCH_SIZE", 8)
    counts = {"single": 24, "double": 8, "empty": 8}
    examples = {kind: [training_example(i, kind) for i in range(n)] for kind, n in counts.items()}
    data = {kind: tuple(map(np.stack, zip(*e, strict=True))) for kind, e in examples.items()}
    _, losses = train(data, 64)
    assert losses[-8:].mean() < 1.2 < np.log(12) - 0.5 < losses[:8].mean()


def test_the_loss_begins_near_that_of_a_guess(data):
    """Log 12 for the softmax; twelve times log 2 for twelve questions. He's logits add to both."""
    softmax, sigmoid = (train(data, 1, head=head)[1][0] for head in ("softmax", "sigmoid"))
    assert np.log(12) - 0.5 < softmax < np.log(12) + 3
    assert 12 * np.log(2) - 3 < sigmoid < 12 * np.log(2) + 6


def test_the_binary_loss_asks_each_class_by_itself():
    targets = np.zeros((3, 12), np.float32)
    targets[0, 2], targets[1, :2], targets[2] = 1, 0.5, 1 / 12
    logits = np.linspace(-2, 2, 36, dtype=np.float32).reshape(3, 12)
    yes = targets >= 0.5
    assert yes.sum(axis=1).tolist() == [1, 2, 0]
    expected = np.where(yes, np.logaddexp(0, -logits), np.logaddexp(0, logits)).sum(axis=1)
    np.testing.assert_allclose(training.HEADS["sigmoid"](targets, logits), expected, rtol=1e-5)


def test_the_notebook_trains_the_recipe():
    cells = json.loads((ROOT / "notebooks" / "train_vgg19_mini.ipynb").read_text("utf-8"))["cells"]
    source = next("".join(c["source"]) for c in cells if "images =" in "".join(c["source"]))
    values = {n.targets[0].id: n.value.value for n in ast.parse(source).body}
    assert (values["images"], values["steps"]) == (SIZES["single"], training.STEPS)
    assert values["seed"] == 0


def test_progress_is_the_mean_loss_of_each_tenth(capsys):
    report = training.Progress(16)  # and four in the second cycle
    for step in range(20):
        report(step, step)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"step {2 * i + 2:5} of 20: mean loss {2 * i + 0.5:.3f}" for i in range(10)]


def test_trainings_that_are_done_are_not_done_again(monkeypatch, tmp_path, data):
    trained = []

    def remember(data, steps, seed, head, checkpoint, report):
        trained.append(checkpoint.name)
        return train(data, steps, seed, head, checkpoint, report)

    monkeypatch.setattr(trainings, "train", remember)
    monkeypatch.setattr(trainings, "training_set", lambda sizes: data)
    monkeypatch.setattr(trainings, "_measure", lambda classifier: {"good": True})
    monkeypatch.setattr(trainings, "EVALUATED", 1)
    monkeypatch.setattr(trainings, "PATH_STEPS", 1)
    trainings.run(1, tmp_path, steps=1)
    assert trained == ["sigmoid-0.checkpoint.npz"]  # the first softmax is part of the package
    table = json.loads((tmp_path / "trainings.json").read_text())
    assert list(table) == ["softmax-0", "sigmoid-0"]
    agreement = Agreement(tmp_path / "agreement.csv.gz")
    assert agreement.pairs == [("softmax-0", "sigmoid-0")]
    assert len(agreement.correlations) == 5 * 5  # methods, scores and the centred logit
    network = trainings.load_training("sigmoid", 0, tmp_path).network  # after one step
    kernel = network.layers[-1].get_weights()[0]
    np.testing.assert_allclose(kernel, trainings.first_kernel(0), atol=0.01)
    assert np.abs(kernel - trainings.first_kernel(1)).max() > 0.1
    monkeypatch.setattr(trainings, "correlate_trainings", lambda *given: [])
    trainings.run(2, tmp_path, steps=1)
    assert trained[1:] == ["softmax-1.checkpoint.npz", "sigmoid-1.checkpoint.npz"]
    assert not list(tmp_path.glob("*checkpoint*"))


def test_two_of_the_trainings_have_sigmoids():
    softmax = [("softmax", seed) for seed in range(5)]
    assert trainings.plan(5) == [*softmax, ("sigmoid", 0), ("sigmoid", 1)]
    assert trainings.plan(1) == [("softmax", 0), ("sigmoid", 0)]
