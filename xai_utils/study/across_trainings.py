"""How alike the heatmaps of several trainings of one recipe are, score by score.

Plain descent never changes what the columns of the last kernel have in common (Lerma and Lucas,
arXiv 2306.13197, sections II-B and III, leave it open; notebook 2 derives it), so a part of the
gradient of a logit is what the seed made it. `pre, centred` is the logit minus the mean of all
logits: it lacks that part.
"""

import csv
import gzip
from itertools import combinations

import numpy as np

from xai_utils.checks import check_choice
from xai_utils.files import write_packed_table
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import correlation
from xai_utils.scores import SCORES
from xai_utils.study.contrast import combine_logit_gradients
from xai_utils.study.equivalent import add_to_kernel
from xai_utils.study.localisation import METHODS, draw_map
from xai_utils.study.statistics import paired_difference

CENTRED = "pre, centred"
MAPS = (*SCORES, CENTRED)
COLUMNS = ("first", "second", "scene", "class", "method", "score", "correlation")
CHUNK = 20  # scenes whose maps are held at a time


def centre(classifier):
    """The classifier with the mean of all logits subtracted from each; the same probabilities.

    Parameters
    ----------
    classifier : Classifier
        Whose last layer is dense.

    Returns
    -------
    Classifier
    """
    kernel, *_ = classifier.network.layers[-1].get_weights()
    return add_to_kernel(classifier, -kernel.mean(axis=1))


def correlate_trainings(classifiers, scenes, layer, steps):
    """The correlation of the maps of each pair of networks, for every scene, method and score.

    Parameters
    ----------
    classifiers : dict of str to Classifier
        Two or more trainings, by name.
    scenes : list of Scene
        With one object each, whose class is explained.
    layer : str
    steps : int
        Of the paths.

    Returns
    -------
    list of tuple
        Rows of COLUMNS. The correlation is NaN where a map is constant.
    """
    rows = []
    for start in range(0, len(scenes), CHUNK):
        chunk = scenes[start : start + CHUNK]
        maps = {name: _maps(c, chunk, layer, steps) for name, c in classifiers.items()}
        for first, second in combinations(classifiers, 2):
            for (method, score), drawn in maps[first].items():
                pairs = zip(drawn, maps[second][method, score], strict=True)
                rows += [
                    (first, second, start + i, scene.classes[0], method, score, correlation(*pair))
                    for i, (scene, pair) in enumerate(zip(chunk, pairs, strict=True))
                ]
    return rows


def _maps(classifier, scenes, layer, steps):
    images, classes = [s.image for s in scenes], [s.classes[0] for s in scenes]
    given = {"layer": layer, "steps": steps}
    four = ScoreGradients(classifier, images, classes, **given)
    centred = ScoreGradients(centre(classifier), images, classes, scores="pre", **given)
    for gradients in (four, centred):
        gradients.path("pixels")  # holds the integrals at the layer, too
    maps = {(m, score): draw_map(m, four, score) for m in METHODS for score in SCORES}
    return maps | {(m, CENTRED): draw_map(m, centred, "pre") for m in METHODS}


def write_agreement(path, rows):
    """Write the rows of `correlate_trainings` to a file, as `write_packed_table` does."""
    cells = ((*row[:-1], f"{row[-1]:.4f}") for row in rows)
    write_packed_table(path, COLUMNS, cells)


class Agreement:
    """How alike the maps of several trainings are, read from a table of `write_agreement`.

    Attributes
    ----------
    networks : list of str
        Names of the trainings.
    pairs : list of (str, str)
    heads : list of str
        Of each pair: "softmax, softmax", "sigmoid, softmax" or "sigmoid, sigmoid".
    scenes : list of str
        Numbers of the scenes.
    correlations : dict of ndarray, float64 (pairs, scenes)
        By (method, score); NaN where a map is constant.
    """

    def __init__(self, path):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.pairs = list(dict.fromkeys((row["first"], row["second"]) for row in rows))
        self.heads = [", ".join(sorted(n.split("-")[0] for n in pair)) for pair in self.pairs]
        self.networks = list(dict.fromkeys(name for pair in self.pairs for name in pair))
        self.scenes = list(dict.fromkeys(row["scene"] for row in rows))
        places = {pair: i for i, pair in enumerate(self.pairs)}
        columns = {scene: i for i, scene in enumerate(self.scenes)}
        shape = len(self.pairs), len(self.scenes)
        self.correlations = {(m, s): np.full(shape, np.nan) for m in METHODS for s in MAPS}
        for row in rows:
            place = places[row["first"], row["second"]], columns[row["scene"]]
            self.correlations[row["method"], row["score"]][place] = float(row["correlation"])

    def mean(self, method, score, heads=None):
        """The mean correlation over pairs and scenes, with its interval.

        Parameters
        ----------
        method : str
            One of `xai_utils.study.localisation.METHODS`.
        score : str
            One of MAPS.
        heads : str, optional
            Of the pairs with these only; all if None.

        Returns
        -------
        xai_utils.study.statistics.Difference
            Trainings and scenes are drawn with replacement.
        """
        return self._difference(self.correlations[method, score], 0, heads)

    def compare(self, method, first, second, heads=None):
        """How much more alike the maps of the first score are than those of the second.

        Parameters and result are those of `mean`.
        """
        found = [self.correlations[method, score] for score in (first, second)]
        return self._difference(*found, heads)

    def _difference(self, first, second, heads):
        kept = np.full(len(self.pairs), True)
        if heads is not None:
            check_choice("heads", heads, dict.fromkeys(self.heads))
            kept = np.array(self.heads) == heads
        first, second = (np.broadcast_to(v, first.shape)[kept].ravel() for v in (first, second))
        pairs = np.repeat(np.array(self.pairs)[kept], len(self.scenes), axis=0)
        return paired_difference(first, second, pairs, np.tile(self.scenes, kept.sum()))


def shared_parts(classifier, scenes, layer):
    """The part of the gradients of the logits that all classes share, in each scene.

    Parameters
    ----------
    classifier : Classifier
    scenes : list of Scene
    layer : str

    Returns
    -------
    ndarray, float64 (scenes,)
        The squared length of the mean of the gradients of all logits, over the mean of the squared
        lengths: 1 if all classes have one gradient, 1/n if n are independent and of one length.
    """
    split = classifier.split(layer)
    activations = ScoreGradients(
        classifier, [s.image for s in scenes], [s.classes[0] for s in scenes], layer=layer
    ).activations
    classes = len(classifier.class_names)
    gradients = [
        combine_logit_gradients(split.head, activations, np.tile(one, (len(scenes), 1)))
        for one in np.eye(classes)
    ]
    gradients = np.reshape(gradients, (classes, len(scenes), -1)).astype(np.float64)
    return (gradients.mean(axis=0) ** 2).sum(axis=-1) / (gradients**2).sum(axis=-1).mean(axis=0)


def shared_part_of_kernel(kernel):
    """The same part of the columns of a kernel: float.

    Parameters
    ----------
    kernel : ndarray, float (features, classes)
    """
    kernel = np.asarray(kernel, np.float64)
    return (kernel.mean(axis=1) ** 2).sum() / (kernel**2).sum(axis=0).mean()
