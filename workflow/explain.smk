"""A folder of pictures explained in parts, each a job of its own, here or on a cluster:

    snakemake --snakefile workflow/explain.smk --workflow-profile profiles/slurm \
        --config images=holiday model=my.keras out=results/holiday parts=20

`images`, `out` and `parts` are said here; any other name is an option of `python -m xai_utils
explain`. Killed at any moment, the same command goes on from there.
"""

import glob
import shlex
import sys
from pathlib import Path

SEVERAL = ("methods", "scores")  # words, of which each is a value of its own

given = dict(config)
if "images" not in given:
    raise WorkflowError("say which pictures: --config images=holiday")
IMAGES = str(given.pop("images"))
OUT = str(given.pop("out", "results/report"))
PARTS = int(given.pop("parts", 20))
FIRST, *OTHERS = [f"{OUT}/parts/{number}-of-{PARTS}.csv" for number in range(1, PARTS + 1)]
LOG = f"results/log/{Path(OUT).name}"

options = []
for name, value in given.items():
    values = str(value).split() if name in SEVERAL else [str(value)]
    options += [f"--{name.replace('_', '-')}", *values]
# a picture that cannot be explained is a row with the reason, and the status is 1: the output tells
# whether the command came to its end
EXPLAIN = shlex.join(
    [sys.executable, "-m", "xai_utils", "explain", IMAGES, "--out", OUT, *options]
)


def pictures(wildcards):
    """Files whose change calls for a new report."""
    place = Path(IMAGES).expanduser()
    found = place.rglob("*") if place.is_dir() else map(Path, glob.glob(str(place), recursive=True))
    made = Path(OUT).resolve()
    files = [path for path in found if path.is_file() and made not in path.resolve().parents]
    return sorted(map(str, files)) + ([str(given["targets"])] if "targets" in given else [])


rule page:
    input:
        pictures,
        FIRST,
        OTHERS,
    output:
        f"{OUT}/rows.csv",
        f"{OUT}/index.html",
        f"{OUT}/manifest.json",
    log:
        f"{LOG}-page.txt",
    shell:
        "{EXPLAIN} >{log:q} 2>&1 || test $? = 1"


# alone, so that a wrong option is said once, and a trained baseline is the same for all
rule first:
    input:
        pictures,
    output:
        FIRST,
    log:
        f"{LOG}-1.txt",
    shell:
        "{EXPLAIN} --part 1/{PARTS} >{log:q} 2>&1 || test $? = 1"


rule part:
    input:
        FIRST,
    output:
        f"{OUT}/parts/{{number,[0-9]+}}-of-{PARTS}.csv",
    log:
        f"{LOG}-{{number}}.txt",
    shell:
        "{EXPLAIN} --part {wildcards.number}/{PARTS} >{log:q} 2>&1 || test $? = 1"


ruleorder: first > part
