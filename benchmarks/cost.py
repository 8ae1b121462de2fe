"""What an explanation costs, in forward passes of the network it explains.

Full-size VGG19 with random weights, on which the time does not depend. Every figure is a ratio of
two times taken in one run: the work, and plain forward passes of as many images in batches of
eight, measured just before and after it. Peers are measured if they are installed
(``pip install tf-keras-vis saliency``). Prints a table, and writes benchmarks/cost.json.
"""

import json
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

import xai_utils
from xai_utils.files import write_atomically
from xai_utils.results import versions
from xai_utils.scores import SCORES

import keras  # isort: skip  # after xai_utils, which quiets TensorFlow's start
import tensorflow as tf  # isort: skip

REPETITIONS = 5
BATCH = 8
STEPS = 50
MORE_STEPS = (10, 25, 50, 100)  # cost against steps, once each
LAYER = "block5_pool"
OUTPUT = Path(__file__).with_name("cost.json")

METHODS = {
    "Grad-CAM family": (xai_utils.grad_cam, xai_utils.grad_cam_plus, xai_utils.grad_cam_plus_plus),
    "RSI-Grad-CAM": (xai_utils.rsi_grad_cam,),
    "Integrated Gradients": (xai_utils.integrated_gradients,),
    "RSI and IG together": (xai_utils.integrated_gradients, xai_utils.rsi_grad_cam),
}


def explain(classifier, images, methods, steps=STEPS):
    """All four scores of some methods, from nothing."""
    gradients = xai_utils.ScoreGradients(classifier, images, [0] * len(images), LAYER, steps=steps)
    return [method(gradients, score) for method in methods for score in SCORES]


def peers(model, image):
    """By name: forward passes that it is compared with, and a call for one image and one score."""
    pixels = keras.applications.vgg19.preprocess_input(image.astype(np.float32))
    black = keras.applications.vgg19.preprocess_input(np.zeros_like(pixels))
    found = {}
    try:
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.utils.scores import CategoricalScore
    except ImportError:
        print("tf-keras-vis is not installed: left out")
    else:
        gradcam = Gradcam(model, clone=False)

        def tf_keras_vis():
            return gradcam(CategoricalScore(0), pixels[None], penultimate_layer=LAYER)

        found["tf-keras-vis Grad-CAM, one score"] = 1, tf_keras_vis
    try:
        import saliency.core
    except ImportError:
        print("saliency is not installed: left out")
    else:

        def gradients_of(x, call_model_args=None, expected_keys=None):
            x = tf.constant(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                score = model(x)[:, 0]
            return {saliency.core.INPUT_OUTPUT_GRADIENTS: tape.gradient(score, x).numpy()}

        def pair():
            return saliency.core.IntegratedGradients().GetMask(
                pixels, gradients_of, x_steps=STEPS, x_baseline=black, batch_size=BATCH
            )

        found["saliency IG, one score"] = STEPS + 1, pair
    return found


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG19(weights=None)
    classifier = xai_utils.load_classifier(model, "vgg19")
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (BATCH, 224, 224, 3), dtype=np.uint8))
    forward = tf.function(lambda pixels: model(classifier.preprocess(pixels), training=False))
    pixels = classifier.pixels(images)

    def forward_seconds():
        """Of one image."""
        return seconds(lambda: forward(tf.constant(pixels)).numpy()) / BATCH

    works = {}
    for name, methods in METHODS.items():
        some = images if name == "Grad-CAM family" else images[:1]
        count = BATCH if name == "Grad-CAM family" else STEPS + 1
        works[name] = count, partial(explain, classifier, some, methods)
    works |= peers(model, images[0])
    forward_seconds()
    first = {name: seconds(work) for name, (_, work) in works.items()}  # traces, and warms up
    ratios = {name: [] for name in works}
    forwards = [forward_seconds()]
    for repetition in range(REPETITIONS):
        for name, (count, work) in works.items():
            spent = seconds(work)
            forwards.append(forward_seconds())
            ratios[name].append(spent / statistics.mean(forwards[-2:]) / count)
        print(f"repetition {repetition + 1} of {REPETITIONS}", file=sys.stderr)
    one = statistics.median(forwards)
    by_steps = {
        name: {
            steps: seconds(partial(explain, classifier, images[:1], METHODS[name], steps)) / one
            for steps in MORE_STEPS
        }
        for name in ("RSI-Grad-CAM", "Integrated Gradients")
    }
    report = {
        "unit": "forward passes of as many images or points, in batches of eight",
        "forward_seconds_per_image": one,
        "ratios": ratios,
        "forwards_by_steps": by_steps,
        "first_call_extra_seconds": {
            name: first[name] - statistics.median(ratios[name]) * one * works[name][0]
            for name in METHODS
        },
        "versions": versions(),
    }
    for name, values in ratios.items():
        median, low, high = statistics.median(values), min(values), max(values)
        print(f"{name:34} {median:6.2f}  ({low:.2f} to {high:.2f})")
    write_atomically(OUTPUT, lambda file: file.write(json.dumps(report, indent=2).encode() + b"\n"))


if __name__ == "__main__":
    main()
