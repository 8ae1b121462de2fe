"""Figure 1: the classifier, and where each score is read."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from xai_utils.style import ACCENT, STYLE


def softmax_score_diagram(model, layer):
    """Figure 1: the structure of the classifier, and where each score is read.

    Parameters
    ----------
    model : str
        Its name, for the labels.
    layer : str
        Its name.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = softmax_score_diagram("vgg19-mini", "block5_pool")
    """
    blocks = [
        ("image\n$x$", 0.9, "#e8e8e8"),
        ("convolutional\nblocks", 1.5, "#cfe0f0"),
        (f"activations\n$A$  ({layer})", 1.9, "#cfe0f0"),
        ("fully connected\nlayers", 1.6, "#d8ead3"),
        ("logits\n$z$", 0.9, "#fbe3c0"),
        ("softmax", 1.0, "#eeeeee"),
        ("probabilities\n$y$", 1.4, "#f6cfc4"),
    ]
    with plt.rc_context({**STYLE, "figure.constrained_layout.use": False}):
        figure, ax = plt.subplots(figsize=(11, 3.3))
        figure.subplots_adjust(0, 0, 1, 1)
        x, centres = 0.2, []
        for label, width, color in blocks:
            ax.add_patch(
                FancyBboxPatch((x, 1.3), width, 1, "round,pad=0.04", fc=color, ec="#555555")
            )
            ax.text(x + width / 2, 1.8, label, ha="center", va="center")
            if centres:
                ax.annotate("", (x - 0.05, 1.8), (x - 0.33, 1.8), arrowprops={"arrowstyle": "-|>"})
            centres.append(x + width / 2)
            x += width + 0.38
        _draw_readings(ax, centres[4], centres[6])
        gradient = "$\\partial {} / \\partial A$".format
        for start, end, y, names in (
            (centres[4], centres[2] + 0.2, 0.55, ["z_c"]),
            (centres[6], centres[2] - 0.2, 0.0, ["y_c", "\\log y_c", "o_c"]),
        ):
            ax.plot([start, start, end, end], [1.22, y, y, 1.1], color=ACCENT, linewidth=1.2)
            ax.annotate(
                "", (end, 1.25), (end, 1.0), arrowprops={"arrowstyle": "-|>", "color": ACCENT}
            )
            label = ",  ".join(map(gradient, names))
            ax.text(centres[3], y + 0.07, label, color=ACCENT, ha="center", va="bottom")
        ax.set(xlim=(0, x - 0.1), ylim=(-0.2, 3.6))
        ax.axis("off")
        ax.text(
            0.2, 3.25, f"The classifier ({model}) and the four scores of a class $c$", fontsize=12
        )
    return figure


def _draw_readings(ax, logits, probabilities):
    """Above the boxes: which score is read where."""
    ax.text(logits, 2.48, "pre:  $z_c$", ha="center", va="bottom")
    ax.text(
        probabilities, 2.48,
        "post:  $y_c$\nlog:  $\\log y_c$\nodds:  $o_c = \\log\\frac{y_c}{1 - y_c}$",
        ha="center", va="bottom",
    )  # fmt: skip
