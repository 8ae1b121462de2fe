"""What the pictures of a report say together, and what to do with it."""

from dataclasses import dataclass

import numpy as np

from xai_utils.report.explain import most_evaluations
from xai_utils.report.settings import AUTOBASELINE, PATH_METHODS
from xai_utils.study.saturation import LOST_ABOVE
from xai_utils.style import METHOD_LABELS

DIFFERENT = 0.5  # a distance: at least half of the attribution lies elsewhere
EXAMPLES = 3
DECIDED = 0.5  # entropy below which a baseline is a decision
OFTEN = 0.05  # part of the pictures
NEUTRAL = (AUTOBASELINE, "blurred", "mean", "gray")  # baselines worth a try
OF_SIGMOIDS = (
    "This is for a network that was trained with a softmax. In two that were trained with "
    "independent sigmoids the maps of the logit (pre) lay better on the class; in one of which "
    "only the last layer was, they did not."
)


@dataclass(frozen=True)
class Summary:
    """Numbers about all pictures that were explained.

    Attributes
    ----------
    count, right, wrong : int
    log_odds : ndarray, float (count,)
    lost : int
        Pictures whose log-odds are above LOST_ABOVE.
    distances : ndarray, float
        Of the pictures that have one.
    different : int
        Of these, at or above DIFFERENT.
    ranked : list of dict
        Their rows, the largest distance first.
    by_method : dict of float
        The median distance for each method.
    incomplete, close : int
        Pictures with a gap above the tolerance; with two classes near each other.
    evaluations : float or None
        The median number of points of a picture's longest path.
    undecided : float or None
        The median entropy at the baseline.
    """

    count: int
    right: int
    wrong: int
    log_odds: np.ndarray
    lost: int
    distances: np.ndarray
    different: int
    ranked: list
    by_method: dict
    incomplete: int
    close: int
    evaluations: float | None
    undecided: float | None

    def examples(self):
        """Rows of most, median and least distance: dict of list."""
        middle = max(0, len(self.ranked) // 2 - EXAMPLES // 2)
        return {
            "Most": self.ranked[:EXAMPLES],
            "Median": self.ranked[middle : middle + EXAMPLES],
            "Least": self.ranked[-EXAMPLES:],
        }


def most_different_first(rows):
    """Rows with the largest distance first, without one after them, failed ones last: list.

    Ties are in the order of the names.
    """

    def rank(row):
        distance = row.get("distance")
        return row["outcome"] == "failed", distance is None, -(distance or 0), row["name"]

    return sorted(rows, key=rank)


def summarise(rows, settings):
    """The summary of those rows that did not fail.

    Parameters
    ----------
    rows : list of dict
    settings : dict
        As from `Settings.record`.

    Returns
    -------
    Summary
    """
    rows = [row for row in rows if row["outcome"] != "failed"]
    ranked = [row for row in most_different_first(rows) if row["distance"] is not None]
    log_odds = np.array([row["log_odds"] for row in rows])
    distances = np.array([row["distance"] for row in ranked])
    by_method = {}
    for method in settings["methods"]:
        known = [row["distances"].get(method) for row in ranked]
        known = [d for d in known if d is not None]
        if known:
            by_method[method] = float(np.median(known))
    evaluations = [most_evaluations(r["completeness"]) for r in rows if r["completeness"]]
    undecided = [r["baseline_undecided"] for r in rows if r["baseline_undecided"] is not None]
    return Summary(
        count=len(rows),
        right=sum(row["outcome"] == "right" for row in rows),
        wrong=sum(row["outcome"] == "wrong" for row in rows),
        log_odds=log_odds,
        lost=int((log_odds > LOST_ABOVE).sum()),
        distances=distances,
        different=int((distances >= DIFFERENT).sum()),
        ranked=ranked,
        by_method=by_method,
        incomplete=sum(_starts(row, "Incomplete") for row in rows),
        close=sum(_starts(row, "Close") for row in rows),
        evaluations=float(np.median(evaluations)) if evaluations else None,
        undecided=float(np.median(undecided)) if undecided else None,
    )


def _starts(row, word):
    return any(warning.startswith(word) for warning in row["warnings"])


def advise(summary, settings):
    """What to do now: which score for which method, and why.

    Parameters
    ----------
    summary : Summary
    settings : dict

    Returns
    -------
    list of (str, str)
        A paragraph, and the notebook with the evidence.
    """
    points = [METHOD_LABELS[m] for m in settings["methods"] if m not in PATH_METHODS]
    paths = [METHOD_LABELS[m] for m in settings["methods"] if m in PATH_METHODS]
    found = []
    if points:
        found.append(
            (f"{_join(points)}: take the log-odds (odds). {_why_odds(summary)}", "4b_saturation")
        )
        found.append((OF_SIGMOIDS, "8_what_is_best"))
    if summary.by_method:
        found.append((_what_pre_does(summary), "5_manipulated_maps"))
    if paths:
        found.append(
            (
                f"{_join(paths)}: take post for what moved the decision, and odds for what speaks "
                "for the class even after the decision is made. Along a path the two are different "
                f"questions, and neither vanishes. {_how_complete(summary, settings)}",
                "4a_one_map",
            )
        )
        found.append((_of_the_baseline(summary, settings), "methods/rsi_grad_cam"))
    if summary.close:
        found.append(
            (
                f"{_pictures(summary.close)} between two classes: there the difference of the "
                "two, in the last row of the maps, says what decided.",
                "4c_contrasts",
            )
        )
    return found


def _why_odds(summary):
    part = f"{summary.lost} of {_pictures(summary.count)}"
    same = "At a single point the gradients of post, log and odds have the same direction"
    if summary.lost:
        return (
            f"{same}, but through a softmax in 32 bits the maps of post would have been wrong for "
            f"{part} (log-odds above {LOST_ABOVE:.1f})."
        )
    top = f"; the largest log-odds are {summary.log_odds.max():.1f}" if summary.count else ""
    return (
        f"{same}; none of these pictures is so saturated that a softmax in 32 bits would have "
        f"lost it{top}, so post gives the same map here."
    )


def _what_pre_does(summary):
    share = f"{summary.different} of {_pictures(len(summary.distances))}"
    much = "matters" if summary.different > OFTEN * len(summary.distances) else "hardly matters"
    most = max(summary.by_method, key=summary.by_method.get)
    return (
        f"The choice between logit (pre) and log-odds {much} here: for {share} at least half of "
        f"the attribution lies elsewhere (median distance {np.median(summary.distances):.2f}; most "
        f"with {METHOD_LABELS[most]}, {summary.by_method[most]:.2f}). Where they "
        "differ, pre answers what raises this logit, though others may rise with it, and two "
        "networks with the same probabilities can have any two maps of pre."
    )


def _how_complete(summary, settings):
    tolerance = f"{settings['tolerance']:.0%}"
    if not summary.incomplete:
        return (
            f"All paths are complete to {tolerance}, with {summary.evaluations:.0f} evaluations of "
            "the network at the median."
        )
    return (
        f"For {_pictures(summary.incomplete)} a path is not complete to {tolerance}: raise "
        "--max-steps."
    )


def _of_the_baseline(summary, settings):
    name = settings["baseline"]
    if summary.undecided is None:
        return f"Paths begin at the baseline {name}."
    entropy = f"its entropy there is {summary.undecided:.2f} of the largest possible"
    if summary.undecided < DECIDED:
        others = [other for other in NEUTRAL if other != name]
        trained = ", although it was trained to be" if name == AUTOBASELINE else ""
        return (
            f"The baseline {name} is no neutral picture to this network{trained}: {entropy}. Try "
            f"--baseline {', '.join(others[:-1])} or {others[-1]}, and compare."
        )
    return f"At the baseline {name} the network is rather undecided: {entropy}."


def _pictures(count):
    return f"{count} picture" if count == 1 else f"{count} pictures"


def _join(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
