"""Is what was computed here what the repository says? Figures, printed results and heatmaps.

Figures and the table of heatmaps are made in results/. Where they say the same as the committed
ones, those stay as they are; where they do not, or where there are none, they take their place.
REPRODUCED.md tells a reader how this is measured.
"""

import csv
import json
import os
import shutil

import numpy as np
from PIL import Image

INVISIBLE = 16  # of 255, in any channel of any pixel
TABLE_TOLERANCE = 0.01  # relative; of the completeness gap, absolute
NAMED = 5  # of many heatmaps that differ
COLUMNS = ("picture", "method", "score", "class", "log_odds", "raw_maximum", "gap")


def compare(made, committed, temporary, plan):
    """Compare everything that was to be made, and let what differs take the place of the committed.

    What else there is in the folder of results, of the user or of an older version, is left alone.

    Parameters
    ----------
    made, committed : Path
        The folder of results, and that of the repository.
    temporary : Path
        A folder on the same disk.
    plan : module
        As `plan`: the names of what was to be made.

    Returns
    -------
    list of str
        Lines for the screen: the answer, and what differs.
    """
    lines = ["Is it what the repository says?"]
    lines += _figures(made, committed, temporary, plan.figures())
    lines += _printed_results(made, committed, plan.notebooks())
    lines += _heatmaps(made, committed, temporary, plan.heatmaps())
    return lines


def _figures(made, committed, temporary, names):
    exact, invisible, other = [], [], []
    for new in _existing(made / "figures", names, ".png"):
        old = committed / "figures" / new.name
        difference = picture_difference(new, old)
        if difference <= INVISIBLE and old.with_suffix(".pdf").is_file():
            (invisible if difference else exact).append(new.stem)
            continue
        other.append(f"  {new.stem}: {describe_difference(difference)}")
        for ending in (".png", ".pdf"):
            _replace(new.with_suffix(ending), old.with_suffix(ending), temporary)
    count = len(exact) + len(invisible) + len(other)
    same = f"{len(exact)} to the pixel, {len(invisible)} to the eye"
    return [f"figures: {count - len(other)} of {count} are ({same})", *other]


def picture_difference(new, old):
    """The largest difference of two pictures in any channel, 0 to 255; 256 if not comparable."""
    if not old.is_file():
        return 256
    with Image.open(new) as a, Image.open(old) as b:
        a, b = (np.asarray(image.convert("RGB"), np.int16) for image in (a, b))
    return int(np.abs(a - b).max()) if a.shape == b.shape else 256


def describe_difference(difference):
    """What to say of a figure that was replaced."""
    if difference > 255:
        return "there was none of this size; it is now in figures/"
    return f"differs by {difference} of 255; the new one is now in figures/, see git diff"


def _replace(new, old, temporary):
    """Copy a file over another, which is never half of one and half of the other."""
    shutil.copyfile(new, temporary / new.name)
    old.parent.mkdir(exist_ok=True)
    os.replace(temporary / new.name, old)


def _existing(folder, names, ending):
    """Those of the files that were made: a notebook that failed has none."""
    return [path for name in names if (path := folder / f"{name}{ending}").is_file()]


def _printed_results(made, committed, names):
    other, count = [], 0
    for new in _existing(made, names, ".ipynb"):
        count += 1
        a, b = printed(new), printed(committed / "notebooks" / new.name)
        if a != b:
            here, there = next(
                (x, y) for x, y in zip([*a, "(end)"], [*b, "(end)"], strict=False) if x != y
            )
            other.append(f"  {new.stem}: prints {here!r}, the repository has {there!r}")
    return [f"printed results: {count - len(other)} of {count} notebooks, word for word", *other]


def printed(notebook):
    """The lines that a notebook prints, without those that are no result: list of str."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    outputs = [
        output
        for cell in cells
        if "nbval-ignore-output" not in cell["metadata"].get("tags", [])
        for output in cell.get("outputs", [])
    ]
    return "".join("".join(output.get("text", [])) for output in outputs).splitlines()


def _heatmaps(made, committed, temporary, names):
    rows = [_row(path) for path in _existing(made, sorted(names), ".json")]
    table = committed / "figures" / "heatmaps.csv"
    old = {}
    if table.is_file():
        with open(table, encoding="utf-8", newline="") as file:
            old = {tuple(row.values())[:3]: row for row in csv.DictReader(file)}
    other = [row for row in rows if not _same(row, old.get(tuple(row.values())[:3]))]
    if other and rows:
        new = made / "heatmaps.csv"
        with open(new, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        _replace(new, table, temporary)
    names = [
        f"  {'/'.join(list(row.values())[:3])}: differs; see git diff" for row in other[:NAMED]
    ]
    if len(other) > NAMED:
        names.append(f"  and {len(other) - NAMED} more")
    return [f"heatmaps: {len(rows) - len(other)} of {len(rows)} to one per cent", *names]


def _row(path):
    record = json.loads(path.read_text("utf-8"))
    gap = record.get("completeness", {}).get("gap")
    return {
        "picture": path.parent.name,
        "method": record["method"],
        "score": record["score"],
        "class": record["class"],
        "log_odds": f"{record['log_odds']:.4g}",
        "raw_maximum": f"{record['raw_maximum']:.4g}",
        "gap": "" if gap is None else f"{gap:.4f}",
    }


def _same(row, old):
    if old is None or any(row[name] != old[name] for name in COLUMNS[:4]):
        return False
    if bool(row["gap"]) != bool(old["gap"]):
        return False
    numbers = [name for name in COLUMNS[4:] if row[name]]
    a, b = (np.array([float(r[name]) for name in numbers]) for r in (row, old))
    scale = np.where([name == "gap" for name in numbers], 1, np.abs(b))
    return bool(np.all(np.abs(a - b) <= TABLE_TOLERANCE * scale))
