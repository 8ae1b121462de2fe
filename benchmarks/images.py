"""Time and memory against the number of images, on full-size VGG19 with random weights.

Every count runs in a process of its own, whose peak memory the operating system reports. Prints a
table, and writes benchmarks/images.json.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

COUNTS = (1, 10, 100)
WORKS = ("grad_cam", "integrated_gradients")
STEPS = 7  # of the paths: one chunk of points
OUTPUT = Path(__file__).with_name("images.json")


def explain(work, count):
    """Explain images one after the other; seconds per image after the first, and peak GB."""
    import keras
    import numpy as np

    import xai_utils

    classifier = xai_utils.load_classifier(keras.applications.VGG19(weights=None), "vgg19")
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for index in range(count + 1):
        if index == 1:  # the first image also pays for compiling
            start = time.perf_counter()
        image = rng.integers(0, 256, (224, 224, 3), dtype=np.uint8)
        gradients = xai_utils.ScoreGradients(classifier, [image], [0], steps=STEPS)
        for score in ("pre", "post", "log", "odds"):
            getattr(xai_utils, work)(gradients, score)
    unit = 1e9 if sys.platform == "darwin" else 1e6  # bytes there, kB elsewhere
    return {
        "seconds_per_image": (time.perf_counter() - start) / count,
        "peak_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
    }


def main():
    report = {}
    for work in WORKS:
        for count in COUNTS:
            call = [sys.executable, __file__, work, str(count)]
            output = subprocess.run(call, check=True, capture_output=True, text=True).stdout
            report.setdefault(work, {})[count] = measured = json.loads(output.splitlines()[-1])
            print(
                f"{work:22} {count:4} images: {measured['seconds_per_image']:.2f} s each, "
                f"peak {measured['peak_GB']:.2f} GB"
            )
    from xai_utils.files import write_atomically

    write_atomically(OUTPUT, lambda file: file.write(json.dumps(report, indent=2).encode() + b"\n"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(explain(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
