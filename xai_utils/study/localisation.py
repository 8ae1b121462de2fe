"""How much of each map lies on the object that it explains, and which differences are clear."""

import numpy as np

from xai_utils.gradients import ScoreGradients
from xai_utils.heatmaps import pointing_hit, share_inside
from xai_utils.methods import (
    grad_cam,
    grad_cam_plus,
    grad_cam_plus_plus,
    integrated_gradients,
    rsi_grad_cam,
)
from xai_utils.scores import SCORES
from xai_utils.study.verdicts import OPEN, in_comparisons
from xai_utils.style import PAIR_COLORS, SCORE_MARKERS

MEASURES = ("share inside", "pointing game", "prefers it")
METHODS = {
    "Grad-CAM": grad_cam,
    "Grad-CAM+": grad_cam_plus,
    "Grad-CAM++": grad_cam_plus_plus,
    "RSI-Grad-CAM": rsi_grad_cam,
    "Integrated Gradients": integrated_gradients,
}
SMALLEST = 0.005  # a difference below this is not clear, however sure it is
UNKNOWN = ("needs the sample classes", OPEN)


def explain_scenes(classifier, scenes, layer, steps):
    """`ScoreGradients` of every object of every scene, scene by scene, for its true class."""
    images = [s.image for s in scenes for _ in s.classes]
    names = [name for s in scenes for name in s.classes]
    return ScoreGradients(classifier, images, names, layer=layer, steps=steps)


def draw_map(method, gradients, score):
    """The map of a method in `METHODS`: float32 (N, h, w), for signed maps summed over colours."""
    maps = METHODS[method](gradients, score)
    return maps if maps.ndim == 3 else maps.sum(axis=-1)


def centred(shape):
    """A Gaussian in the middle, with a quarter of each side as its deviation: float64 (h, w)."""
    rows, columns = (np.exp(-8 * ((np.arange(n) + 0.5) / n - 0.5) ** 2) for n in shape)
    return rows[:, None] * columns


def measure_maps(heatmaps, scenes):
    """How well maps point at the objects of scenes.

    Parameters
    ----------
    heatmaps : sequence of ndarray, float (h, w)
        One for each object of each scene, scene by scene.
    scenes : list of Scene
        All with one object or all with two.

    Returns
    -------
    dict of ndarray, float (scenes,)
        "share inside" and "pointing game", and with two objects "prefers it": the mean over the
        objects of a scene, which are not independent. An empty map counts as 0.
    """
    masks = [m for s in scenes for m in s.masks]
    rows = [[share_inside(h, m), pointing_hit(h, m)] for h, m in zip(heatmaps, masks, strict=True)]
    if len(scenes[0].masks) == 2:
        others = [m for s in scenes for m in s.masks[::-1]]
        shares = [share_inside(h, m) for h, m in zip(heatmaps, others, strict=True)]
        rows = [[*row, row[0] > share] for row, share in zip(rows, shares, strict=True)]
    values = np.nan_to_num(rows).reshape(len(scenes), -1, len(rows[0])).mean(axis=1)
    return dict(zip(MEASURES, values.T, strict=False))


def clear_difference(difference):
    """Is the mean of paired differences beyond chance?

    Parameters
    ----------
    difference : ndarray, float (N,)
        One for each scene.

    Returns
    -------
    mean, error : float
        The mean and its standard error.
    sign : {-1, 0, 1}
        0 unless the mean is larger than `SMALLEST` and than three standard errors. Three is for
        many scenes; for few it grows, to keep the same level in Student's t distribution
        (Abramowitz and Stegun 1964, eq. 26.7.5), see `errors_allowed`.
    """
    mean, error = difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))
    bar = max(SMALLEST, errors_allowed(len(difference)) * error)
    return mean, error, int(np.sign(mean)) if abs(mean) > bar else 0


def errors_allowed(count):
    """Three standard errors, and a little more for few scenes: float."""
    nu = count - 1
    return 3 + 7.5 / nu + 17.25 / nu**2


def difference_marks(pairs):
    """How each difference of two scores is drawn: list of (name, Matplotlib's line properties)."""
    return [
        (
            f"{a} − {b}",
            {
                "color": PAIR_COLORS[frozenset((a, b))],
                "marker": SCORE_MARKERS[a],
                "markersize": 5,
                "linestyle": "",
            },
        )
        for a, b in pairs
    ]


