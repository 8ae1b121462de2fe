"""What is to be made: heatmaps, figures and executed notebooks, in results/."""

from itertools import chain, product

METHODS = [
    "grad_cam",
    "grad_cam_plus",
    "grad_cam_plus_plus",
    "rsi_grad_cam",
    "integrated_gradients",
]
# equal ones: where an adaptive path has its points hangs on last digits
PATH_METHODS, STEPS = ("rsi_grad_cam", "integrated_gradients"), 300
SCORES = ["pre", "post", "log", "odds"]

# folder in results/: (image, target class)
PICTURES = {
    "cat": ("cat", "cat"),
    "cat_and_cup-cat": ("cat_and_cup", "cat"),
    "cat_and_cup-cup": ("cat_and_cup", "cup"),
}
FIGURES = [
    "figure_2",
    "figure_2_extended",
    "figure_2_imagenet",
    "figure_2_cat_and_cup-cat",
    "figure_2_cat_and_cup-cup",
]
# notebook: the figures that it draws
PAPER = {
    "index": ["figure_1"],
    "1_softmax_gradients": ["softmax_jacobian"],
    "2_detecting_a_class": ["two_networks_one_function", "shared_gradient"],
    "3_loss": ["gradient_of_the_loss"],
    "4a_one_map": ["vanishing_maxima", "path_weights"],
    "4b_saturation": ["wrong_at_saturation", "saturation_curves"],
    "4c_contrasts": ["contrasts", "rivals"],
    "5_manipulated_maps": [
        "manipulated_by_a_corner",
        "drawn_patterns",
        "manipulated_maps",
        "manipulated_path_methods",
        "how_large_k_can_grow",
        "same_outputs",
    ],
    "6_discussion": ["localisation"],
    "7_cost": ["cost", "adaptive_path", "gap_against_evaluations"],
}


def heatmaps():
    """Names of the heatmaps and their records: "picture/method-score"."""
    return [f"{p}/{m}-{s}" for p, m, s in product(PICTURES, METHODS, SCORES)]


def figures():
    """Names of the figures."""
    return sorted([*FIGURES, *chain.from_iterable(PAPER.values())])


def notebooks():
    """Names of the executed notebooks, without those of single heatmaps."""
    return sorted([*PAPER, *(["figure_2"] if FIGURES else [])])
