"""Papermill parameters: an unknown one must not pass in silence."""

import ast

from xai_utils.checks import check_choice

INJECTED = "# Parameters"  # how papermill begins the cell that it adds
FOLDERS = ("benchmarks", "figures", "results")  # where things are, not what they are


def check_parameters():
    """Refuse parameters that the notebook does not have; to be called in its second code cell.

    Papermill adds the given parameters as a cell of their own after the notebook's own, and only
    logs a line about a name that it does not find there. A notebook whose user misspelt `target`
    would explain the default class.

    Returns
    -------
    dict
        The parameters of this run by name, without folders; empty where the notebook has no
        history, as when nbval runs it.

    Raises
    ------
    ValueError
        If a parameter was given that the first code cell does not have; the message names it.
    """
    from IPython import get_ipython

    namespace = get_ipython().user_ns
    cells = [cell for cell in namespace["In"] if cell]
    names = _assigned_names(cells[0]) if cells else []
    for cell in cells:
        if cell.startswith(INJECTED):
            for name in _assigned_names(cell):
                check_choice("parameter", name, names)
    return {name: namespace[name] for name in names if name not in FOLDERS}


def _assigned_names(source):
    return [
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
