"""The controls of the explorer, the sentences beside them, and the picture below."""

import base64
import html

import ipywidgets as widgets
import traitlets
from IPython.display import display

from xai_utils.baselines import BASELINES
from xai_utils.checks import reason
from xai_utils.embedded.samples import PHOTOGRAPHS, SCENES
from xai_utils.explore.bench import Bench
from xai_utils.explore.choices import NETWORKS, Choices, Refused, blaming
from xai_utils.report.settings import METHODS, Settings
from xai_utils.scores import SCORES
from xai_utils.style import METHOD_LABELS, as_picture, show

FOLDER = "results/explore"
CONTROLS = (
    "The controls for image, network, target, layer, methods, scores, baseline and tolerance "
    "appear here when this cell is run."
)
STYLE = {"description_width": "6em"}
ROW = {"flex_flow": "row wrap", "align_items": "center"}
PROBLEM = '<span role="alert" style="color: var(--jp-error-color0, #b3261e)">{}</span>'


class Several(widgets.HBox):
    """A box to tick for each of some names; `value` has those that are ticked, in their order."""

    value = traitlets.Tuple()

    def __init__(self, description, labels, value):
        self.boxes = {
            name: widgets.Checkbox(
                name in value, description=label, indent=False, layout={"width": "auto"}
            )
            for name, label in labels.items()
        }
        title = widgets.Label(description, layout={"width": STYLE["description_width"]})
        super().__init__([title, *self.boxes.values()], layout=ROW)
        for box in self.boxes.values():
            box.observe(self._tick, "value")
        self._tick()

    def _tick(self, change=None):
        self.value = tuple(name for name, box in self.boxes.items() if box.value)


def make_controls(choices):
    """A control for each of the choices: dict of widgets, by the names of the choices."""
    methods = {name: METHOD_LABELS[name] for name in METHODS}
    return {
        "image": _text("image", choices.image, [*PHOTOGRAPHS, *SCENES], "or a path"),
        "model": _text("network", choices.model, NETWORKS, "or a .keras or .h5 file"),
        "target": _text("target", choices.target, [], "the most probable class"),
        "layer": _text("layer", choices.layer, [], "the last usable one"),
        "methods": Several("methods", methods, choices.methods),
        "scores": Several("scores", {name: name for name in SCORES}, choices.scores),
        "baseline": _text("baseline", choices.baseline, BASELINES, "or a path"),
        "tolerance": widgets.FloatText(choices.tolerance, description="tolerance", style=STYLE),
    }  # fmt: skip


def _text(description, value, options, placeholder):
    """A field to write in, with names to choose from; it counts when it is left, or on Enter."""
    return widgets.Combobox(
        value=value, options=list(options), description=description, placeholder=placeholder,
        style=STYLE, continuous_update=False,
    )  # fmt: skip


class Explorer:
    """Controls for one picture and network, and the heatmaps that they make.

    A control that is changed makes them anew. What cannot be used is explained beside its control,
    and no picture is shown until it is mended.

    Parameters
    ----------
    **choices
        Where the controls stand at first; see `xai_utils.explore.choices.Choices`. Methods and
        scores may be texts, with spaces between the names.

    Raises
    ------
    ValueError
        If there is no method or score of a name.
    """

    def __init__(self, **choices):
        for name in {"methods", "scores"} & set(choices):
            given = choices[name].split() if isinstance(choices[name], str) else choices[name]
            choices[name] = getattr(Settings(**{name: given}), name)
        self._bench, self._explanation, self._error = Bench(), None, None
        self.controls = make_controls(Choices(**choices))
        self.folder = widgets.Text(FOLDER, description="folder", style=STYLE)
        self.save_button = widgets.Button(description="Save", icon="save")
        self.problems = {name: widgets.HTML() for name in (*self.controls, "folder")}
        self.progress = widgets.IntProgress(description="", bar_style="info")
        self.status, self.picture, self.saved = widgets.HTML(), widgets.HTML(), widgets.HTML()
        rows = [
            widgets.HBox([control, self.problems[name]], layout=ROW)
            for name, control in self.controls.items()
        ]
        saving = widgets.HBox([self.folder, self.save_button, self.problems["folder"]], layout=ROW)
        self._box = widgets.VBox(
            [*rows, self.progress, self.status, self.picture, saving, self.saved]
        )
        for control in self.controls.values():
            control.observe(self._update, "value")
        self.save_button.on_click(self._save)

    def _repr_mimebundle_(self, **kwargs):
        """The controls where a kernel runs; elsewhere, what they are, in a text."""
        return {**self._box._repr_mimebundle_(**kwargs), "text/plain": CONTROLS}

    def open(self):
        """Show the controls, and make the heatmaps."""
        display(self)
        self._update()

    @property
    def choices(self):
        """Where the controls stand: Choices."""
        return Choices(**{name: control.value for name, control in self.controls.items()})

    @property
    def explanation(self):
        """What is shown: Explanation. Raises what is wrong, if nothing can be shown."""
        if self._explanation is None and self._error is None:
            self._update()
        if self._error is not None:
            raise self._error
        return self._explanation

    def show(self):
        """Show the heatmaps as a picture that stays in the notebook."""
        show(self.explanation.figure())

    def _update(self, change=None):
        """Make the heatmaps of what is chosen, or say what is wrong with it."""
        for place in (*self.problems.values(), self.picture, self.saved, self.status):
            place.value = ""
        self.save_button.disabled = True
        self._explanation = self._error = None
        try:
            self._explanation = self._bench.explain(self.choices, self._tell)
            self._draw()
        except Refused as error:
            self._error = error
            self._blame(error)
        except (Exception, KeyboardInterrupt) as error:  # or it would end in a log that nobody sees
            self._error = error
            self.status.value = PROBLEM.format(
                html.escape(f"{type(error).__name__}: {reason(error)}")
            )
        finally:
            self.progress.layout.visibility = "hidden"
            self._offer_names()

    def _tell(self, done, total, what):
        self.progress.max, self.progress.value = total, done
        self.progress.layout.visibility = "visible"
        self.status.value = html.escape(f"{done} of {total} heatmaps; now {what}")

    def _draw(self):
        picture = as_picture(self._explanation.figure())
        data = base64.b64encode(picture.data).decode("ascii")
        source = f"data:image/{picture.format};base64,{data}"
        self.picture.value = (
            f'<img alt="{html.escape(picture.alt)}" width="{picture.width}" '
            f'style="max-width: 100%; height: auto" src="{source}">'
        )
        self.status.value = html.escape(self._explanation.describe())
        self.save_button.disabled = False

    def _blame(self, refused):
        self.problems[refused.control].value = PROBLEM.format(html.escape(str(refused)))

    def _offer_names(self):
        """Names of classes and layers, to choose from."""
        classifier = self._bench.classifier
        if classifier is not None:
            self.controls["target"].options = classifier.class_names
            self.controls["layer"].options = classifier.layer_names

    def _save(self, button):
        """Write picture and records, and show the command that makes the same."""
        self.problems["folder"].value = self.saved.value = ""
        try:
            with blaming("folder"):
                files = self.explanation.save(self.folder.value)
        except Refused as refused:
            self._blame(refused)
            return
        command = self.explanation.command(self.folder.value)
        self.saved.value = (
            f"Saved {len(files)} files in {html.escape(self.folder.value)}. The same again, from "
            f"the folder of the repository:<pre>{html.escape(command)}</pre>"
        )
