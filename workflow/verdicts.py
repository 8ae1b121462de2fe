"""What the notebooks conclude on another network, beside the verdicts in notebooks/claims.csv.

``python workflow/verdicts.py`` writes results/imagenet/claims.csv from the executed notebooks of
`make imagenet` and prints the claims on which the two networks differ, and those of which the
verdict is another than the one on file.
"""

import csv
import json
import re

from own_settings import ROOT

MODEL = "efficientnet-lite0"
TABLE = "results/imagenet/claims.csv"
# as xai_utils.study.verdicts and .claims print them; importing those would start TensorFlow
CONCLUDED = re.compile(r"^([\w-]+): .+\n    .+ -> (.+)$", re.MULTILINE)
CHECKED = re.compile(r": equal to [\d.e-]+$", re.MULTILINE)
HOLDS, FAILS, NOT_REACHED = "holds", "does not hold here", "not reached"


def compare_verdicts(root=ROOT):
    """Write the table of both networks' verdicts. Returns lines that say where they differ."""
    with open(root / "notebooks" / "claims.csv", encoding="utf-8", newline="") as file:
        claims = list(csv.DictReader(file))
    found = {}
    for name in {claim["notebook"] for claim in claims}:
        found |= verdicts_of(root / "results", name)
    rows = [
        {"id": c["id"], "vgg19-mini": c["verdict"], MODEL: found.get(c["id"], NOT_REACHED)}
        for c in claims
    ]
    changed = [
        f"{c['id']}: on file {c['verdict_on_imagenet']!r}, in this run {row[MODEL]!r}"
        for c, row in zip(claims, rows, strict=True)
        if c["verdict_on_imagenet"] != row[MODEL]
    ]
    (root / TABLE).parent.mkdir(parents=True, exist_ok=True)
    with open(root / TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    kept = f"{len(rows) - len(changed)} of {len(rows)} are as in notebooks/claims.csv"
    return [*describe(rows), f"{kept}{':' if changed else ''}", *changed]


def verdicts_of(results, name):
    """The verdicts in an executed notebook, or in what a failed run has left: dict of str by id."""
    paths = (results / "imagenet" / f"{name}.ipynb", results / "failed" / f"imagenet-{name}.ipynb")
    path = next((p for p in paths if p.is_file()), None)
    if path is None:
        return {}
    found = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        tags = [t.removeprefix("claim-") for t in cell["metadata"].get("tags", ()) if "claim-" in t]
        outputs = cell.get("outputs", ())
        text = "".join("".join(output.get("text", ())) for output in outputs)
        if any(output.get("ename") == "AssertionError" for output in outputs):
            found |= dict.fromkeys(tags, FAILS)
        elif CHECKED.search(text):
            found |= dict.fromkeys(tags, HOLDS)
        found |= dict(CONCLUDED.findall(text))
    return found


def describe(rows):
    """Lines that say on which claims the networks differ, and how many were not reached."""
    reached = [row for row in rows if row[MODEL] != NOT_REACHED]
    other = [row for row in reached if row[MODEL] != row["vgg19-mini"]]
    lines = [f"{row['id']}: {row['vgg19-mini']}; on {MODEL}: {row[MODEL]}" for row in other]
    return [
        f"{len(reached)} of {len(rows)} claims have a verdict on {MODEL}, {len(other)} another "
        f"than on vgg19-mini{':' if other else ''}",
        *lines,
        f"all of them: {TABLE}",
    ]


if __name__ == "__main__":
    print("\n".join(compare_verdicts()))
