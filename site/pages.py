"""The pages that are computed: the answer on the title page, the claims, the bibliography."""

import csv
import re
from itertools import groupby, pairwise

import yaml
from notebook_pages import NOTEBOOKS, find_notebooks, label, origin, picture, read_notebook

from xai_utils.study.claims import SOURCES, read_claims

ROOT = NOTEBOOKS.parent
IDENTIFIERS = {  # address: what its last part is
    "https://arxiv.org/abs/": "arXiv ",
    "https://doi.org/": "doi ",
    "https://openreview.net/pdf?id=": "OpenReview ",
}
GROUPS = {  # caption in the sidebar: the notebooks in it
    "The argument": lambda path: path[0].isdigit() or path in ("index.ipynb", "figure_2.ipynb"),
    "One notebook for each method": lambda path: path.startswith("methods/"),
    "Your own pictures": lambda path: path in ("explain.ipynb", "explore.ipynb"),
    "The network": lambda path: "vgg19_mini" in path or path == "trainings.ipynb",
}


def in_short(notebook):
    """The three sentences after the *In short* of a notebook, computed there: str."""
    first = read_notebook(NOTEBOOKS / f"{notebook}.ipynb")["cells"][0]["source"]
    (sentences,) = re.findall(r"^\*\*In short\.\*\* (.+)$", first, re.MULTILINE)
    return sentences


def answer():
    """What notebook 8 has found, a point for each sentence."""
    sentences = re.split(r"(?<=\.) (?=[A-Z])", in_short("8_what_is_best"))
    return "\n".join(f"- {sentence}" for sentence in sentences)


def verdicts():
    """What notebook 6 has found of the paper's claims."""
    return in_short("6_discussion")


def title_picture(figure="same_outputs"):
    """A figure of the repository with the caption, description and origin from its notebook."""
    for path in find_notebooks():
        notebook = read_notebook(NOTEBOOKS / path)
        cells = notebook["cells"]
        for cell, below in pairwise(cells):
            if picture(cell) and re.search(rf"[\"/]{figure}\"", cell["source"]):
                caption = re.sub(r"\]\((?!http)", "](notebooks/", below["source"])
                return (
                    f"```{{figure}} figures/{figure}.png\n:alt: {picture(cell)['alt']}\n\n"
                    f"{caption}\n\n{origin(path, notebook, cell)}\n```"
                )
    raise ValueError(f"no notebook draws {figure}")


def tables_of_contents():
    """The notebooks in reading order, in groups."""
    trees = []
    for caption, belongs in GROUPS.items():
        paths = [path.removesuffix(".ipynb") for path in find_notebooks() if belongs(path)]
        pages = "\n".join(f"notebooks/{path}" for path in paths)
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```")
    return "\n\n".join(trees)


def claims():
    """The map of the claims: a table for each source, with a link to the cell that tests it."""
    cells = {}
    for path in find_notebooks():
        for cell in read_notebook(NOTEBOOKS / path)["cells"]:
            for tag in cell["metadata"].get("tags", []):
                if tag.startswith("claim-"):
                    cells[tag.removeprefix("claim-")] = label(path, cell), cell["execution_count"]
    parts = []
    for source, rows in groupby(read_claims().values(), key=lambda row: row.source):
        parts += [f"## Of {SOURCES[source]}", ""]
        parts += [
            "| section | eq. | claim | tested in | verdict | on ImageNet's classes |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            name = row.notebook.replace("_", "_<wbr>")  # where it may break, on a phone
            tested = f"[{name}](notebooks/{row.notebook}.ipynb)"
            if row.id in cells:
                tested += ", [cell {1}](#{0})".format(*cells[row.id])
            parts.append(
                f"| {row.section} | {row.equation} | {row.claim} | {tested} | {row.verdict} | "
                f"{row.verdict_on_imagenet} |"
            )
        parts.append("")
    return "\n".join(parts)


def read_references():
    """Rows of references.csv, by link."""
    with open(ROOT / "site" / "references.csv", encoding="utf-8", newline="") as file:
        return {row["link"]: row for row in csv.DictReader(file)}


def identifier(link):
    """How a work is known: "arXiv 2306.13197", "doi 10.1214/07-AOAS122", or by OpenReview's id."""
    for start, kind in IDENTIFIERS.items():
        if link.startswith(start):
            return kind + link.removeprefix(start)
    raise ValueError(f"{link} is the address of no identifier; known are {list(IDENTIFIERS)}")


def cited_in(link):
    """The texts that cite a work, by its link or its identifier, in MyST."""
    texts = [f"notebooks/{path}" for path in find_notebooks()]
    for folder, pattern in (("notebooks", "*.md"), (".", "[A-Z]*.md"), ("xai_utils", "**/*.py")):
        texts += sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob(pattern))
    work = re.compile(rf"\({re.escape(link)}\)|\b{re.escape(identifier(link))}\b")
    cited = [path for path in texts if work.search((ROOT / path).read_text("utf-8"))]
    code = [f"`{path}`" for path in cited if path.endswith(".py")]
    pages = [
        f"[{path.rpartition('.')[0].removeprefix('notebooks/')}]({path})"
        for path in cited
        if not path.endswith(".py")
    ]
    return ", ".join(pages or code)


def bibliography():
    """The works, each with its identifier and the pages that cite it, or else the modules."""
    lines = []
    for link, row in read_references().items():
        title = row["title"] if row["title"].endswith("?") else f"{row['title']}."
        where = f"{row['where']}, " if row["where"] else ""
        lines.append(
            f"- {row['authors']}: *{title}* {where}{row['year']}. "
            f"[{identifier(link)}]({link}). Cited in {cited_in(link)}."
        )
    return "\n".join(lines)


def bibtex():
    """The compendium and the paper, as CITATION.cff has them, for a list of references."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    (paper,) = cff["references"]
    names = " and ".join(f"{a['family-names']}, {a['given-names']}" for a in paper["authors"])
    number = paper["identifiers"][0]["value"].removeprefix("arXiv:")
    entries = {
        "software{compendium": {
            "author": "{" + cff["authors"][0]["name"] + "}",
            "title": "{" + cff["title"] + "}",
            "version": cff["version"],
        },
        "misc{lerma2023": {
            "author": names,
            "title": "{" + paper["title"] + "}",
            "year": paper["year"],
            "eprint": number,
            "archivePrefix": "arXiv",
        },
    }
    texts = [
        "\n".join([f"@{kind},", *(f"  {key} = {{{value}}}," for key, value in fields.items()), "}"])
        for kind, fields in entries.items()
    ]
    return "```bibtex\n" + "\n\n".join(texts) + "\n```"