class Measurements:
    """What was measured: a value for each kind of scene, method, score, measure and scene.

    Attributes
    ----------
    values : dict from (kind, method, score) to dict of ndarray
        From `measure_maps`. Empty for a network that does not know the classes of the scenes.
    """

    def __init__(self):
        self.values = {}

    @property
    def kinds(self):
        """The kinds of scenes, in order."""
        return list(dict.fromkeys(kind for kind, _, _ in self.values))

    def panels(self):
        """All pairs of kind and measure."""
        return [(k, name) for k in self.kinds for name in self.values[k, "Grad-CAM", "pre"]]

    def compare(self, kind, method, name, a, b):
        """`clear_difference` of two scores, a minus b."""
        first, second = (self.values[kind, method, s][name] for s in (a, b))
        return clear_difference(first - second)

    def signs(self, a, b, methods=METHODS, names=MEASURES):
        """The signs of all differences a minus b, of these methods and measures: list of int."""
        return [
            self.compare(kind, method, name, a, b)[2]
            for kind, name in self.panels() if name in names
            for method in methods
        ]  # fmt: skip

    def judge(self, a, b, methods=METHODS, names=MEASURES[:1]):
        """The verdict on the claim that one score is better than another.

        Returns
        -------
        evidence, verdict : str
            See `in_comparisons`.
        """
        signs = self.signs(a, b, methods, names)
        if not signs:
            return UNKNOWN
        better, worse = signs.count(1), signs.count(-1)
        where = f"better than {b} in {better}, worse in {worse} of {len(signs)}"
        evidence = f"{', '.join(names)}: {a} clearly {where}"
        return evidence, in_comparisons(better, worse, len(signs))

    def describe_means(self, kind, name):
        """The means with their standard errors: text, one line for each method."""
        lines = [f"{name}, {kind}".ljust(34) + "".join(f"{s:13}" for s in SCORES) + "scenes"]
        for method in METHODS:
            values = [self.values[kind, method, s][name] for s in SCORES]
            errors = [v.std(ddof=1) / np.sqrt(len(v)) for v in values]
            pairs = zip(values, errors, strict=True)
            row = "".join(f"{v.mean():.2f} ± {e:.2f}  " for v, e in pairs)
            lines.append(f"  {method:30}{row}{len(values[0]):6}")
        return "\n".join(lines)

    def describe_differences(self, kind, name, pairs):
        """Differences of scores, with standard errors and stars: text, one line for each method."""
        lines = [f"{name}, {kind}".ljust(30) + "".join(f"{f'{a} - {b}':17}" for a, b in pairs)]
        for method in METHODS:
            found = [self.compare(kind, method, name, a, b) for a, b in pairs]
            cells = [f"{round(m, 3) + 0.0:6.3f} ± {e:.3f}{'*' if s else ' '}" for m, e, s in found]
            lines.append(f"  {method:26}{'  '.join(cells)}")
        return "\n".join(line.rstrip() for line in lines)

    def draw_differences(self, ax, kind, name, pairs):
        """A forest plot of one measure: differences of scores, method by method.

        The interval is what a difference may be away from zero and not be clear; the mark is
        filled where it is clear.

        Parameters
        ----------
        ax : matplotlib Axes
        kind, name : str
        pairs : sequence of (str, str)
            Scores; the second is subtracted from the first.
        """
        step = 0.8 / len(pairs)
        for k, ((a, b), (_, style)) in enumerate(zip(pairs, difference_marks(pairs), strict=True)):
            for row, method in enumerate(METHODS):
                mean, error, sign = self.compare(kind, method, name, a, b)
                count = len(self.values[kind, method, a][name])
                filled = {"markerfacecolor": style["color"] if sign else "white"}
                reach = errors_allowed(count) * error
                ax.errorbar(
                    mean, row + step * (k - (len(pairs) - 1) / 2), xerr=reach, **style, **filled
                )
        ax.axvline(0, color="black", linewidth=1)
        ax.set_yticks(range(len(METHODS)), METHODS)
        counts = {len(self.values[kind, method, "pre"][name]) for method in METHODS}
        n = " and ".join(map(str, sorted(counts, reverse=True)))
        ax.set(xlabel=f"{name}, {kind} (n = {n})", ylim=(len(METHODS) - 0.5, -0.5))
        ax.grid(axis="x", alpha=0.3)
