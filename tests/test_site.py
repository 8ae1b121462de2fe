"""The site: complete, linked, described, and asking no other host for anything."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from xai_utils.study.claims import read_claims

INSTALL = "the extra `site` is not installed: pip install --editable .[site]"
pytest.importorskip("sphinx_book_theme", reason=INSTALL)
bs4 = pytest.importorskip("bs4", reason=INSTALL)

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(
    path.relative_to(ROOT / "notebooks").as_posix()
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
WORK = re.compile(
    r"arxiv\.org/abs/(?:[a-z-]+/)?\d+(?:\.\d+)?|openreview\.net/pdf\?id=\w+|doi\.org/[^\s)]+"
)
IN_DOCSTRINGS = {"arXiv": "arxiv.org/abs/", "doi": "doi.org/"}
# of a page: code, formulas that MathJax sets, and tags
NOT_TYPED = re.compile(
    r"<(pre|code|script|style)\b.*?</\1>|<(span|div) class=\"math.*?</\2>|<[^>]*>", re.DOTALL
)
WIDTHS = (390, 768, 1440)  # a phone, a tablet, a desk
LOOKED_AT = (
    "index", "notebooks/2_detecting_a_class", "notebooks/4b_saturation", "notebooks/6_discussion", "notebooks/explore", "notebooks/methods/grad_cam_plus", "claims",
    "reference", "README", "CONTRIBUTING", "TROUBLESHOOTING", "genindex",
)  # fmt: skip
# formulas whose beginning is left of what can be scrolled to
CUT = """() => [...document.querySelectorAll("div.math")]
    .filter(math => math.querySelector("svg").getBoundingClientRect().left
        < math.getBoundingClientRect().left - 1)
    .map(math => math.textContent)"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, with a stand-in for the live page: tests/test_live.py looks at that one."""
    folder = tmp_path_factory.mktemp("built") / "site"
    live = folder.with_name("live.html")
    live.write_text("<!doctype html><title>The live page</title>", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, ROOT / "site" / "build.py", folder, live], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {
        path.relative_to(site).as_posix(): bs4.BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in site.rglob("*.html")
    }


