"""Parts of the study by command: ``python -m xai_utils.study.best --help``."""

import argparse
import json
from pathlib import Path

from xai_utils.loading import load_classifier
from xai_utils.study.best.again import (
    ALL,
    all_cells,
    confirm,
    differences_by_network,
    read_again,
    write_again,
)
from xai_utils.study.best.hypotheses import examine
from xai_utils.study.best.photographs import measure_photographs
from xai_utils.study.best.sentences import answer_sentences
from xai_utils.study.best.shards import (
    SCALES,
    Shard,
    available,
    label_of,
    plan_shards,
    write_shard,
)
from xai_utils.study.best.table import merge_tables, read_table, write_table
from xai_utils.study.best.texts import write_answer


def list_shards(arguments):
    """Write the shards that can be run here as JSON, and say what cannot."""
    networks, missing = available(SCALES[arguments.scale], arguments.photographs)
    for name, reason in missing.items():
        print(f"without {name}: {reason}")
    shards = plan_shards(SCALES[arguments.scale], networks)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({s.name: list(s) for s in shards}, indent=1), "utf-8")
    used = ["constructed", *map(label_of, networks)]
    print(f"{len(shards)} shards of {len(used)} networks: {', '.join(used)}")


def run(arguments):
    """Run one shard by the name that it has in the list."""
    shard = Shard(*json.loads(arguments.shards.read_text("utf-8"))[arguments.name])
    write_shard(shard, arguments.out, SCALES[arguments.scale], arguments.photographs)


def merge(arguments):
    """Put the tables of all shards together."""
    names = json.loads(arguments.shards.read_text("utf-8"))
    merge_tables(arguments.out, [arguments.folder / f"{name}.csv.gz" for name in names])


def answer(arguments):
    """Put the answer, three sentences computed from a table, into texts with marks for it."""
    table = read_table(arguments.table)
    again = read_again(arguments.again)[1] if arguments.again else {}
    cells = confirm(all_cells(table), again)
    heads = differences_by_network(read_table(arguments.heads)) if arguments.heads else []
    sentences = answer_sentences(cells.pop(ALL), examine(table), cells, bool(again), heads)
    for path in arguments.texts:
        write_answer(path, sentences)
    print("\n".join(sentences))


def again(arguments):
    """Write what a second run of the study says of the answer of the first, as JSON."""
    write_again(arguments.out, read_table(arguments.table))


def photographs(arguments):
    """The measures that need no masks, of one's own network and photographs."""
    classifier = load_classifier(arguments.model, arguments.preprocessing, arguments.class_names)
    rows = measure_photographs(classifier, arguments.folder, arguments.layer, arguments.steps)
    write_table(arguments.out, rows)
    print(f"{len(rows)} rows in {arguments.out}")


def read_arguments(argv=None):
    """The command line as a namespace."""
    parser = argparse.ArgumentParser(prog="python -m xai_utils.study.best", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for work in (list_shards, run, merge):
        command = commands.add_parser(work.__name__.replace("_", "-"), help=work.__doc__)
        command.set_defaults(work=work)
        command.add_argument("--scale", choices=SCALES, default="full")
        command.add_argument("--photographs", help="folder of ImageNet's thousand")
        command.add_argument("--out", type=Path, required=True)
        if work is not list_shards:
            command.add_argument("--shards", type=Path, required=True, help="from list-shards")
        if work is run:
            command.add_argument("name")
        if work is merge:
            command.add_argument("--folder", type=Path, required=True)
    command = commands.add_parser("answer", help=answer.__doc__)
    command.set_defaults(work=answer)
    command.add_argument("table", type=Path)
    command.add_argument("texts", type=Path, nargs="*", help="pages of Markdown, notebooks")
    command.add_argument("--again", type=Path, help="what a second run says, from `again`")
    command.add_argument("--heads", type=Path, help="table of two last layers, from make heads")
    command = commands.add_parser("again", help=again.__doc__)
    command.set_defaults(work=again)
    command.add_argument("table", type=Path)
    command.add_argument("out", type=Path)
    command = commands.add_parser("photographs", help=photographs.__doc__)
    command.set_defaults(work=photographs)
    command.add_argument("model", help="as load_classifier takes it")
    command.add_argument("folder", type=Path)
    command.add_argument("--preprocessing")
    command.add_argument("--class-names")
    command.add_argument("--layer")
    command.add_argument("--steps", type=int, default=50)
    command.add_argument("--out", type=Path, default=Path("measures.csv.gz"))
    return parser.parse_args(argv)


if __name__ == "__main__":
    arguments = read_arguments()
    arguments.work(arguments)
