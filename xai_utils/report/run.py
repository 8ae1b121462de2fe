"""A folder of pictures in, a report out."""

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from xai_utils.classifier import Classifier
from xai_utils.loading import load_classifier
from xai_utils.report.caveats import find_caveats
from xai_utils.report.expected import read_labels
from xai_utils.report.explain import (
    crop_center,
    explain_image,
    most_evaluations,
    prepare_baseline,
    trained_baseline,
    worst_gap,
)
from xai_utils.report.folder import ReportFolder
from xai_utils.report.inputs import find_sources
from xai_utils.report.page import make_page
from xai_utils.report.part import Part
from xai_utils.report.progress import Progress
from xai_utils.report.settings import AUTOBASELINE, Settings
from xai_utils.report.summary import most_different_first
from xai_utils.results import versions

FAILED = "failed"
COLUMNS = (
    "name", "outcome", "reason", "expected", "predicted", "probability", "log_odds", "runner_up",
    "margin", "log_odds_against_rival", "distance",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What has become of the pictures.

    Attributes
    ----------
    page : Path
        To be opened in a browser. Of a part of the report: the table of its rows.
    rows : list of dict
        The record of each picture, by name; of one that failed, its name and the reason.
    done, kept, failed : int
        Explained now; found explained already; not explained.
    unknown : tuple of str
        Files in the table of classes that are no picture.
    """

    page: Path
    rows: list
    done: int
    kept: int
    failed: int
    unknown: tuple


def explain_folder(
    images, model, targets=None, out="results/report", force=False, part=None, **settings
):
    """Explain every picture with all methods and scores, and write a report.

    Stopped or killed at any moment, the same call goes on from there. The work can be shared: each
    of several processes explains a part of the pictures, and the same call without a part then
    finds them explained, and writes the report.

    Parameters
    ----------
    images : str or Path
        See `find_sources`: a folder, a pattern, a list, a zip, or "samples".
    model : Classifier, str, Path or keras.Model
        As for `load_classifier`.
    targets : str or Path, optional
        A table of the expected classes, see `read_labels`.
    out : str or Path
        The folder of the report.
    force : bool
        Replace a report with other settings.
    part : str, optional
        Explain a part of the pictures only: "3/20" is the third of twenty parts.
    **settings
        See `Settings`.

    Returns
    -------
    Report

    Raises
    ------
    ValueError, FileNotFoundError
        If an argument is not one of these, or the folder holds another report.
    OSError
        If the report cannot be written.

    Examples
    --------
    >>> report = explain_folder("samples", "vgg19-mini", methods="grad_cam")  # doctest: +SKIP
    >>> report.page.as_posix()  # doctest: +SKIP
    'results/report/index.html'
    """
    settings = Settings(**settings)
    part = None if part is None else Part.read(part)
    if part and force:
        raise ValueError(
            "--force with --part would delete what other parts have done; delete the report's "
            "folder yourself, then begin without --force"
        )
    classifier = model if isinstance(model, Classifier) else load_classifier(model)
    classifier.split(settings.layer or classifier.default_layer)  # a wrong layer stops here
    out = Path(os.path.expanduser(out))
    sources = find_sources(images, left_out=out)
    labels, unknown = {}, []
    if targets is not None:
        labels, unknown = read_labels(targets, [source.name for source in sources])
    baseline = prepare_baseline(classifier, settings)
    record = {**settings.record(classifier), "baseline_sha256": baseline.sha256()}
    folder = ReportFolder(out, record, force, shared=part is not None)
    folder.check_pictures([source.name for source in sources], force)
    if settings.baseline == AUTOBASELINE:
        baseline = trained_baseline(classifier, out / "baseline.png")
    work = _Work(classifier, settings, baseline, folder)
    rows, done = work.rows(part.take(sources) if part else sources, labels)
    failed = sum(row["outcome"] == FAILED for row in rows)
    page = part.table if part else "index.html"
    if part:
        folder.write(page, _table(rows, settings))
    else:
        summary = {
            "pictures": len(rows),
            "failed": failed,
            "baseline_undecided": baseline.undecided,
            "unknown_in_targets": unknown,
            "versions": versions(),
        }
        folder.write("rows.csv", _table(rows, settings))
        folder.write(page, make_page(rows, record, summary, out).encode())
        folder.complete(summary, [row["place"] for row in rows if row["outcome"] != FAILED])
    return Report(out / page, rows, done, len(rows) - done - failed, failed, tuple(unknown))


@dataclass(frozen=True)
class _Work:
    """What is the same for all pictures."""

    classifier: Classifier
    settings: Settings
    baseline: object
    folder: ReportFolder

    def rows(self, sources, labels):
        """The rows of some pictures, and how many of them were explained now."""
        progress = Progress(len(sources))
        rows, done = [], 0
        for source in sources:
            row, new = self._row(source, labels.get(source.name))
            rows.append(row)
            done += new
            progress.step(new)
        return rows, done

    def _row(self, source, label):
        """The row of one picture, and whether it was explained now."""
        digest = source.digest()
        row = self.folder.finished(source.name, digest, label)
        if row is not None:
            return row, False
        try:
            image = source.read()
        except (OSError, ValueError) as error:
            return _failure(source, label, error), False
        if self.settings.crop == "center":
            image = crop_center(image, *self.classifier.input_size)
        try:
            row, maps = self._explain(image, label)
        except (ValueError, tf.errors.ResourceExhaustedError) as error:
            return _failure(source, label, error), False
        place = self.folder.place(source.name)
        row = {"name": source.name, "file_sha256": digest, "place": place, **row}
        self.folder.keep(image, row, maps, self.settings)
        return row, True

    def _explain(self, image, label):
        index, problem = self._index(label)
        found, maps = explain_image(self.classifier, image, self.settings, self.baseline, index)
        outcome = "unlabelled"
        if index is not None:
            outcome = "right" if index == found["predicted_index"] else "wrong"
        row = {"outcome": outcome, "expected": label, "label_problem": problem, **found}
        return {**row, "warnings": find_caveats(row, maps, self.settings, self.classifier)}, maps

    def _index(self, label):
        """The index of an expected class, and why it has none."""
        if label is None:
            return None, None
        try:
            return self.classifier.class_index(label), None
        except ValueError as error:
            if label.isdecimal() and int(label) < len(self.classifier.class_names):
                return int(label), None
            return None, str(error)


def _failure(source, label, error):
    return {
        "name": source.name,
        "outcome": FAILED,
        "expected": label,
        "reason": str(error),
        "warnings": [],
    }


def _table(rows, settings):
    """The rows, ordered as on the page, as a table of comma-separated values: bytes."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    distances = [f"distance_{method}" for method in settings.methods]
    table.writerow([*COLUMNS, *distances, "gap", "evaluations", "warnings"])
    for row in most_different_first(rows):
        balances = row.get("completeness")
        table.writerow(
            [
                *(row.get(column) for column in COLUMNS),
                *(row.get("distances", {}).get(method) for method in settings.methods),
                worst_gap(balances) if balances else None,
                most_evaluations(balances) if balances else None,
                " ".join(row["warnings"]),
            ]
        )
    return text.getvalue().encode("utf-8", "backslashreplace")
