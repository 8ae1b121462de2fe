"""Which score should a heatmap explain? The package that the notebooks share."""

import xai_utils.backend  # noqa: F401  TensorFlow is set up before anything else is imported
from xai_utils.loading import load_classifier
from xai_utils.embedded.samples import load_image, load_scene
from xai_utils.classifier import Classifier
from xai_utils.gradients import ScoreGradients
from xai_utils.methods import (
    grad_cam,
    grad_cam_plus,
    grad_cam_plus_plus,
    rsi_grad_cam,
    integrated_gradients,
)
from xai_utils.completeness_gap import completeness, describe_completeness
from xai_utils.heatmaps import normalise, resize_heatmap, overlay
from xai_utils.figures import attribution_figure, heatmap_grid
from xai_utils.diagram import softmax_score_diagram
from xai_utils.style import save_figure, show
from xai_utils.results import load_result, make_record, save_result
from xai_utils.parameters import check_parameters

# in the order in which one meets them
__all__ = [
    "load_classifier",
    "load_image",
    "load_scene",
    "Classifier",
    "ScoreGradients",
    "grad_cam",
    "grad_cam_plus",
    "grad_cam_plus_plus",
    "rsi_grad_cam",
    "integrated_gradients",
    "completeness",
    "describe_completeness",
    "normalise",
    "resize_heatmap",
    "overlay",
    "attribution_figure",
    "heatmap_grid",
    "softmax_score_diagram",
    "save_figure",
    "show",
    "make_record",
    "save_result",
    "load_result",
    "check_parameters",
]
