"""Build the site from the committed notebooks and texts, without executing anything:

    python site/build.py [results/site]

The texts of the repository, the notebooks as pages and the computed parts are put together in a
folder beside the output, and Sphinx makes the pages of it. A warning is an error.
"""

import json
import re
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path

import pages
from notebook_pages import NOTEBOOKS, find_notebooks, page_of, read_notebook
from sphinx.cmd.build import build_main

HERE = Path(__file__).parent
ROOT = HERE.parent
TEXTS = ("README", "MODEL_CARD", "REPRODUCED", "TROUBLESHOOTING")
LINKED = ("LICENSE", "CITATION.cff", "figures/same_outputs.png")
MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-svg.js"
# written by a build of its own; the site links to it if it is there
LIVE = ROOT / "results" / "live.html"
LIVE_LINK = '<p><a class="live" href="live.html">Try it on a photo of your own</a></p>'


def copy(source, target):
    """Copy a file, and make the folder that it goes to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def assemble(source):
    """Fill a new folder with everything that Sphinx reads."""
    shutil.rmtree(source, ignore_errors=True)
    for name in (*(f"{text}.md" for text in TEXTS), *LINKED):
        copy(ROOT / name, source / name)
    copy(HERE / "conf.py", source / "conf.py")
    copy(HERE / "site.css", source / "_static" / "site.css")
    package = distribution("sphinx-mathjax-offline")
    copy(package.locate_file(MATHJAX), source / "_static" / "mathjax" / "tex-svg.js")
    for path in find_notebooks():
        target = source / "notebooks" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        page = page_of(path, read_notebook(NOTEBOOKS / path))
        target.write_text(json.dumps(page), encoding="utf-8")
    computed = {
        "answer": pages.answer,
        "picture": pages.title_picture,
        "notebooks": pages.tables_of_contents,
        "claims": pages.claims,
        "bibliography": pages.bibliography,
        "live": lambda: LIVE_LINK if LIVE.exists() else "",
    }
    for page in HERE.glob("*.md"):
        text = re.sub(r"<!-- (\w+) -->", lambda m: computed[m[1]](), page.read_text("utf-8"))
        (source / page.name).write_text(text, encoding="utf-8")


def build(target):
    """Build the pages in a folder; returns Sphinx's exit code."""
    source = target.with_name(f"{target.name}_source")
    assemble(source)
    shutil.rmtree(target, ignore_errors=True)
    failed = build_main(["-W", "--keep-going", "-q", "-b", "html", str(source), str(target)])
    shutil.rmtree(target / ".doctrees", ignore_errors=True)
    (target / ".nojekyll").touch()  # or GitHub would leave out _static
    if LIVE.exists():
        copy(LIVE, target / "live.html")
    return failed


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "results" / "site").resolve()
    failed = build(target)
    if not failed:
        print(f"the site is in {target}: open index.html")
    sys.exit(failed)
