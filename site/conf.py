"""Sphinx's settings. `make site` runs it on the folder that site/build.py has put together."""

from docutils.nodes import Text
from sphinx.util.nodes import make_refnode

import xai_utils.backend  # noqa: F401  as in every other program, TensorFlow is set up first

project = "Pre- or post-softmax scores"
author = "the authors of the compendium"
copyright = "the authors of the compendium, MIT licence"
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build"]

# notebooks: as they are committed
nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["dollarmath", "attrs_inline"]
myst_heading_anchors = 3
myst_heading_slug_func = "notebook_pages.anchor"
numfig = False
smartquotes = False  # texts and claims stay as they are written
highlight_language = "none"  # a block without a language is a command, and no Python

# one file, put into _static by site/build.py; its menu would ask for others
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}, "svg": {"scale": 0.92}}

autodoc_typehints = "none"
autodoc_member_order = "bysource"
default_role = "py:obj"
toc_object_entries_show_parents = "hide"  # the menu is indented already, and narrow
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
templates_path = ["templates"]
html_sidebars = {"**": ["title.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_domain_indices = False  # there is one module
html_context = {"default_mode": "auto"}
html_theme_options = {
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    # the theme's second header, which would only repeat the first one
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
}


def find_by_last_name(app, env, node, content):
    """Link a name of a docstring, such as `read_image`, to the module in which it is described."""
    if node.get("refdomain") != "py":
        return None
    # a name that two modules have is listed twice, with one place
    found = {
        (entry.docname, entry.node_id)
        for name, entry in env.domains["py"].objects.items()
        if name.endswith(f".{node['reftarget']}")
    }
    if len(found) != 1:
        return None
    ((page, anchor),) = found
    return make_refnode(app.builder, node["refdoc"], page, anchor, content, anchor)


def set_dashes(app, tree):
    """Put a dash before the description of a parameter or result, where Sphinx has two hyphens."""
    for text in list(tree.findall(Text)):
        if text.startswith(" -- "):
            text.parent.replace(text, Text(text.replace("--", "\N{EN DASH}", 1)))


def setup(app):
    app.connect("missing-reference", find_by_last_name)
    app.connect("doctree-read", set_dashes)
