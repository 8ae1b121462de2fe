"""What an explanation costs, in forward passes of the network it explains.

Full-size networks with random weights, on which the time does not depend. Every figure is a ratio
of two times taken in one run: the work, and plain forward passes of as many images in batches of
eight, measured just before and after it. Beside it stands the limit that processor and framework
set: a forward and two backward passes of the layers before the maps, and nothing else.

VGG19 is measured with the processor's instructions as they are, and with those up to AVX2. Peers
are measured if they are installed (``pip install tf-keras-vis saliency``). Prints a table, and
writes benchmarks/cost.json.
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


def explain(classifier, images, methods, steps=STEPS, scores=SCORES):
    """Some scores of some methods, from nothing."""
    gradients = xai_utils.ScoreGradients(
        classifier, images, [0] * len(images), steps=steps, scores=scores
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


def measure(network):
    """The report on one network, as a dictionary."""
    keras.utils.set_random_seed(0)
    build, preprocessing = NETWORKS[network]
    model = build()
    classifier = xai_utils.load_classifier(model, preprocessing)
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (BATCH, 224, 224, 3), dtype=np.uint8))
    forward = tf.function(lambda pixels: model(classifier.preprocess(pixels), training=False))
    pixels = classifier.pixels(images)

    def forward_seconds():
        """Of one image."""
        return seconds(lambda: forward(tf.constant(pixels)).numpy()) / BATCH

    works = {"limit for IG": (BATCH, limit(classifier, pixels))}
    for name, methods in METHODS.items():
        some = images if name == "Grad-CAM family" else images[:1]
        count = BATCH if name == "Grad-CAM family" else STEPS + 1
        works[name] = count, partial(explain, classifier, some, methods)
    alone = partial(explain, classifier, images[:1], METHODS["Integrated Gradients"])
    works["IG, the log-odds alone"] = STEPS + 1, partial(alone, scores=("odds",))
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
    one = statistics.median(forwards)
    by_steps = {
        name: {
            steps: seconds(partial(explain, classifier, images[:1], METHODS[name], steps)) / one
            for steps in MORE_STEPS
        }
        for name in ("RSI-Grad-CAM", "Integrated Gradients")
    }
    return {
        "forward_seconds_per_image": one,
        "ratios": ratios,
        "forwards_by_steps": by_steps,
        "first_call_extra_seconds": {
            name: first[name] - statistics.median(ratios[name]) * one * works[name][0]
            for name in METHODS
        },
    }


def measure_apart(name, network, environment):
    """The report of a process of its own: the instructions are chosen when TensorFlow starts."""
    run = subprocess.run(
        [sys.executable, __file__, network],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    report = json.loads(run.stdout)
    print(name)
    for work, values in report["ratios"].items():
        median, low, high = statistics.median(values), min(values), max(values)
        print(f"  {work:34} {median:6.2f}  ({low:.2f} to {high:.2f})", flush=True)
    return report


def main():
    report = {
        "unit": "forward passes of as many images or points, in batches of eight",
        **measure_apart("VGG19", "VGG19", {}),
        "others": {name: measure_apart(name, *run)["ratios"] for name, run in OTHERS.items()},
        "versions": versions(),
    }
    write_atomically(OUTPUT, lambda file: file.write(json.dumps(report, indent=2).encode() + b"\n"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