def code_cells(path):
    cells = json.loads((ROOT / "notebooks" / path).read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def page_of(pages, notebook):
    return pages[f"notebooks/{notebook.removesuffix('.ipynb')}.html"]


def words(text):
    return " ".join(text.split())


def test_nothing_is_loaded_from_another_host(site, pages):
    for name, page in pages.items():
        for element in page.select("[src], link[href], [srcset], object[data]"):
            for attribute in ("src", "href", "srcset", "data"):
                assert not urlsplit(element.get(attribute, "")).netloc, (name, element)
        assert not re.search(r"url\(['\"]?(https?:)?//", str(page)), name
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert not re.search(r"(url\(|@import )['\"]?(https?:)?//", text), sheet.name


def test_every_image_is_described(pages):
    for name, page in pages.items():
        for image in page.select("img"):
            assert image.get("alt", "").strip(), (name, image.get("src"))


def test_every_internal_link_leads_somewhere(site, pages):
    for name, page in pages.items():
        for link in page.select("a[href]"):
            target = urlsplit(link["href"])
            if target.scheme or target.netloc:
                continue
            path = (site / name).parent / unquote(target.path) if target.path else site / name
            path = path.resolve()
            assert path.exists(), (name, link["href"])
            if target.fragment and path.suffix == ".html":
                there = pages[path.relative_to(site).as_posix()]
                assert there.find(id=unquote(target.fragment)), (name, link["href"])


def test_no_formula_is_left_as_it_was_typed(site):
    for path in site.rglob("*.html"):
        text = NOT_TYPED.sub(" ", path.read_text("utf-8"))
        found = re.search(r"\$\$|\\[a-zA-Z]{2,}|\$[^$\n]{1,40}\$", text)
        assert not found, (path.name, found)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_cell_of_a_notebook_is_there_with_its_output(pages, notebook):
    page, cells = page_of(pages, notebook), code_cells(notebook)
    shown = page.select("div.cell")
    assert len(shown) == len(cells)
    for cell, element in zip(cells, shown, strict=True):
        assert bool(cell["outputs"]) == bool(element.select(".cell_output")), cell["source"]
        for output in cell["outputs"]:
            if "text" in output:
                assert words("".join(output["text"])) in words(element.get_text())


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_figure_says_which_cell_and_command_made_it(pages, notebook):
    page = page_of(pages, notebook)
    drawn = [
        (cell["execution_count"], attributes["alt"].replace("$", "").replace("\n", ", "))
        for cell in code_cells(notebook)
        for output in cell["outputs"]
        for kind, attributes in output.get("metadata", {}).items()
        if kind.startswith("image/")
    ]
    figures = page.select("figure")
    assert [figure.img["alt"] for figure in figures] == [alt for _, alt in drawn]
    for figure, (count, _) in zip(figures, drawn, strict=True):
        origin = figure.select_one(".origin")
        assert origin.get_text().startswith(f"Made by cell {count} of notebooks/{notebook}: ")
        assert re.search(rf"papermill .*notebooks/{notebook} out.ipynb$", origin.get_text())
        cell = page.find(id=origin.a["href"].removeprefix("#"))
        assert "cell" in cell["class"]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_code_is_folded_where_the_notebook_says_so(pages, notebook):
    hidden = [c for c in code_cells(notebook) if "hide-input" in c["metadata"].get("tags", [])]
    assert len(page_of(pages, notebook).select("details.hide")) == len(hidden)


def test_the_live_page_is_part_of_the_site(pages):
    assert pages["live.html"].title.get_text() == "The live page"
    assert pages["index.html"].select("a[href='live.html']")


def test_the_title_page_gives_the_answers_of_notebooks_8_and_6(pages):
    page = pages["index.html"]
    for name in ("8_what_is_best", "6_discussion"):
        cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"]
        found = "".join(cells[0]["source"]).split("**In short.** ")[1].split("\n")[0]
        assert words(found.replace("`", "")) in words(page.get_text())
    assert len(page.select("#the-answer li")) == 3
    assert "Made by cell" in page.select_one("figure .origin").get_text()


def test_every_claim_links_to_the_cell_that_tests_it(pages):
    tested = {
        tag.removeprefix("claim-"): (notebook, cell["execution_count"])
        for notebook in NOTEBOOKS
        for cell in code_cells(notebook)
        for tag in cell["metadata"].get("tags", [])
        if tag.startswith("claim-")
    }
    rows = [row.select("td") for row in pages["claims.html"].select("tbody tr")]
    for claim, cells in zip(read_claims().values(), rows, strict=True):
        assert words(cells[2].get_text()) == words(claim.claim)
        assert cells[4].get_text() == claim.verdict
        assert cells[5].get_text() == claim.verdict_on_imagenet
        links = [unquote(link["href"]) for link in cells[3].select("a")]
        assert links[0] == f"notebooks/{claim.notebook}.html"
        if claim.id in tested:
            notebook, count = tested[claim.id]
            assert links[1].startswith(f"notebooks/{notebook.removesuffix('.ipynb')}.html#cell-")
            assert links[1].endswith(f"-{count}")


def test_every_work_that_is_cited_is_in_the_bibliography(pages):
    texts = [*(ROOT / "notebooks").rglob("*.ipynb"), *ROOT.glob("*.md")]
    cited = {link for path in texts for link in WORK.findall(path.read_text("utf-8"))}
    for path in (ROOT / "xai_utils").rglob("*.py"):
        for kind, number in re.findall(
            r"\b(arXiv|doi) ((?:[a-z-]+/)?\d[^\s),;:]+)", path.read_text("utf-8")
        ):
            cited.add(IN_DOCSTRINGS[kind] + number.rstrip("."))
    listed = {a["href"].split("://")[1] for a in pages["bibliography.html"].select("li a.external")}
    assert cited == listed


def test_the_citation_is_that_of_the_file(pages):
    shown = pages["cite.html"].select_one(".highlight-bibtex").get_text()
    file = (ROOT / "CITATION.cff").read_text("utf-8")
    for found in re.findall(r'title: "(.+)"|^version: (.+)|arXiv:([\d.]+)', file, re.MULTILINE):
        assert "".join(found) in shown
    assert "Lerma, Miguel and Lucas, Mirtha" in shown


def test_every_public_function_is_in_the_reference(pages):
    import xai_utils

    described = {element["id"] for element in pages["reference.html"].select("dt[id]")}
    assert {f"xai_utils.{name}" for name in xai_utils.__all__} <= described


def opened(browser, site, name, width=WIDTHS[-1], **options):
    """A page in the browser, its formulas set."""
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    faults, requests = [], []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else 0
    )
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto((site / f"{name}.html").as_uri())
    page.wait_for_function("!window.MathJax || !!MathJax.startup?.promise")
    page.evaluate("window.MathJax && MathJax.startup.promise")
    return page, faults, requests


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_browser_shows_the_page_without_a_fault(site, browser, name):
    page, faults, requests = opened(browser, site, name)
    formulas = page.locator(".math").count()
    assert page.locator(".math mjx-container").count() == formulas
    assert page.locator("mjx-merror").count() == 0
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT) == []
    assert not faults
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    page.close()


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("name", LOOKED_AT)
def test_axe_finds_no_fault(site, browser, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=INSTALL)
    # in the dark only the colours are others, and formulas have that of the text
    dark = ({"exclude": [["mjx-container"]]}, {"runOnly": ["color-contrast"]})
    looked_at = dark if scheme == "dark" else ()
    for width in (WIDTHS[-1], WIDTHS[0]):  # what scrolls in itself on a phone, does not on a desk
        page, *_ = opened(browser, site, name, width, color_scheme=scheme)
        violations = axe.Axe().run(page, *looked_at).response["violations"]
        found = [(v["id"], [node["html"] for node in v["nodes"]]) for v in violations]
        assert found == [], width
        page.close()
