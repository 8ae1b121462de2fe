"""Which score should a heatmap explain? The package that the notebooks share."""

import os
import sys

from xai_utils.quiet import quiet_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "keras" not in sys.modules:
    os.environ["KERAS_BACKEND"] = "tensorflow"
with quiet_stderr():  # TensorFlow writes there on import, whatever its log level
    import keras
    import tensorflow  # noqa: F401

from xai_utils.checks import check_backend

check_backend(keras.config.backend())
# of a keras.json in the user's home
keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")

from xai_utils.classifier import Classifier
from xai_utils.diagram import softmax_score_diagram
from xai_utils.embedded.samples import load_image, load_scene
from xai_utils.figures import attribution_figure, heatmap_grid
from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import normalise, overlay, resize_heatmap
from xai_utils.loading import load_classifier
from xai_utils.methods import (
    completeness,
    describe_completeness,
    grad_cam,
    grad_cam_plus,
    grad_cam_plus_plus,
    integrated_gradients,
    rsi_grad_cam,
)
from xai_utils.parameters import check_parameters
from xai_utils.results import load_result, make_record, save_result
from xai_utils.style import save_figure, show

__all__ = [
    "Classifier",
    "ScoreGradients",
    "attribution_figure",
    "check_parameters",
    "completeness",
    "describe_completeness",
    "grad_cam",
    "grad_cam_plus",
    "grad_cam_plus_plus",
    "heatmap_grid",
    "integrated_gradients",
    "load_classifier",
    "load_image",
    "load_result",
    "load_scene",
    "make_record",
    "normalise",
    "overlay",
    "resize_heatmap",
    "rsi_grad_cam",
    "save_figure",
    "save_result",
    "show",
    "softmax_score_diagram",
]
