"""Take the views of controls out of executed notebooks:

    python workflow/widget_views.py NOTEBOOK ...

A view belongs to the kernel that made it. Where that has ended, JupyterLab would show an error in
place of the text that stands beside the view.
"""

import json
import sys
from pathlib import Path

VIEW = "application/vnd.jupyter.widget-view+json"


def without_views(notebook):
    """Remove all views from a notebook (dict); returns whether there were any."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    views = [output["data"].pop(VIEW, None) for output in outputs if "data" in output]
    return any(views)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        notebook = json.loads(path.read_text("utf-8"))
        if without_views(notebook):
            path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
