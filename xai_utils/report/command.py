"""The command line: ``python -m xai_utils explain IMAGES``."""

import argparse
import sys

from xai_utils.baselines import BASELINES
from xai_utils.report.run import FAILED, explain_folder
from xai_utils.report.settings import AUTOBASELINE, CROPS, METHODS, Settings
from xai_utils.scores import SCORES

OWN = Settings()
NAMED_FAILURES = 20  # in what is printed at the end; the report has all


def parser():
    """The parser of the command line: argparse.ArgumentParser."""
    top = argparse.ArgumentParser(prog="python -m xai_utils", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    explain = commands.add_parser(
        "explain",
        help="explain a folder of pictures, and write a report",
        description="Explain pictures with several methods and scores, and write a page that opens "
        "in a browser. Stopped or killed, the same command goes on from there. The exit status is "
        "1 if some picture could not be explained or a file not written, and 2 if the command is "
        "refused.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = explain.add_argument
    add(
        "images",
        metavar="IMAGES",
        help="a folder, with the folders in it; a pattern in quotes as 'holiday/*.jpg'; a text "
        "file with a path a line; a zip; one picture; or the word samples",
    )
    add(
        "--model",
        default="vgg19-mini",
        help="a network by name, or a .keras, .h5 or .hdf5 file; see README",
    )
    add("--targets", metavar="CSV", help="a table of file name and expected class")
    add("--layer", help="where activations are read; without it, the last usable layer")
    add(
        "--methods", nargs="+", default=list(OWN.methods), choices=METHODS, metavar="METHOD",
        help=f"of {', '.join(METHODS)}",
    )  # fmt: skip
    add(
        "--scores", nargs="+", default=list(OWN.scores), choices=SCORES, metavar="SCORE",
        help=f"of {', '.join(SCORES)}",
    )  # fmt: skip
    add(
        "--baseline", default=OWN.baseline,
        help=f"where paths begin: {', '.join(BASELINES)}, {AUTOBASELINE} (from black, trained "
        "in small steps to make the network less sure), or a picture",
    )  # fmt: skip
    add("--seed", type=int, default=OWN.seed, help="of the baseline noise")
    add(
        "--tolerance", type=float, default=OWN.tolerance,
        help="of the completeness gap: points are added to a path until it is below",
    )  # fmt: skip
    add("--max-steps", type=int, default=OWN.max_steps, help="intervals of a path at the most")
    add(
        "--crop", choices=CROPS, default=OWN.crop,
        help="none: resize the whole picture, as the paper does; center: cut out the middle",
    )  # fmt: skip
    add("--out", default="results/report", metavar="FOLDER", help="where the report goes")
    add("--force", action="store_true", help="replace a report with other settings")
    add(
        "--part", metavar="NUMBER/OF",
        help="explain a part of the pictures only, as 3/20, while other processes explain the "
        "others; the same command without it then writes the report",
    )  # fmt: skip
    return top


def main(arguments=None):
    """Run the command: the exit status, int."""
    given = vars(parser().parse_args(arguments))
    given.pop("command")
    try:
        report = explain_folder(**given)
    except (OSError, TypeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        refused = not isinstance(error, OSError) or isinstance(error, FileNotFoundError)
        return 2 if refused else 1
    print(describe(report))
    return 1 if report.failed else 0


def describe(report):
    """What has become of the pictures, in a few lines: str."""
    lines = [
        f"{report.done} explained, {report.kept} had been explained before, {report.failed} failed"
    ]
    failures = [row for row in report.rows if row["outcome"] == FAILED]
    lines += [f"  {row['name']}: {row['reason']}" for row in failures[:NAMED_FAILURES]]
    if len(failures) > NAMED_FAILURES:
        lines.append(f"  and {len(failures) - NAMED_FAILURES} more, see the report")
    if report.unknown:
        lines.append(f"classes given for files that are no picture: {', '.join(report.unknown)}")
    return "\n".join([*lines, f"report: {report.page.as_posix()}"])
