"""Build the live page: one file that needs nothing else, `python live/build.py results/live.html`.

The weights of vgg19-mini, the compiled engine and all scripts are written into the page, and an
example is drawn beforehand, so that it is there at once and without JavaScript too.
"""

import base64
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from live.example import PATTERNS, draw_example
from xai_utils.embedded.samples import SCENES, load_image
from xai_utils.embedded.scenes import CLASS_NAMES, SIZE
from xai_utils.embedded.vgg19_mini import WEIGHTS
from xai_utils.files import write_atomically
from xai_utils.heatmaps import COLORMAP, SIGNED_COLORMAP
from xai_utils.images import resize_image
from xai_utils.style import METHOD_LABELS

HERE = Path(__file__).resolve().parent

# In the order in which they need each other
WORKER = ("scores", "network", "methods", "paths", "explainer", "saturation", "worker")
PAGE = ("scores", "network", "draw", "picture", "page")

EXAMPLE = "cat"


def build(path):
    """Write the page.

    Parameters
    ----------
    path : str or Path
    """
    page = (HERE / "page.html").read_text("utf-8")
    parts = {
        "style": (HERE / "style.css").read_text("utf-8"),
        "worker": bundle(WORKER),
        "page": f'"use strict";\n{{\n{bundle(PAGE)}\n}}',
        "engine": encode((HERE / "engine" / "engine.wasm").read_bytes()),
        "weights": encode(read_weights().tobytes()),
        "data": json.dumps(page_data()),
        **draw_example(EXAMPLE),
    }
    missing = set(re.findall(r"\{\{(\w+)\}\}", page)) ^ set(parts)
    if missing:
        raise ValueError(f"page.html and its parts do not agree on: {', '.join(sorted(missing))}")
    whole = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], page)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(whole.encode("utf-8")))


def bundle(modules):
    """Modules as one script: str. Names are the same everywhere, so imports can go."""
    sources = [(HERE / "js" / f"{name}.js").read_text("utf-8") for name in modules]
    whole = re.sub(r"^import .*?;\n", "", "\n".join(sources), flags=re.M | re.S)
    return re.sub(r"^export ", "", whole, flags=re.M)


def read_weights():
    """All weights in the order of the layers, kernel and bias: ndarray, float16 (n,)."""
    with np.load(WEIGHTS) as arrays:
        return np.concatenate([arrays[name].ravel() for name in arrays])


def encode(content):
    """Bytes as base64: str."""
    return base64.b64encode(content).decode("ascii")


def page_data():
    """What the scripts need besides weights: dict."""
    samples = {name: resize_image(load_image(name), SIZE, SIZE) for name in (EXAMPLE, *SCENES)}
    return {
        "classes": CLASS_NAMES,
        "samples": {
            name: f"data:image/png;base64,{_png(image)}" for name, image in samples.items()
        },
        "example": EXAMPLE,
        "methods": METHOD_LABELS,
        "patterns": PATTERNS,
        "colours": {
            "positive": _colours(COLORMAP),
            "signed": _colours(SIGNED_COLORMAP),
        },
    }


def _png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return encode(buffer.getvalue())


def _colours(name):
    return encode((colormaps[name](np.arange(256))[:, :3] * 255).round().astype(np.uint8).tobytes())


if __name__ == "__main__":
    build(*sys.argv[1:])
