"""Several trainings of one recipe, one after the other: ``python -m xai_utils.embedded.trainings``.

The recipe's first seed made the network of this repository. Other seeds give networks that are as
good and not the same, which is what the paper's third argument is about. A training that is stopped
goes on where it was, and one that is done is not done again.
"""

import argparse
import json
from functools import cache
from pathlib import Path

import keras

from xai_utils.checks import check_count
from xai_utils.embedded.evaluation import TEST_STREAM, evaluate, evaluate_maps
from xai_utils.embedded.examples import SIZES, training_set
from xai_utils.embedded.scenes import CLASS_NAMES, make_scene
from xai_utils.embedded.training import STEPS, Progress, train
from xai_utils.embedded.vgg19_mini import (
    WEIGHTS,
    build_vgg19_mini,
    load_vgg19_mini,
    save_weights,
)
from xai_utils.files import write_atomically
from xai_utils.loading import load_classifier
from xai_utils.study.across_trainings import correlate_trainings, write_agreement

FOLDER = Path("notebooks/trainings")
SIGMOID_SEEDS = 2
EVALUATED = 240  # scenes for each measurement
PATH_STEPS = 20  # of the path methods: what is asked is how alike maps are, not how complete


def plan(seeds):
    """The trainings: a list of (head, seed), those with a softmax first."""
    check_count("seeds", seeds)
    heads = {"softmax": seeds, "sigmoid": min(seeds, SIGMOID_SEEDS)}
    return [(head, seed) for head, count in heads.items() for seed in range(count)]


def weights_of(head, seed, folder=FOLDER):
    """The file of a training's weights; that of the first is part of the package."""
    return WEIGHTS if (head, seed) == ("softmax", 0) else Path(folder) / f"{head}-{seed}.npz"


def load_training(head, seed, folder=FOLDER):
    """The network of a training, as a `Classifier`.

    Raises
    ------
    FileNotFoundError
        If it has not been trained yet.
    """
    path = weights_of(head, seed, folder)
    if not path.is_file():
        raise FileNotFoundError(
            f"no training {head!r} with seed {seed} in {str(folder)!r}; make train "
            f"SEEDS={seed + 1} makes it, three quarters of an hour for each that is missing"
        )
    return load_classifier(load_vgg19_mini(path), "vgg19", CLASS_NAMES)


def first_kernel(seed):
    """The last kernel as the seed of a training makes it: ndarray, float32 (features, classes)."""
    keras.utils.set_random_seed(seed)
    return build_vgg19_mini(classifier_activation=None).layers[-1].get_weights()[0]


def run(seeds, folder=FOLDER, sizes=SIZES, steps=STEPS):
    """Do the trainings that are not done, then compare all.

    Writes ``trainings.json``, how good each is, and ``agreement.csv.gz``, how alike their heatmaps
    are, scene by scene (`xai_utils.study.across_trainings`).

    Parameters
    ----------
    seeds : int
        With a softmax; the first two also with sigmoids.
    folder : str or Path
        For the weights, the checkpoints and the table.
    sizes : dict
        For `training_set`.
    steps : int
    """
    folder = Path(folder)
    data = cache(lambda: training_set(sizes))  # not made if all is done
    for head, seed in plan(seeds):
        path = weights_of(head, seed, folder)
        if not path.is_file():
            print(f"training {head}-{seed}", flush=True)
            checkpoint = folder / f"{head}-{seed}.checkpoint.npz"
            network, _ = train(data(), steps, seed, head, checkpoint, Progress(steps))
            save_weights(network, path)
            checkpoint.unlink(missing_ok=True)
    classifiers = {f"{head}-{s}": load_training(head, s, folder) for head, s in plan(seeds)}
    table = {name: _measure(classifier) for name, classifier in classifiers.items()}
    text = json.dumps(table, indent=2) + "\n"
    write_atomically(folder / "trainings.json", lambda file: file.write(text.encode()))
    scenes = [make_scene((TEST_STREAM, i), backgrounds="held_out") for i in range(EVALUATED)]
    rows = correlate_trainings(classifiers, scenes, "block5_pool", PATH_STEPS)
    write_agreement(folder / "agreement.csv.gz", rows)
    print(f"{len(table)} trainings in {folder}")


def _measure(classifier):
    measured = evaluate(classifier, "held-out backgrounds", EVALUATED)
    maps = evaluate_maps(classifier, EVALUATED)
    shares = {name: result["share_inside"] for name, result in maps.items()}
    return {"sha256": classifier.weights_sha256(), **measured, "share_inside": shares}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", type=int, help="how many trainings with a softmax")
    run(parser.parse_args().seeds)
