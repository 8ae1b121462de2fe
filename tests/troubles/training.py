"""The trainings of the embedded network."""

import numpy as np

from tests.troubles import Trouble
from xai_utils.embedded.training import KINDS, train
from xai_utils.embedded.trainings import load_training

TITLE = "Training"


def checkpoint_of_another(folder):
    np.savez(folder / "state.npz", recipe="[]", losses=[])
    data = {kind: (np.zeros((1, 224, 224, 3), np.uint8), np.eye(1, 12)) for kind in KINDS}
    train(data, steps=10, checkpoint=folder / "state.npz")


TROUBLES = [
    Trouble(
        "no training … with seed … in …; make train SEEDS=… makes it, three quarters of an hour for each that is missing",
        "Some trainings are part of the repository, in `notebooks/trainings/`; others are made when they "
        "are asked for.",
        "Run `make train` with as many seeds.",
        lambda folder: load_training("softmax", 3, folder),
    ),
    Trouble(
        "… was written by a training with other settings: …, not …; remove it, or give another file",
        "A training goes on from its own checkpoint only: with other scenes, steps or seed it would "
        "be neither the one nor the other.",
        "Remove the file, or give each training its own.",
        checkpoint_of_another,
    ),
]
