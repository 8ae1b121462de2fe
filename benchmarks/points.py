"""Memory against the points of an adaptive path, on full-size VGG19 with random weights.

Integrated Gradients of one image, all four scores. Every number of points runs in a process of its
own, whose peak memory the operating system reports. Prints a table, and writes
benchmarks/points.json.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

COUNTS = (50, 600)
OUT_OF_REACH = 1e-9  # a tolerance with which a path goes on until its number of points is used up
OUTPUT = Path(__file__).with_name("points.json")


def explain(points):
    """Integrated Gradients along a path of so many points; peak GB."""
    import keras
    import numpy as np

    import xai_utils

    classifier = xai_utils.load_classifier(keras.applications.VGG19(weights=None), "vgg19")
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    gradients = xai_utils.ScoreGradients(
        classifier, [image], [0], tolerance=OUT_OF_REACH, max_steps=points - 1
    )
    for score in ("pre", "post", "log", "odds"):
        xai_utils.integrated_gradients(gradients, score)
    (alphas,) = gradients.path("pixels").alphas
    if len(alphas) != points:
        raise RuntimeError(f"the path ended at {len(alphas)} points; {points} were wanted")
    unit = 1e9 if sys.platform == "darwin" else 1e6  # bytes there, kB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main():
    from xai_utils.files import write_atomically

    peaks = {}
    for points in COUNTS:
        call = [sys.executable, __file__, str(points)]
        output = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout
        peaks[points] = float(output.splitlines()[-1])
        print(f"{points:4} points: peak {peaks[points]:.2f} GB", flush=True)
    print(f"ratio {peaks[COUNTS[-1]] / peaks[COUNTS[0]]:.2f}")
    report = json.dumps({"peak_GB": peaks}, indent=2).encode() + b"\n"
    write_atomically(OUTPUT, lambda file: file.write(report))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(explain(int(sys.argv[1])))
    else:
        main()
