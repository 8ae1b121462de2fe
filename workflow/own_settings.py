"""Run a command with the project's settings in place of the user's.

    python workflow/own_settings.py COMMAND ARGUMENTS ...

A keras.json, a matplotlibrc, a kernel named python3 or an IPython start-up file in the user's home
would change what notebooks do and how figures look; a home that cannot be written to would stop
them. The command gets a home of its own in results/, and a folder for what is temporary.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "results" / "home"
TEMPORARY = ROOT / "results" / "tmp"

# by which the libraries in use find settings outside the home
FOREIGN = (
    "IPYTHON", "JUPYTER", "KERAS", "MATPLOTLIB", "MPL", "NBVAL", "PYTEST", "PYTHON", "SNAKEMAKE",
    "XDG",
)  # fmt: skip
ONE_THREAD = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def own_environment(temporary=TEMPORARY):
    """The environment for a command: dict of str. Makes the folders that it names."""
    for folder in (HOME, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **kept,
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), kept.get("PATH", os.defpath)]),
        "HOME": str(HOME),
        "TMPDIR": str(temporary),
        "PYTHONUTF8": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel of this environment
        # two processes share two cores: one thread each, unless the caller says otherwise
        **{name: kept.get(name, "1") for name in ONE_THREAD},
    }


if __name__ == "__main__":
    os.chdir(ROOT)
    os.execvpe(sys.argv[1], sys.argv[1:], own_environment())
