"""The study of scores: one process a shard, then one table, `results/study/SCALE/table.csv.gz`.

    make study            as planned in notebooks/8_plan.md
    make study SMALL=1    the same columns in two minutes
    make study SEED=14    the same with other images, in `results/study/SCALE-14`
    make study SCALE=others PHOTOGRAPHS=folder    two networks more, by notebooks/8_plan_others.md

Shards that are done are not done again. On a cluster:
snakemake -s workflow/study.smk --config scale=full --executor slurm --jobs 50
"""

import json
import os

SCALE = config.get("scale", "full")
SEED = config.get("seed", "")
FOLDER = f"results/study/{SCALE}" + (f"-{SEED}" if SEED else "")
PHOTOGRAPHS = config.get("photographs", "")
OPTIONS = f"--scale {SCALE}" + (f" --photographs {PHOTOGRAPHS!r}" if PHOTOGRAPHS else "")

# each shard is one process on one core
for library in ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM"):
    os.environ.setdefault(f"{library}_THREADS", "1")
if SEED:
    os.environ["STUDY_SEED"] = str(SEED)

# what reads the table does not make it
READING = (
    "across", "again", "answer", "cells", "decision", "examples", "heads", "hypotheses", "losses", "matrices",
    "naive", "pictures", "sentences", "texts", "worth",
)
READERS = [f"xai_utils/study/best/{name}.py" for name in READING]
PACKAGE = glob_wildcards("xai_utils/{file,[^.].*}.py").file
SOURCES = [path for path in expand("xai_utils/{file}.py", file=PACKAGE) if path not in READERS]
SOURCES += expand("xai_utils/embedded/data/{file}", file=["vgg19_mini.npz", "regions.json"])

RUN = "python -m xai_utils.study.best"


# what the list of shards depends on, beside the plan: networks and photographs that are there
TRAININGS = glob_wildcards("notebooks/trainings/{file,[^.]*}.npz").file
FOUND = expand("notebooks/trainings/{file}.npz", file=TRAININGS)
FOUND += [PHOTOGRAPHS] if PHOTOGRAPHS else []


def weights_of(wildcards):
    """The file of another training, of which a shard is measured."""
    name = wildcards.name.split("--")[0]
    return [f"notebooks/trainings/{name}.npz"] if name in TRAININGS else []


def all_shards(wildcards):
    with open(checkpoints.shards.get().output[0]) as file:
        return expand(f"{FOLDER}/shards/{{name}}.csv.gz", name=json.load(file))


rule table:
    input:
        f"{FOLDER}/table.csv.gz",
    default_target: True


checkpoint shards:
    input:
        "xai_utils/study/best/plan.py",
        FOUND,
    output:
        f"{FOLDER}/shards.json",
    shell:
        "{RUN} list-shards {OPTIONS} --out {output}"


rule shard:
    input:
        SOURCES,
        weights_of,
        shards=ancient(f"{FOLDER}/shards.json"),  # a new network does not make the others anew
    output:
        f"{FOLDER}/shards/{{name}}.csv.gz",
    shell:
        "{RUN} run {OPTIONS} --shards {input.shards} --out {output} {wildcards.name}"


rule merge:
    input:
        all_shards,
        shards=f"{FOLDER}/shards.json",
    output:
        f"{FOLDER}/table.csv.gz",
    shell:
        "{RUN} merge {OPTIONS} --shards {input.shards} --folder {FOLDER}/shards --out {output}"
