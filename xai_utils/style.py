"""One style for all figures: colours, labels, and how they are shown and saved."""

import io
import json
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import Image, display

from xai_utils.results import versions, write_atomically

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
JPEG_QUALITY = 80  # pictures in notebooks stay below 250 kB
RED, GRAY = "#b5442e", "#8a8f98"

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
    """Show a figure in a notebook as a small picture, with a text for those who cannot see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        It is closed.
    alt : str, optional
        Without it, the figure's title.
    """
    buffer = io.BytesIO()
    pil_kwargs = {"quality": JPEG_QUALITY, "subsampling": 0}
    figure.savefig(buffer, format="jpeg", pil_kwargs=pil_kwargs)
    plt.close(figure)
    display(Image(buffer.getvalue(), format="jpeg", alt=alt or figure.get_suptitle()))


def save_figure(figure, stem, source):
    """Save a figure as PNG and PDF; both say inside what made them.

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
    """
    stem = Path(stem)
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
