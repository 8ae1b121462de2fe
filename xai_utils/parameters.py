"""Papermill parameters: an unknown one must not pass in silence."""

import ast

from xai_utils.checks import check_choice

INJECTED = "# Parameters"  # how papermill begins the cell that it adds


def check_parameters():
    """Refuse parameters that the notebook does not have; to be called in its second code cell.

    Papermill adds the given parameters as a cell of their own after the notebook's own, and only
    logs a line about a name that it does not find there. A notebook whose user misspelt `target`
    would explain the default class.

    Raises
    ------
    ValueError
        If a parameter was given that the first code cell does not have; the message names it.
    """
    from IPython import get_ipython

    # without history, as when nbval runs the notebook, there is no cell and nothing was injected
    cells = [cell for cell in get_ipython().user_ns["In"] if cell]
    for cell in cells:
        if cell.startswith(INJECTED):
            for name in _assigned_names(cell):
                check_choice("parameter", name, _assigned_names(cells[0]))


def _assigned_names(source):
    return [
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]
