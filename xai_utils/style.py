"""One style for all figures: colours, labels, and how they are shown and saved."""

import io
import json
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import PIL.Image
from IPython.display import Image, display

from xai_utils.files import write_atomically
from xai_utils.results import versions

STYLE = {
    "figure.dpi": 80,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.interpolation": "nearest",
    "pdf.fonttype": 42,  # text stays text
    "figure.constrained_layout.use": True,
}

SAVED_DPI = 110
# Of a picture in a notebook: pixels for each point of the page, and JPEG's quality; the first that
# keeps the file small enough
SHARPNESS = ((2, 60), (1.5, 60), (1.5, 40), (1, 60))
LARGEST = 240_000  # bytes
FEW_COLORS = 4096  # more than a drawing without photographs has; of it a palette is enough

# One colour and one mark for each score, in every figure; what is not a score has others.
SCORE_COLORS = {"pre": "#8a8f98", "post": "#26547c", "log": "#5fa8d3", "odds": "#b5442e"}
SCORE_MARKERS = {"pre": "s", "post": "v", "log": "^", "odds": "o"}
OTHER_COLORS = ("#2a7f62", "#7a5195", "#b98c2e", "#4d4d4d")
PAIR_COLORS = {  # of differences between two scores, whichever is subtracted
    frozenset(("odds", "pre")): SCORE_COLORS["odds"],
    frozenset(("post", "pre")): SCORE_COLORS["post"],
    frozenset(("odds", "post")): OTHER_COLORS[1],
    frozenset(("log", "post")): OTHER_COLORS[0],
}
ACCENT, NEUTRAL = OTHER_COLORS[0], "#c9ccd1"

METHOD_LABELS = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus": "Grad-CAM+",
    "grad_cam_plus_plus": "Grad-CAM++",
    "rsi_grad_cam": "RSI-Grad-CAM",
    "integrated_gradients": "Integrated Gradients",
}
SCORE_LABELS = {
    "pre": "pre-softmax, $z_c$",
    "post": "post-softmax, $y_c$",
    "log": "log-softmax, $\\log\\, y_c$",
    "odds": "log-odds, $o_c$",
}


def show(figure, alt=None):
    """Show a figure in a notebook as a picture, with a text for those who cannot see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        It is closed.
    alt : str, optional
        Without it the figure's label, which those of this package have, or its title.

    Examples
    --------
    >>> show(softmax_score_diagram("vgg19-mini", "block5_pool"))
    <IPython.core.display.Image object>
    """
    display(as_picture(figure, alt))


def as_picture(figure, alt=None):
    """A figure as a picture that is small enough for a notebook: IPython.display.Image.

    Parameters are those of `show`.
    """
    for sharpness, quality in SHARPNESS:
        dpi = sharpness * STYLE["figure.dpi"]
        jpeg = _render(figure, "jpeg", dpi=dpi, pil_kwargs={"quality": quality, "subsampling": 0})
        if len(jpeg) <= LARGEST:
            break
    pictures = {"jpeg": jpeg, "png": _with_palette(_render(figure, "png", dpi=dpi))}
    format = min(pictures, key=lambda format: len(pictures[format]))
    plt.close(figure)
    width, height = (round(inches * STYLE["figure.dpi"]) for inches in figure.get_size_inches())
    alt = alt or figure.get_label() or figure.get_suptitle()
    return Image(pictures[format], format=format, alt=alt, width=width, height=height)


def _render(figure, format, **options):
    buffer = io.BytesIO()
    figure.savefig(buffer, format=format, **options)
    return buffer.getvalue()


def _with_palette(png):
    """A PNG of a drawing with 256 colours, half the size; one with more colours as it is."""
    drawing = PIL.Image.open(io.BytesIO(png)).convert("RGB")
    if drawing.getcolors(FEW_COLORS) is None:
        return png
    buffer = io.BytesIO()
    drawing.quantize(256, dither=PIL.Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def save_figure(figure, stem, source):
    """Save a figure as PNG and PDF; both say inside what made them.

    A figure of the same source is replaced; one of another notebook or other parameters is not.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    stem : str or Path
        Path without ending; folders are made.
    source : dict
        What it was made from: notebook and parameters.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If there is a figure of this name that was made from something else.
    OSError
        If a file cannot be written; the message names it.

    Examples
    --------
    >>> figure = softmax_score_diagram("vgg19-mini", "block5_pool")
    >>> [file.name for file in save_figure(figure, folder / "diagram", {"notebook": "mine"})]
    ['diagram.png', 'diagram.pdf']
    """
    stem = Path(stem)
    _check_not_another(stem.with_name(f"{stem.name}.png"), source)
    origin = json.dumps({**source, "versions": versions()})
    files = []
    for ending, metadata in (
        ("png", {"Description": origin, "Software": None}),
        ("pdf", {"Subject": origin, "CreationDate": None, "Creator": None, "Producer": None}),
    ):
        path = stem.with_name(f"{stem.name}.{ending}")
        options = {"format": ending, "metadata": metadata, "dpi": SAVED_DPI}
        with plt.rc_context(STYLE):
            write_atomically(path, partial(figure.savefig, **options))
        files.append(path)
    return files


def _check_not_another(path, source):
    """Raise ValueError if there is a figure that was made from something else."""
    try:
        with PIL.Image.open(path) as figure:
            old = json.loads(figure.text["Description"])
    except (OSError, KeyError, AttributeError, ValueError):  # none, or not one of save_figure
        return
    differing = [name for name in source if old.get(name, source[name]) != source[name]]
    if differing:
        raise ValueError(
            f"{str(path)!r} is there already, made with another {', '.join(differing)}, and is not "
            "replaced: choose another folder, as with -p figures figures/second, or delete it"
        )
