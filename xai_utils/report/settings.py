"""What a report is made with: checked at once, and stored before anything is computed."""

from dataclasses import asdict, dataclass

from xai_utils.checks import check_choice, check_count, check_positive, list_names
from xai_utils.methods import POINT_METHODS, integrated_gradients, rsi_grad_cam
from xai_utils.scores import SCORES, ordered_scores

# where each needs the path: down to the layer, or to the pixels
PATH_METHODS = {
    "rsi_grad_cam": (rsi_grad_cam, "layer"),
    "integrated_gradients": (integrated_gradients, "pixels"),
}
METHODS = (*POINT_METHODS, *PATH_METHODS)

AUTOBASELINE = "autobaseline"
CROPS = ("none", "center")


@dataclass(frozen=True)
class Settings:
    """How each picture of a report is explained.

    Attributes
    ----------
    layer : str or None
        Where activations are read; None for the classifier's default.
    methods : tuple of str
        Of METHODS.
    scores : tuple of {"pre", "post", "log", "odds"}
    baseline : str
        One of `xai_utils.baselines.BASELINES`, "autobaseline", or the path of a picture.
    tolerance : float
        Of the completeness gap of the path methods.
    max_steps : int
        Intervals of a path at the most.
    crop : {"none", "center"}
        "none": the whole picture is resized to the network's input, as the paper's code does;
        "center": the largest part in the middle that has its proportions.
    seed : int
        Of the noise, if that is the baseline.
    """

    layer: str | None = None
    methods: tuple = METHODS
    scores: tuple = SCORES
    baseline: str = "black"
    tolerance: float = 0.05
    max_steps: int = 200
    crop: str = "none"
    seed: int = 0

    def __post_init__(self):
        methods = [self.methods] if isinstance(self.methods, str) else list(self.methods)
        for method in methods:
            check_choice("method", method, METHODS)
        if not methods:
            raise ValueError(f"methods is empty; give at least one of {list_names(METHODS)}")
        ordered = tuple(method for method in METHODS if method in methods)
        object.__setattr__(self, "methods", ordered)
        object.__setattr__(self, "scores", ordered_scores(self.scores))
        check_positive("tolerance", self.tolerance)
        check_count("max_steps", self.max_steps)
        check_choice("crop", self.crop, CROPS)

    @property
    def path_methods(self):
        """Those of the methods that need a path."""
        return [method for method in self.methods if method in PATH_METHODS]

    def record(self, classifier):
        """All that a report depends on beside its pictures, for a file: dict."""
        return {
            **asdict(self),
            "layer": self.layer or classifier.default_layer,
            "model": classifier.name,
            "preprocessing": classifier.preprocessing,
            "class_names": classifier.class_names,
            "weights_sha256": classifier.weights_sha256(),
        }
