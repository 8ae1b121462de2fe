"""What is run, and what would matter: the numbers of `notebooks/8_plan.md`, for the code.

A test holds the two together.
"""

from typing import NamedTuple

SEED = 13  # of cases, floors, ties and resampling
STREAM = 13  # of the scenes; training, tests and samples use others

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
}
TEMPERATURES = (0.5, 2.0, 4.0)  # factors of all logits; 1 is the network itself
TRAININGS = "results/trainings"  # folder of weights files of other trainings of vgg19-mini

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
}
# Those that no output judges
PRIMARY = ("effect rank", "effect scale", "share inside", "grid pointing")
JUDGED = ("deletion", "insertion", "average drop", "relative")

# What a reader of a map may want to know: the measures that answer it
QUESTIONS = {
    "Where is the class in the image?": ("share inside", "grid pointing"),
    "Which object has which effect?": ("effect rank", "effect scale"),
    "What can be taken away, or is enough?": ("deletion", "insertion"),
}


class Scale(NamedTuple):
    """How much is run.

    Attributes
    ----------
    images : dict of str to int
        Of each kind.
    shard : int
        Images in one shard.
    paths : int
        Of each kind, the first images for which the path methods are run too.
    steps : int
    tolerance : float or None
    max_steps : int
        Of the paths, see `ScoreGradients`.
    networks : tuple of str
        Those that are not there are left out, and named.
    layers : int
        Of each network, and the pixels for Integrated Gradients; copies with other logits are read
        at the first.
    """

    images: dict
    shard: int
    paths: int
    steps: int
    tolerance: float | None
    max_steps: int
    networks: tuple
    layers: int


SCALED = tuple(f"vgg19-mini@{factor:g}" for factor in TEMPERATURES)
FULL = Scale(
    images={"one": 500, "two": 500, "mosaic": 400, "difull": 400, "photo": 60},
    shard=40,
    paths=80,
    steps=50,
    tolerance=0.01,
    max_steps=200,
    networks=("vgg19-mini", *SCALED, "trainings", "efficientnet-lite0", "vgg19"),
    layers=3,
)
SMALL = Scale(
    images={"one": 6, "two": 6, "mosaic": 4, "difull": 4, "photo": 4},
    shard=6,
    paths=2,
    steps=8,
    tolerance=None,
    max_steps=8,
    networks=("vgg19-mini", "vgg19-mini@4"),
    layers=1,
)
