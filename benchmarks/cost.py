"""What an explanation costs, in forward passes of the network it explains.

Full-size networks with random weights, on which the time does not depend. Every figure is a ratio
of two times taken in one run: the work, and plain forward passes of as many images in batches of
eight, measured just before and after it. Beside it stands the limit that processor and framework
set: a forward and two backward passes of the layers before the maps, and nothing else.

VGG19 is measured with the processor's instructions as they are, and with those up to AVX2; with the
former also against the steps of a path, and against the points that pass at once. Peers are
measured if they are installed (``pip install tf-keras-vis saliency``). Prints a table, and writes
benchmarks/cost.json.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

import xai_utils
from xai_utils.files import write_atomically
from xai_utils.pretrained.efficientnet_lite import VARIANTS, build_efficientnet_lite
from xai_utils.results import versions
from xai_utils.scores import SCORES

import keras  # isort: skip  # after xai_utils, which quiets TensorFlow's start
import tensorflow as tf  # isort: skip

REPETITIONS = 5
BATCH = 8
STEPS = 50
MORE_STEPS = (10, 25, 50, 100)  # cost against steps, once each
AT_ONCE = (1, 2, 4, 8, 16)  # points of a path of STEPS, once each
OUTPUT = Path(__file__).with_name("cost.json")

# by name: a network with random weights, and its preprocessing
NETWORKS = {
    "VGG19": (lambda: keras.applications.VGG19(weights=None), "vgg19"),
    "ResNet50": (lambda: keras.applications.ResNet50(weights=None), "resnet50"),
    "EfficientNet-Lite0": (
        lambda: build_efficientnet_lite("efficientnet-lite0", VARIANTS["efficientnet-lite0"]),
        "none",
    ),
}
# beside the run on VGG19, by name: the network, and what the environment adds
OTHERS = {
    "VGG19, instructions up to AVX2": ("VGG19", {"ONEDNN_MAX_CPU_ISA": "AVX2"}),
    "ResNet50": ("ResNet50", {}),
    "EfficientNet-Lite0": ("EfficientNet-Lite0", {}),
}
METHODS = {
    "Grad-CAM family": (xai_utils.grad_cam, xai_utils.grad_cam_plus, xai_utils.grad_cam_plus_plus),
    "RSI-Grad-CAM": (xai_utils.rsi_grad_cam,),
    "Integrated Gradients": (xai_utils.integrated_gradients,),
    "RSI and IG together": (xai_utils.integrated_gradients, xai_utils.rsi_grad_cam),
}


def explain(classifier, images, methods, scores=SCORES, steps=STEPS, chunk=None):
    """Some scores of some methods, from nothing."""
    gradients = xai_utils.ScoreGradients(
        classifier, images, [0] * len(images), scores=scores, steps=steps, chunk=chunk
    )
    return [method(gradients, score) for method in methods for score in scores]


def limit(classifier, pixels):
    """A call for one forward and two different backward passes of the trunk, all compiled."""
    trunk = classifier.split(classifier.default_layer).trunk

    @tf.function
    def passes(pixels, towards):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(pixels)
            activations = trunk(pixels)
        return [tape.gradient(activations, pixels, output_gradients=one) for one in towards]

    shape = trunk(tf.constant(pixels[:1])).shape[1:]
    towards = tf.random.normal((2, len(pixels), *shape))
    return lambda: [gradient.numpy() for gradient in passes(tf.constant(pixels), towards)]


def peers(model, layer, preprocess, image):
    """By name: forward passes that it is compared with, and a call for one image and one score."""
    pixels, black = (preprocess(x.astype(np.float32)) for x in (image, np.zeros_like(image)))
    found = {}
    try:
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.utils.scores import CategoricalScore
    except ImportError:
        print("tf-keras-vis is not installed: left out", file=sys.stderr)
    else:
        gradcam = Gradcam(model, clone=False)

        def tf_keras_vis():
            return gradcam(CategoricalScore(0), pixels[None], penultimate_layer=layer)

        found["tf-keras-vis Grad-CAM, one score"] = 1, tf_keras_vis
    try:
        import saliency.core
    except ImportError:
        print("saliency is not installed: left out", file=sys.stderr)
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


def load(network):
    """A model with random weights, its classifier, and a batch of random images."""
    keras.utils.set_random_seed(0)
    build, preprocessing = NETWORKS[network]
    model = build()
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (BATCH, 224, 224, 3), dtype=np.uint8))
    return model, xai_utils.load_classifier(model, preprocessing), images


def works_on(classifier, images):
    """What is measured, by name: how many images or points, and a call."""
    alone = partial(explain, classifier, images[:1])
    works = {"limit for IG": (BATCH, limit(classifier, classifier.pixels(images)))}
    for name, methods in METHODS.items():
        if name == "Grad-CAM family":
            works[name] = BATCH, partial(explain, classifier, images, methods)
        else:
            works[name] = STEPS + 1, partial(alone, methods)
    only = partial(alone, METHODS["Integrated Gradients"], scores=("odds",))
    works["IG, the log-odds alone"] = STEPS + 1, only
    return works


def measure(network, further):
    """The report on one network, as a dictionary; `further` than the ratios if asked for."""
    model, classifier, images = load(network)
    forward = tf.function(lambda pixels: model(classifier.preprocess(pixels), training=False))
    pixels = classifier.pixels(images)

    def forward_seconds():
        """Of one image."""
        return seconds(lambda: forward(tf.constant(pixels)).numpy()) / BATCH

    works = works_on(classifier, images)
    works |= peers(model, classifier.default_layer, classifier.preprocess, images[0])
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
    report = {"ratios": ratios}
    if further:
        one = statistics.median(forwards)
        steady = {n: statistics.median(ratios[n]) * one * works[n][0] for n in METHODS}
        report["forward_seconds_per_image"] = one
        report["first_call_extra_seconds"] = {n: first[n] - steady[n] for n in METHODS}
        report |= against_steps_and_points(partial(explain, classifier, images[:1]), one)
    return report


def against_steps_and_points(explain_one, forward):
    """Forward passes of a path by its steps, and of one of its points by how many pass at once."""
    by_steps, by_points = {}, {}
    for name in ("RSI-Grad-CAM", "Integrated Gradients"):
        path = partial(explain_one, METHODS[name])
        by_steps[name] = {n: seconds(partial(path, steps=n)) / forward for n in MORE_STEPS}
        by_points[name] = {
            n: seconds(partial(path, chunk=n)) / forward / (STEPS + 1) for n in AT_ONCE
        }
    return {"forwards_by_steps": by_steps, "forwards_by_points_at_once": by_points}


def measure_apart(name, network, environment, *further):
    """The report of a process of its own: the instructions are chosen when TensorFlow starts."""
    run = subprocess.run(
        [sys.executable, __file__, network, *further],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    report = json.loads(run.stdout.splitlines()[-1])
    print(name)
    for work, values in report["ratios"].items():
        median, low, high = statistics.median(values), min(values), max(values)
        print(f"  {work:34} {median:6.2f}  ({low:.2f} to {high:.2f})", flush=True)
    return report


def main():
    report = {
        "unit": "forward passes of as many images or points, in batches of eight",
        **measure_apart("VGG19", "VGG19", {}, "further"),
        "others": {name: measure_apart(name, *run)["ratios"] for name, run in OTHERS.items()},
        "versions": versions(),
    }
    write_atomically(OUTPUT, lambda file: file.write(json.dumps(report, indent=2).encode() + b"\n"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], "further" in sys.argv)))
    else:
        main()
