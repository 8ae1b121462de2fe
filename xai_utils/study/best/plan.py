"""What is run, and what would matter: the numbers of `notebooks/8_plan.md`, for the code.

A test holds the two together.
"""

import os
from typing import NamedTuple

PLANNED_SEED = 13


def read_seed(text):
    """The seed that a run is asked for, int.

    Raises
    ------
    ValueError
        If it is no number, or its scenes are those of training, tests or samples.
    """
    if not text.isdecimal() or int(text) < PLANNED_SEED:
        raise ValueError(
            f"STUDY_SEED is {text!r}; a whole number from {PLANNED_SEED} is needed: the scenes of "
            "smaller ones are seen in training, in tests, or as samples"
        )
    return int(text)


# Of cases, floors, ties and resampling; another one repeats the study with other images
SEED = read_seed(os.environ.get("STUDY_SEED", str(PLANNED_SEED)))
STREAM = SEED  # of the scenes

# Of the log-odds of the class that is explained; the same bins everywhere
BIN_EDGES = (0.0, 2.0, 5.0, 10.0)
BINS = ("below 0", "0 to 2", "2 to 5", "5 to 10", "above 10")

SURE = 0.9  # probability of its class from which an image becomes a tile of a mosaic
TILES = 2  # along each side
EXPLAINED = 2  # of its classes

# Layers at which each kind of network is read, the primary one first
VGG_LAYERS = ("block5_pool", "block5_conv4", "block4_pool")
LAYERS = {
    "vgg19-mini": VGG_LAYERS,
    "vgg19": VGG_LAYERS,
    "efficientnet-lite0": ("top_activation", "block7a_project_bn", "block5c_add"),
    "efficientnet-lite1": ("top_activation",),
    "efficientnet-lite2": ("top_activation",),
    "softmax-head": ("top_activation",),  # by notebooks/8_plan_heads.md
    "sigmoid-head": ("top_activation",),
}
TEMPERATURES = (0.5, 2.0, 4.0)  # factors of all logits; 1 is the network itself
TRAININGS = "notebooks/trainings"  # folder of weights files of other trainings of vgg19-mini

# The smallest difference between two scores that matters
MARGINS = {
    "share inside": 0.02,
    "pointing": 0.03,
    "prefers it": 0.03,
    "grid pointing": 0.03,
    "grid pointing, unreachable": 0.03,
    "effect rank": 0.03,
    "effect scale": 0.02,
    "signed scale": 0.02,
    "deletion": 0.02,
    "insertion": 0.02,
    "average drop": 0.02,
    "relative": 0.02,
    "class sensitivity": 0.02,
    "randomised head": 0.02,
    "invariance": 0.02,
    "naive rounding": 0.02,
}
# Those that no output judges
PRIMARY = ("effect rank", "effect scale", "share inside", "grid pointing")
JUDGED = ("deletion", "insertion", "average drop", "relative")
# Of no question: whether a map is nonsense. The last is of Grad-CAM of the probability alone
SANITY = ("class sensitivity", "randomised head", "invariance", "naive rounding")
NAIVE = SANITY[-1]
WRONG_BELOW = 0.9  # the correlation with the exact map below which a naive one is wrong

# What a reader of a map may want to know: the measures that answer it
QUESTIONS = {
    "Where is the class in the image?": ("share inside", "grid pointing"),
    "Which object has which effect?": ("effect rank", "effect scale"),
    "What can be taken away, or is enough?": ("deletion", "insertion"),
}


class Paths(NamedTuple):
    """Which images the path methods are run on, and with what points, see `ScoreGradients`."""

    count: int  # the first ones
    steps: int
    tolerance: float | None
    max_steps: int


class Scale(NamedTuple):
    """How much is run.

    Attributes
    ----------
    images : dict of dict of int
        By the role of a network, and by kind, at its primary layer. Roles: "network"; "copy", with
        other logits; "training", another one of vgg19-mini.
    further : dict of int
        By kind, at the further layers of a "network", where no path method is run.
    paths, pixels : dict of dict of int
        By role and kind, the first images for which RSI-Grad-CAM is run too at the primary layer,
        and Integrated Gradients at the pixels.
    sanity : int
        The first images of which the maps are also tried for sanity, at the primary layer: of one
        object, and mosaics for networks that are not shown scenes.
    shard : int
        Images in one shard.
    steps : int
    tolerance : float or None
    max_steps : int
        Of the paths, see `ScoreGradients`.
    networks : tuple of str
        Those that are not there are left out, and named.
    """

    images: dict
    further: dict
    paths: dict
    pixels: dict
    sanity: int
    shard: int
    steps: int
    tolerance: float | None
    max_steps: int
    networks: tuple

    def count(self, role, kind, place):
        """How many images of a kind are measured at a place, and for how many with paths.

        Parameters
        ----------
        role, kind : str
        place : {"primary", "further", "pixels"}

        Returns
        -------
        int, int
        """
        if place == "further":
            return (self.further.get(kind, 0) if role == "network" else 0), 0
        images, paths = {
            "primary": (self.images, self.paths),
            "pixels": (self.pixels, self.pixels),
        }[place]
        return images[role].get(kind, 0), paths[role].get(kind, 0)


SCALED = tuple(f"vgg19-mini@{factor:g}" for factor in TEMPERATURES)
FULL = Scale(
    images={
        "network": {"one": 500, "two": 500, "mosaic": 400, "difull": 400, "photo": 40},
        "copy": {"one": 100, "two": 100, "mosaic": 200},
        "training": {"one": 200, "two": 200, "mosaic": 200},
    },
    further={"one": 100, "two": 100, "mosaic": 200},
    paths={
        "network": {"one": 40, "two": 40, "mosaic": 40, "photo": 10},
        "copy": {"two": 10, "mosaic": 10},
        "training": {"two": 10, "mosaic": 10},
    },
    pixels={
        "network": {"one": 16, "two": 16, "mosaic": 16, "photo": 6},
        "copy": {},
        "training": {},
    },
    sanity=100,
    shard=100,
    steps=50,
    tolerance=0.01,
    max_steps=200,
    networks=("vgg19-mini", *SCALED, "trainings", "efficientnet-lite0", "vgg19"),
)
SMALL = Scale(
    images={
        "network": {"one": 6, "two": 6, "mosaic": 4, "difull": 4, "photo": 1},
        "copy": {"mosaic": 4},
    },
    further={},
    paths={"network": dict.fromkeys(("one", "two", "mosaic", "photo"), 1), "copy": {}},
    pixels={"network": dict.fromkeys(("one", "two", "mosaic", "photo"), 1), "copy": {}},
    sanity=4,
    shard=6,
    steps=8,
    tolerance=None,
    max_steps=8,
    networks=("vgg19-mini", "vgg19-mini@4"),
)
# By notebooks/8_plan_others.md: networks of which nothing was known
OTHERS = Scale(
    images={"network": {"mosaic": 200}},
    further={},
    paths={"network": {}},
    pixels={"network": {}},
    sanity=0,
    shard=50,
    steps=FULL.steps,
    tolerance=FULL.tolerance,
    max_steps=FULL.max_steps,
    networks=("efficientnet-lite1", "efficientnet-lite2"),
)
