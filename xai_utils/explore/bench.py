"""Computes what is chosen, and keeps what the next choice can use again."""

from dataclasses import replace
from pathlib import Path

from xai_utils.baselines import BASELINES
from xai_utils.checks import check_choice
from xai_utils.completeness_gap import completeness
from xai_utils.embedded.samples import load_image
from xai_utils.explore.choices import NETWORKS, Explanation, blaming
from xai_utils.gradients import ScoreGradients
from xai_utils.loading import load_classifier, read_description
from xai_utils.methods import POINT_METHODS
from xai_utils.model_files import find_model_file
from xai_utils.report.settings import PATH_METHODS, Settings
from xai_utils.results import make_record
from xai_utils.style import METHOD_LABELS


def quietly(done, total, what):
    """Tell nobody how far the work is."""


class Bench:
    """The last network, gradients and heatmaps: another score or method costs only itself.

    Attributes
    ----------
    classifier : Classifier or None
        The last one that could be loaded.
    """

    def __init__(self):
        self.classifier = None
        self._model = self._work = None  # what classifier and gradients were made of
        self._gradients, self._made = None, {}

    def explain(self, choices, tell=quietly):
        """All heatmaps of some choices.

        Parameters
        ----------
        choices : Choices
        tell : callable
            Called with the number of heatmaps that are done, the number of all, and what is done
            next.

        Returns
        -------
        Explanation

        Raises
        ------
        Refused
            If a choice cannot be used.
        """
        for control in ("methods", "scores", "tolerance"):
            with blaming(control):
                Settings(**{control: getattr(choices, control)})
        cells = [(method, score) for method in choices.methods for score in choices.scores]
        with blaming("image"):
            image = load_image(choices.image)
        with blaming("model"):
            tell(0, len(cells), "the network")
            self._load(choices.model)
        choices = self._complete(choices, image)
        self._prepare(choices, image)
        for done, (method, score) in enumerate(cells):
            tell(done, len(cells), f"{METHOD_LABELS[method]}, {score}")
            self._make(method, score, choices)
        heatmaps, records = ({cell: self._made[cell][part] for cell in cells} for part in (0, 1))
        return Explanation(choices, image, heatmaps, records)

    def _load(self, model):
        """Load a network, unless it is the last one and its files are as they were."""
        key = model, _files(model)
        if key != self._model:
            self._model = None  # if it is refused, the last one is not it
            self.classifier = load_classifier(model)
            self._model = key

    def _complete(self, choices, image):
        """The choices with the names of class and layer where they were left open."""
        with blaming("target"):
            if choices.target:
                index = self.classifier.class_index(self._as_given(choices.target))
                target = self.classifier.class_names[index]
            else:
                ((target, _),) = self.classifier.top_classes(image, 1)
        with blaming("layer"):
            layer = choices.layer or self.classifier.default_layer
            self.classifier.split(layer)
        return replace(choices, target=target, layer=layer)

    def _as_given(self, text):
        """A class as `find_class` takes it: a number is an index, unless a class is called so."""
        is_index = text.isdecimal() and text not in self.classifier.class_names
        return int(text) if is_index else text

    def _prepare(self, choices, image):
        """The gradients, unless they are the last ones."""
        with blaming("baseline"):
            baseline = choices.baseline
            if Path(baseline).expanduser().is_file():
                baseline = load_image(baseline)
            else:
                check_choice("baseline", baseline, BASELINES)
        # which path all methods share is decided by them, not by the order of the choices: one down
        # to the pixels has other points than one that ends at the layer
        work = (
            self.classifier, _content(image), choices.target, choices.layer, _content(baseline),
            choices.tolerance, "integrated_gradients" in choices.methods,
        )  # fmt: skip
        if work == self._work:
            return
        self._work, self._made = work, {}
        self._gradients = ScoreGradients(
            self.classifier, [image], [choices.target], choices.layer,
            baseline=baseline, tolerance=choices.tolerance,
        )  # fmt: skip

    def _make(self, method, score, choices):
        """One heatmap and its record, unless they are there."""
        if (method, score) in self._made:
            return
        gradients, balance = self._gradients, None
        if method in POINT_METHODS:
            heatmap = POINT_METHODS[method](gradients, score)[0]
        else:
            if "integrated_gradients" in choices.methods:
                gradients.path("pixels")  # holds the integrals at the layer, too
            function, at = PATH_METHODS[method]
            heatmap = function(gradients, score)[0]
            balance = completeness(gradients, score, at)
        if heatmap.ndim == 3:  # at the pixels
            heatmap = heatmap.sum(axis=-1)
        own = {name: getattr(choices, name) for name in ("image", "baseline", "tolerance")}
        record = make_record(method, score, gradients, heatmap, balance, **own)
        self._made[method, score] = heatmap, record


def _files(model):
    """The files of a network that has some, with the times of their last changes: tuple."""
    if model in NETWORKS:
        return ()
    path = find_model_file(model)
    files = [path, path.with_suffix(".json")]
    names = read_description(path).get("class_names")
    if isinstance(names, str):
        files.append(path.parent / names)
    return tuple((file, file.stat().st_mtime_ns) for file in files if file.is_file())


def _content(image):
    """An image, or the name of one, so that it can be compared."""
    return image if isinstance(image, str) else (image.shape, image.tobytes())
