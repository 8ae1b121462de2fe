"""What is chosen for a picture, and the heatmaps that come of it; knows nothing of controls."""

import os
import shlex
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from xai_utils.figures import describe_target, heatmap_grid
from xai_utils.heatmaps import distance
from xai_utils.pretrained import PRETRAINED
from xai_utils.results import save_result
from xai_utils.scores import SCORES
from xai_utils.style import METHOD_LABELS, save_figure

ROOT = Path(__file__).parents[2]
NOTEBOOK = "notebooks/explore.ipynb"
NETWORKS = ("vgg19-mini", *PRETRAINED)
PAIR = ("pre", "odds")  # the two scores whose maps are compared in words


class Refused(ValueError):
    """A choice that cannot be used.

    Attributes
    ----------
    control : str
        What it was chosen with: the name of an attribute of `Choices`, or "folder".
    """

    def __init__(self, control, message):
        super().__init__(message)
        self.control = control


@contextmanager
def blaming(control):
    """Raise what goes wrong within as `Refused`, with the name of a control."""
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise Refused(control, str(error)) from error


@dataclass(frozen=True)
class Choices:
    """What to explain, and how.

    Attributes
    ----------
    image : str
        A sample's name, or the path of a picture.
    model : str
        As for `load_classifier`.
    target : str
        A class, by name or index; "" for the most probable one.
    layer : str
        Where activations are read; "" for the last usable layer.
    methods : tuple of str
        Of `xai_utils.report.settings.METHODS`.
    scores : tuple of {"pre", "post", "log", "odds"}
    baseline : str
        Where paths begin: one of `xai_utils.baselines.BASELINES`, or the path of a picture.
    tolerance : float
        Of the completeness gap of the path methods.
    """

    image: str = "cat"
    model: str = "vgg19-mini"
    target: str = ""
    layer: str = ""
    methods: tuple = ("grad_cam", "rsi_grad_cam")
    scores: tuple = SCORES
    baseline: str = "black"
    tolerance: float = 0.05


@dataclass(frozen=True)
class Explanation:
    """The heatmaps of one picture and class.

    Attributes
    ----------
    choices : Choices
        With the names of class and layer in place of "".
    image : ndarray, uint8 (H, W, 3)
    heatmaps, records : dict
        By (method, score): ndarray, float32 (h, w), not normalised, and as from `make_record`.
    """

    choices: Choices
    image: np.ndarray
    heatmaps: dict
    records: dict

    def figure(self):
        """All heatmaps, methods as rows and scores as columns: matplotlib.figure.Figure."""
        title = Path(self.choices.image).name
        return heatmap_grid(self.image, self.heatmaps, self.records, title)

    def describe(self):
        """Class and probability, and how far the maps of two scores are apart: str."""
        record = next(iter(self.records.values()))
        line = f"{describe_target(record)} at {record['layer']}."
        if not set(PAIR) <= set(self.choices.scores):
            return line
        moved = {m: distance(*(self.heatmaps[m, s] for s in PAIR)) for m in self.choices.methods}
        parts = ", ".join(f"{part:.0%} ({METHOD_LABELS[method]})" for method, part in moved.items())
        return f"{line} From {' to '.join(PAIR)}, this part of the attribution moves: {parts}."

    def parameters(self):
        """The choices as parameters of the notebook: dict of str and float."""
        given = asdict(self.choices)
        return {**given, **{name: " ".join(given[name]) for name in ("methods", "scores")}}

    def command(self, folder):
        """The command that makes and saves the same, from the folder of the repository: str."""
        here = os.path.relpath(Path.cwd(), ROOT)
        words = ["papermill", *(["--cwd", here] if here != "." else []), NOTEBOOK, "out.ipynb"]
        for name, value in {**self.parameters(), "results": os.fspath(folder)}.items():
            words += ["-p" if name == "tolerance" else "-r", name, str(value)]
        return shlex.join(words)

    def save(self, folder):
        """Save the figure, and each heatmap with its record.

        Parameters
        ----------
        folder : str or Path
            Must not hold an explanation of other choices.

        Returns
        -------
        list of Path
        """
        folder = Path(os.path.expanduser(folder))
        any_record = next(iter(self.records.values()))
        hashes = {name: any_record[name] for name in ("image_sha256", "weights_sha256")}
        figure = self.figure()
        files = save_figure(figure, folder / "heatmaps", {**self.parameters(), **hashes})
        for cell, heatmap in self.heatmaps.items():
            files += save_result(folder, heatmap, self.records[cell])
        return files
