"""Every error that the package raises: how a user gets it, what happened, and what to do.

TROUBLESHOOTING.md is written from these entries (``python -m tests.troubles``), and
tests/test_troubleshooting.py provokes each of them.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "TROUBLESHOOTING.md"
ANYTHING = "…"  # stands in a message for what differs from case to case


@dataclass(frozen=True)
class Trouble:
    """One error message of the package.

    Attributes
    ----------
    message : str
        As raised, with "…" for each part that differs from case to case.
    happened, todo : str
        A sentence or two each, in Markdown.
    provoke : callable
        Of an empty folder (Path); does what a user did, and raises the error.
    """

    message: str
    happened: str
    todo: str
    provoke: Callable[[Path], object]


def rooms():
    """The modules of this folder in alphabetical order: (title, list of Trouble)."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        if module.name != "__main__":
            room = importlib.import_module(f"{__name__}.{module.name}")
            yield room.TITLE, room.TROUBLES


def fits(message, pattern):
    """Whether a message is the pattern with something in place of each "…"."""
    parts = (re.escape(part) for part in pattern.split(ANYTHING))
    return re.fullmatch(".*".join(parts), message, re.DOTALL) is not None


def raised_in_package():
    """Every error raised in xai_utils: (file and line, its message as a pattern)."""
    for path in sorted((ROOT / "xai_utils").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                yield f"{path.name}:{node.lineno}", _pattern(node.exc.args[0])


def _pattern(node):
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_pattern, node.values))
    return ANYTHING


def page():
    """The text of TROUBLESHOOTING.md."""
    lines = [
        "# When something is refused",
        "",
        "Every error message of `xai_utils`, what it means and what to do; search this page for a",
        f"few words of the message. `{ANYTHING}` stands for what differs from case to case. The page",
        "is written by `python -m tests.troubles`, and each message on it is provoked by a test.",
    ]
    for title, troubles in rooms():
        lines += ["", f"## {title}"]
        for trouble in troubles:
            lines += [
                "",
                f"### {trouble.message}",
                "",
                trouble.happened,
                "",
                f"**Do this:** {trouble.todo}",
            ]
    return "\n".join(lines) + "\n"
