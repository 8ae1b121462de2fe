"""Build the site from the committed notebooks and texts, without executing anything:

    python site/build.py results/site results/live.html

with the live page as live/build.py has made it. The texts of the repository, the notebooks as pages
and the computed parts are put together in a folder beside the output, and Sphinx makes the pages of
it. A warning is an error.
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
TEXTS = ("README", "CONTRIBUTING", "MODEL_CARD", "REPRODUCED", "TROUBLESHOOTING")
LINKED = ("LICENSE", "CITATION.cff", "figures/same_outputs.png")
MATHJAX = "sphinx-mathjax-offline/static/mathjax/tex-svg.js"
# pictures from other hosts, for readers of the repository only
BADGES = re.compile(r"<!-- badges -->.*<!-- /badges -->\n\n", re.DOTALL)
# a text that a notebook links to has no place in the menu
ORPHAN = "---\norphan: true\n---\n\n"


def copy(source, target):
    """Copy a file, and make the folder that it goes to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def assemble(source):
    """Fill a new folder with everything that Sphinx reads."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in TEXTS:
        text = (ROOT / f"{name}.md").read_text("utf-8")
        (source / f"{name}.md").write_text(BADGES.sub("", text), encoding="utf-8")
    for name in LINKED:
        copy(ROOT / name, source / name)
    copy(HERE / "conf.py", source / "conf.py")
    shutil.copytree(HERE / "templates", source / "templates")
    for name in ("site.css", "site.js"):
        copy(HERE / name, source / "_static" / name)
    package = distribution("sphinx-mathjax-offline")
    copy(package.locate_file(MATHJAX), source / "_static" / "mathjax" / "tex-svg.js")
    for path in find_notebooks():
        target = source / "notebooks" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        page = page_of(path, read_notebook(NOTEBOOKS / path))
        target.write_text(json.dumps(page), encoding="utf-8")
    for path in NOTEBOOKS.glob("*.md"):
        text = ORPHAN + path.read_text("utf-8")
        (source / "notebooks" / path.name).write_text(text, encoding="utf-8")
    computed = {
        "answer": pages.answer,
        "verdicts": pages.verdicts,
        "picture": pages.title_picture,
        "notebooks": pages.tables_of_contents,
        "claims": pages.claims,
        "bibliography": pages.bibliography,
        "bibtex": pages.bibtex,
    }
    for page in HERE.glob("*.md"):
        text = re.sub(r"<!-- (\w+) -->", lambda m: computed[m[1]](), page.read_text("utf-8"))
        (source / page.name).write_text(text, encoding="utf-8")


def build(target, live):
    """Build the pages in a folder, the live page among them; returns Sphinx's exit code."""
    source = target.with_name(f"{target.name}_source")
    assemble(source)
    shutil.rmtree(target, ignore_errors=True)
    failed = build_main(["-W", "--keep-going", "-q", "-b", "html", str(source), str(target)])
    shutil.rmtree(target / ".doctrees", ignore_errors=True)
    for template in (target / "_static").glob("*.html"):  # the theme's, for nobody to read
        template.unlink()
    (target / ".nojekyll").touch()  # or GitHub would leave out _static
    copy(live, target / "live.html")
    return failed


if __name__ == "__main__":
    target, live = (Path(argument).resolve() for argument in sys.argv[1:])
    failed = build(target, live)
    if not failed:
        print(f"the site is in {target}: open index.html")
    sys.exit(failed)
