"""What other libraries say of the maps of tests/test_best_measures.py: writes their numbers.

Each library in an environment of its own, as neither belongs into that of the project:

    uv venv --python 3.11 /tmp/peer
    uv pip install --python /tmp/peer quantus==0.6.0     # or xplique==2.0.2
    /tmp/peer/bin/python tests/independent_measures.py quantus     # or xplique

Quantus installs beside requirements.txt, with three packages more, but its area under a curve is
`numpy.trapz`, which NumPy 2.4 no longer has; only its curves are taken. Its extra for TensorFlow
does not install beside it (tensorflow < 2.16, keras < 3, numpy < 2) and is not needed. Xplique
does not install beside it (scikit-image <= 0.25.2, scipy <= 1.15.3, scikit-learn <= 1.7.2,
tensorflow <= 2.20.0).

Not run by any test. The inputs need NumPy alone, so that the tests take them from here.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "data" / "independent_measures.json"
RNG = np.random.default_rng(174)
CASES, CELLS, CELL, OBJECTS = 5, 7, 4, 4
SIDE = CELLS * CELL
OUTPUTS = ("pre", "post", "log", "odds")  # of `outputs`

IMAGES = RNG.integers(0, 256, (CASES, SIDE, SIDE, 3)).astype(np.uint8)
OTHER = RNG.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)  # in place of what is taken
SIGNED = RNG.normal(size=(CASES, SIDE, SIDE)).astype(np.float32)
MAPS = SIGNED - SIGNED.min(axis=(1, 2), keepdims=True)  # from 0 on
MASKS = RNG.random((CASES, SIDE, SIDE)) < [[[0.1]], [[0.3]], [[0.5]], [[0.7]], [[0.9]]]
TILES = np.arange(CASES) % 4  # the tile that is explained, of 2 x 2
MASSES, EFFECTS = RNG.normal(size=(2, CASES, OBJECTS))
FIRST = RNG.normal(size=(SIDE * SIDE * 3, 8)) / 5
SECOND = RNG.normal(size=(8, 3))
TARGETS = np.array([0, 0, 2, 2, 1])  # classes that every output can judge, see SMALLEST_CHANGE


def network(images):
    """Logits of a network of two layers: float (N, SIDE, SIDE, 3) to float64 (N, 3)."""
    pixels = np.asarray(images, np.float64).reshape(len(images), -1) / 255
    return np.tanh(pixels @ FIRST) @ SECOND


def outputs(images, targets):
    """The four outputs for one class of each image: float64 (N, 4)."""
    logits = network(images)
    logit = logits[np.arange(len(logits)), targets]
    share = np.exp(logit) / np.exp(logits).sum(axis=1)
    return np.stack([logit, share, np.log(share), np.log(share / (1 - share))], axis=1)


def cell_means(maps):
    """The mean of each cell, as a map of the size of the image: float (N, SIDE, SIDE)."""
    means = maps.reshape(-1, CELLS, CELL, CELLS, CELL).mean(axis=(2, 4))
    return np.kron(means, np.ones((CELL, CELL)))


def measured_by_quantus():
    """Lists of numbers, one a case, by measure; of curves, one a case for each output."""
    import quantus
    from quantus.functions.similarity_func import correlation_kendall_tau, correlation_pearson
    from quantus.functions.similarity_func import cosine as cosine_distance

    as_is = {"abs": False, "normalise": False, "disable_warnings": True}
    located = {"x_batch": np.moveaxis(IMAGES, -1, 1), "a_batch": MAPS[:, None]}
    located |= {"s_batch": MASKS[:, None]}
    positive = quantus.AttributionLocalisation(positive_attributions=True, **as_is)
    pairs = list(zip(MASSES, EFFECTS, strict=True))
    flat = MAPS.reshape(CASES, -1), MASKS.astype(float).reshape(CASES, -1)
    regions = quantus.RegionPerturbation(
        patch_size=CELL, order="morf", regions_evaluation=CELLS**2, perturb_baseline=0.0, **as_is
    )

    def drops(start, end):
        """How much each output falls on the way from one image to another, cell by cell."""
        found = []
        for column in range(len(OUTPUTS)):
            model = _FromZero(column, end)
            difference = np.moveaxis(np.broadcast_to(start - end, IMAGES.shape), -1, 1)
            of = regions.evaluate_batch(
                model=model, x_batch=difference, y_batch=TARGETS, a_batch=MAPS[:, None]
            )
            found.append(np.asarray(of)[:, CELLS - 1 :: CELLS].tolist())  # after each seven
        return dict(zip(OUTPUTS, found, strict=True))

    image, other = IMAGES.astype(float), np.broadcast_to(OTHER.astype(float), IMAGES.shape)
    return {
        "share inside": quantus.RelevanceMassAccuracy(**as_is).evaluate_batch(**located),
        "share inside, signed": positive.evaluate_batch(**{**located, "a_batch": SIGNED[:, None]}),
        "pointing": quantus.PointingGame(**as_is).evaluate_batch(**located),
        "grid pointing": quantus.Focus(**as_is).evaluate_batch(
            a_batch=SIGNED[:, None], c_batch=np.eye(4)[TILES]
        ),
        "Kendall's tau": [correlation_kendall_tau(*pair) for pair in pairs],
        "cosine distance": [cosine_distance(*pair) for pair in pairs],
        "Pearson": [correlation_pearson(*two) for two in zip(*flat, strict=True)],
        "drops of deletion": drops(image, other),
        "drops of insertion": drops(other, image),
    }


class _FromZero:
    """An output of the network as a model whose input is what an image has more than another."""

    def __init__(self, column, zero):
        self.column, self.zero = column, zero

    def shape_input(self, x, *shape, **kwargs):
        return np.moveaxis(x, 1, -1)

    def predict(self, x):
        values = outputs(x + self.zero, TARGETS)[:, self.column]
        return np.repeat(values[:, None], 3, axis=1)  # whichever class is asked for


def measured_by_xplique():
    """Lists of numbers, one a case, by measure and output."""
    from xplique.metrics import AverageDropMetric, Deletion, Insertion

    found = {name: {} for name in ("deletion", "insertion", "average drop")}
    other, maps = OTHER.astype(np.float32), cell_means(MAPS)
    for column, output in enumerate(OUTPUTS):
        rows = {name: [] for name in found}
        for i, target in enumerate(TARGETS):
            image, asked = IMAGES[i : i + 1].astype(np.float32), np.eye(len(OUTPUTS))[[column]]

            def model(x, target=target, zero=0):
                return outputs(np.asarray(x) + zero, np.full(len(x), target))

            def from_other(x, model=model):
                return model(x, zero=other)

            steps = {"steps": CELLS, "baseline_mode": lambda _: other[None]}
            for name, metric in (("deletion", Deletion), ("insertion", Insertion)):
                value = metric(model, image, asked, **steps)(maps[i : i + 1])
                rows[name].append(float(value))
            drop = AverageDropMetric(from_other, image - other, asked)
            rows["average drop"].append(float(drop(MAPS[i : i + 1])))
        for name, values in rows.items():
            found[name][output] = values
    return found


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return np.round(np.asarray(value, np.float64), 9).tolist()


if __name__ == "__main__":
    library = sys.argv[1]
    measured = {"quantus": measured_by_quantus, "xplique": measured_by_xplique}[library]()
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    known[library] = {"version": version(library), **_plain(measured)}
    FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
