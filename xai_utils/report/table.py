"""The table of a report's page: a part of it for each picture."""

from html import escape

import numpy as np

from xai_utils.baselines import PLAIN
from xai_utils.completeness_gap import describe_gap
from xai_utils.figures import format_probability
from xai_utils.report.explain import most_evaluations, worst_gap
from xai_utils.report.pictures import SCORE_HEADINGS
from xai_utils.report.summary import most_different_first
from xai_utils.style import METHOD_LABELS

COLUMNS = (  # key, heading, whether it is a number
    ("name", "picture", False),
    ("outcome", "outcome", False),
    ("class", "predicted", False),
    ("probability", "probability", True),
    ("odds", "log-odds", True),
    ("distance", "distance of the maps", True),
)


def filters(rows):
    """The form that a few lines of JavaScript show and obey: str."""
    classes = sorted({row["predicted"] for row in rows if "predicted" in row})
    outcomes = sorted({row["outcome"] for row in rows})
    sortable = [(key, heading) for key, heading, _ in COLUMNS]
    sorts = "".join(f'<option value="{k}">{h}</option>' for k, h in reversed(sortable))
    return (
        f"<form hidden>{_select('class', 'predicted', classes)}"
        f"{_select('outcome', 'outcome', outcomes)}"
        f'<label>sort by <select name="sort">{sorts}</select></label><output></output></form>'
    )


def _select(name, label, values):
    # without a value of its own an option loses the doubled spaces of a name
    options = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in values)
    options = f'<option value="">all</option>{options}'
    return f'<label>{label} <select name="{name}">{options}</select></label>'


def table(rows, settings):
    """All pictures, in the order of `most_different_first`: str.

    Parameters
    ----------
    rows : list of dict
    settings : dict
        As from `Settings.record`.
    """
    heads = "".join(
        f'<th scope="col" data-key="{key}"{" data-number" if number else ""}>{heading}</th>'
        for key, heading, number in COLUMNS
    )
    heads += f'<th scope="col">picture, and {_previewed(settings)}</th>'
    bodies = "\n".join(_row(row, settings) for row in most_different_first(rows))
    return f"<table><thead><tr>{heads}</tr></thead>\n{bodies}\n</table>"


def _row(row, settings):
    failed = row["outcome"] == "failed"
    values = {
        "name": row["name"],
        "outcome": row["outcome"],
        "class": row.get("predicted", ""),
        "probability": row.get("probability", ""),
        "odds": row.get("log_odds", ""),
        "distance": "" if row.get("distance") is None else row["distance"],
    }
    data = "".join(f' data-{key}="{escape(str(value))}"' for key, value in values.items())
    id = "" if failed else f' id="{row["place"].rpartition("/")[2]}"'
    cells = f'<td class="name">{escape(row["name"])}</td>{_outcome(row)}'
    if failed:
        cells += f'<td colspan="{len(COLUMNS) - 1}">{escape(row["reason"])}</td>'
        return f"<tbody{id}{data}><tr>{cells}</tr></tbody>"
    cells += f'<td data-label="predicted">{escape(row["predicted"])}</td>'
    shown = {
        "probability": format_probability(row["probability"], row["log_odds"]),
        "odds": f"{row['log_odds']:z.1f}",
        "distance": _text(row["distance"]),
    }
    for key, heading, number in COLUMNS:
        if number:
            text = shown[key]
            cells += f'<td class="number" data-label="{heading}">{text}</td>'
    cells += f'<td class="preview">{preview(row, settings)}</td>'
    return f"<tbody{id}{data}><tr>{cells}</tr>\n{_detail(row, settings)}</tbody>"


def _outcome(row):
    outcome = row["outcome"]
    # the label may be an index or part of the name
    named = {"right": row.get("predicted"), "wrong": row.get("rival")}
    label = named.get(outcome, row.get("expected"))
    expected = "" if label is None else f", expected {escape(label)}"
    return f'<td class="{outcome}" data-label="outcome">{outcome}{expected}</td>'


def preview(row, settings):
    """The preview of one picture, with a text for those who cannot see it: str."""
    alt = f"{row['name']}, and beside it, for {row['predicted']}, {_previewed(settings)}"
    source = f"{row['place']}/preview.jpg"
    return f'<img loading="lazy" src="{source}" alt="{escape(alt)}">'


def _previewed(settings):
    shown = dict.fromkeys((settings["scores"][0], settings["scores"][-1]))
    return f"{METHOD_LABELS[settings['methods'][0]]} of {' and '.join(shown)}"


def _detail(row, settings):
    methods = ", ".join(METHOD_LABELS[m] for m in settings["methods"])
    scores = ", ".join(SCORE_HEADINGS[s] for s in settings["scores"])
    alt = f"Heatmaps of {row['name']}: rows {methods}; columns {scores}"
    warnings = "".join(f"<li>{escape(w)}</li>" for w in row["warnings"])
    warnings = f'<ul class="warnings">{warnings}</ul>' if warnings else ""
    facts = [
        f"log-odds of {row['predicted']} against {row['rival']}: "
        f"{row['log_odds_against_rival']:.3g}"
    ]
    facts += [f"distance by {METHOD_LABELS[m]}: {_text(d)}" for m, d in row["distances"].items()]
    if row["completeness"]:
        gap = worst_gap(row["completeness"])
        at_most = describe_gap(gap) if np.isfinite(gap) else "infinite"
        evaluations = most_evaluations(row["completeness"])
        facts.append(
            f"completeness: gap at most {at_most} with {evaluations} evaluations of a path"
        )
    if row["class_distances"]:
        median = np.median([d for d in row["class_distances"].values() if d is not None])
        facts.append(f"distance of the two classes' maps, median: {_text(median)}")
    if row["baseline_undecided"] is not None and settings["baseline"] not in PLAIN:
        facts.append(f"entropy at its baseline: {row['baseline_undecided']:.2f} of the largest")
    place = row["place"]
    return (
        f'<tr class="detail"><td colspan="{len(COLUMNS) + 1}">{warnings}<details><summary>all maps '
        f"and numbers</summary><p>{escape('; '.join(facts))}. Files: "
        f'<a href="{place}/record.json">record</a>, <a href="{place}/maps.npz">arrays</a>.</p>'
        f'<span class="grid" tabindex="0"><img loading="lazy" src="{place}/maps.jpg" '
        f'alt="{escape(alt)}"></span></details></td></tr>'
    )


def _text(number):
    return "none" if number is None or np.isnan(number) else f"{number:.2f}"
