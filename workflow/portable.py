"""Do the notebooks print the same with other rounding? ``python workflow/portable.py [VARIANT]``

Each variant runs all notebooks with nbval, which compares what they print with what is committed.
With ``today`` it is one of them, another one each day; without a name, it is all.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from own_settings import ROOT, own_environment

from figures import warm_interpreter

# Training takes three quarters of an hour and its measurement some minutes; pytest does both on a
# smaller scale.
LEFT_OUT = ("train_vgg19_mini.ipynb", "vgg19_mini.ipynb")
VARIANTS = {
    "noise-1": {"WEIGHT_NOISE": "1"},
    "noise-2": {"WEIGHT_NOISE": "2"},
    "noise-3": {"WEIGHT_NOISE": "3"},
    "without-onednn": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "sse41": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "one-thread": {},  # as every run has it, see own_settings.py
    "two-threads": {"TF_NUM_INTRAOP_THREADS": "2", "OMP_NUM_THREADS": "2"},
}
# IPython runs this before the first cell; rounding elsewhere changes a result about as much
NOISE = """
def _change_weights():
    import os
    import numpy as np
    from xai_utils import loading

    load = loading.load_vgg19_mini

    def load_changed():
        model, rng = load(), np.random.default_rng(int(os.environ["WEIGHT_NOISE"]))
        factors = [1 + 1e-6 * rng.standard_normal(w.shape) for w in model.get_weights()]
        pairs = zip(model.get_weights(), factors, strict=True)
        model.set_weights([w * factor.astype(w.dtype) for w, factor in pairs])
        return model

    loading.load_vgg19_mini = load_changed


_change_weights()
del _change_weights
"""


def run(name):
    """All notebooks in one variant, by nbval. Returns whether they print what is committed."""
    start = time.monotonic()
    log = ROOT / "results" / "log" / f"portable-{name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    notebooks = sorted((ROOT / "notebooks").rglob("*.ipynb"))
    notebooks = [
        n for n in notebooks if n.name not in LEFT_OUT and ".ipynb_checkpoints" not in n.parts
    ]
    command = [
        sys.executable, "-m", "pytest", "--numprocesses=2", "--dist=loadfile",
        "-p", "no:cacheprovider", "--nbval", "--nbval-cell-timeout=300",
    ]  # fmt: skip
    environment = {**own_environment(), **VARIANTS[name]}
    # a run refuses to replace the results of another network, as that of another variant is
    for folder in ("notebooks", "notebooks/methods"):
        shutil.rmtree(ROOT / folder / "results", ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=environment["TMPDIR"]) as folder:
        if "WEIGHT_NOISE" in environment:
            startup = Path(folder, "profile_default", "startup")
            startup.mkdir(parents=True)
            (startup / "noise.py").write_text(NOISE, "utf-8")
            environment["IPYTHONDIR"] = folder
        with open(log, "w", encoding="utf-8") as file, warm_interpreter(environment):
            status = subprocess.run(
                [*command, *notebooks], cwd=ROOT, env=environment, stdout=file,
                stderr=subprocess.STDOUT,
            ).returncode  # fmt: skip
    lines = log.read_text("utf-8").splitlines()
    for line in lines:
        if line.startswith(("FAILED", "ERROR")):
            print(f"  {line}")
    counts = re.sub(r" in .*|=", "", lines[-1]).strip() if lines else "nothing ran"
    print(f"{name}: {counts}, {time.monotonic() - start:.0f} seconds", flush=True)
    if status:
        print(f"  see {log.relative_to(ROOT)}; again with: python workflow/portable.py {name}")
    return status == 0


def main(names):
    if names == ["today"]:
        names = [list(VARIANTS)[date.today().toordinal() % len(VARIANTS)]]
    unknown = set(names) - set(VARIANTS)
    if unknown:
        sys.exit(f"no variant {', '.join(sorted(unknown))}; there are: {', '.join(VARIANTS)}")
    return 0 if all([run(name) for name in names or VARIANTS]) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
