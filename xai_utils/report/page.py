"""The page of a report: one static file, which asks for nothing but the pictures beside it."""

import os
from html import escape
from importlib import resources
from pathlib import Path

from xai_utils.report.histogram import histogram
from xai_utils.report.summary import DIFFERENT, advise, summarise
from xai_utils.report.table import filters, preview, table
from xai_utils.style import METHOD_LABELS

ROOT = Path(__file__).parent.parent.parent
LIMITS = (
    "They show what the score reads at one layer of this network, not what causes the object to be "
    "there, and not that the network is right.",
    "A map has the cells of its layer, {cells}; its smooth look is the enlargement.",
    "Each map has a scale of colours of its own: a strong and a weak map look alike, and the "
    "largest value is written below each.",
    "A distance says that two maps differ, not which of them is better.",
    "Maps of a path depend on the baseline, and on pictures between it and yours that the network "
    "has never been trained on.",
)


def make_page(rows, settings, summary, out):
    """The page.

    Parameters
    ----------
    rows : list of dict
        A record for each picture.
    settings : dict
        As from `Settings.record`.
    summary : dict
        What the manifest says.
    out : Path
        The folder in which the page will be.

    Returns
    -------
    str
        HTML; characters beyond ASCII are written as references.
    """
    together = summarise(rows, settings)
    data = resources.files(__package__) / "data"
    title = f"Heatmaps of {_count(len(rows), 'picture')} by the network {settings['model']}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(_made_with(settings))}</p>',
        _numbers(together, summary),
        *(_together(together, settings, out) if together.count else []),
        "<h2>All pictures</h2>",
        filters(rows),
        table(rows, settings),
        "<h2>What these maps do not show</h2>",
        _limits(rows),
    ]
    page = "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            '<link rel="icon" href="data:,">',
            f"<style>\n{(data / 'page.css').read_text('utf-8')}</style>\n</head>\n<body>",
            *body,
            f"<script>\n{(data / 'page.js').read_text('utf-8')}</script>\n</body>\n</html>\n",
        ]
    )
    return page.encode("ascii", "xmlcharrefreplace").decode()


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _made_with(settings):
    crop = "cut to the middle" if settings["crop"] == "center" else "resized whole"
    return (
        f"Layer {settings['layer']}; paths from {settings['baseline']} "
        f"to a gap of {settings['tolerance']:g}; pictures {crop}."
    )


def _numbers(together, summary):
    items = {"explained": together.count, "not explained": summary["failed"]}
    if together.right + together.wrong:
        items["predicted as expected"] = f"{together.right} of {together.right + together.wrong}"
    if together.count:
        items["wrong through a 32-bit softmax"] = f"{together.lost} of {together.count}"
    if len(together.distances):
        items["pre and odds tell different stories"] = (
            f"{together.different} of {len(together.distances)}"
        )
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{v}</dd></div>" for k, v in items.items())
    return f"<dl>{cells}</dl>"


def _together(together, settings, out):
    yield "<h2>What to do now</h2>"
    for text, notebook in advise(together, settings):
        yield f"<p>{escape(text)} {_evidence(notebook, out)}</p>"
    yield "<h2>How saturated the network is</h2>"
    yield histogram(together.log_odds)
    if not together.ranked:
        return
    yield "<h2>How much the choice of score matters</h2>"
    yield (
        "<p>The distance of two maps is half of the sum of the absolute differences of their "
        "cells, each map divided by the sum of its own absolute values: the part of the "
        "attribution that lies elsewhere (total variation distance, "
        '<a href="https://arxiv.org/abs/math/0209021">Gibbs and Su 2002</a>; 1 minus the '
        'similarity of <a href="https://arxiv.org/abs/1604.03605">Bylinskii et al. 2016</a>). '
        "Here it is that of pre (logit) and odds (log-odds) for the predicted class, the median "
        "over the methods. "
        f"From {DIFFERENT} on, pre and odds tell different stories.</p>"
    )
    medians = (f"{METHOD_LABELS[m]} {d:.2f}" for m, d in together.by_method.items())
    yield f"<p>Medians over the pictures: {escape(', '.join(medians))}.</p>"
    for heading, rows in together.examples().items():
        yield f'<h3>{heading}</h3><div class="examples">'
        for row in rows:
            anchor = row["place"].rpartition("/")[2]
            yield (
                f'<figure><a href="#{anchor}">{preview(row, settings)}</a>'
                f"<figcaption>{escape(row['name'])}: {escape(row['predicted'])}, distance "
                f"{row['distance']:.2f}</figcaption></figure>"
            )
        yield "</div>"


def _evidence(notebook, out):
    """A link to a notebook, where the report is inside the repository."""
    path = ROOT / "notebooks" / f"{notebook}.ipynb"
    name = f"notebooks/{notebook}.ipynb"
    if path.is_file() and out.resolve().is_relative_to(ROOT):
        return f'(<a href="{escape(os.path.relpath(path, out.resolve()))}">{name}</a>)'
    return f"(<code>{name}</code> in the repository)"


def _limits(rows):
    sizes = {row["cells"] for row in rows if "cells" in row}
    cells = " and ".join(sorted(sizes)) or "few"
    return f"<ul>{''.join(f'<li>{escape(t.format(cells=cells))}</li>' for t in LIMITS)}</ul>"
