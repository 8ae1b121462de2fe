"""What a reader has to know before believing the maps of a picture."""

import numpy as np

from xai_utils.completeness_gap import describe_gap
from xai_utils.heatmaps import describe_emptiness
from xai_utils.report.explain import worst_gap
from xai_utils.study.saturation import LOST_ABOVE

CLOSE = 0.1  # of probability, between the first two classes
ABSENT = 0.01  # probability of an expected class that the network does not see
SMALL = 0.5  # of the network's input, along one side
STRETCHED = 2  # times wider or higher than the network's input is

METHODS_AND_SCORES = 6  # names in one sentence


def find_caveats(record, maps, settings, classifier):
    """Warnings about one picture, each with what can be done.

    Parameters
    ----------
    record, maps
        As from `explain_image`.
    settings : Settings
    classifier : Classifier

    Returns
    -------
    list of str
    """
    return [
        *_of_the_picture(record, *classifier.input_size),
        *_of_the_output(record),
        *_of_the_maps(maps),
        *_of_the_paths(record["completeness"], settings),
    ]


def _of_the_picture(record, height, width):
    size = f"{record['width']} x {record['height']} pixels"
    scale = min(record["height"] / height, record["width"] / width)
    if scale < SMALL:
        yield (
            f"Small: {size} are enlarged to {width} x {height}, and the network sees blur; take a "
            "larger picture."
        )
    stretch = record["width"] / record["height"] / (width / height)
    if not 1 / STRETCHED < stretch < STRETCHED:
        yield (
            f"Stretched: {size} are pressed into {width} x {height}, and shapes change; use "
            "--crop center, or cut out the object."
        )


def _of_the_output(record):
    if record["log_odds"] > LOST_ABOVE:
        yield (
            f"Saturated: the log-odds are {record['log_odds']:.1f}. The gradient of the "
            "probability is next to nothing, and through a softmax in 32 bits it would be wrong; "
            "take the map of the log-odds (--scores odds)."
        )
    if record["margin"] < CLOSE:
        yield (
            f"Close: {record['predicted']} ({record['probability']:.2f}) and {record['runner_up']} "
            f"are within {CLOSE} of each other; look at the difference of the two classes, in the "
            "last row of the maps."
        )
    if record.get("outcome") == "wrong" and record["rival_probability"] < ABSENT:
        yield (
            f"Absent: the network gives {record['rival']}, which is expected, a probability below "
            f"{ABSENT}; its map says where that little comes from, not where the object is. See "
            f"what the map of {record['predicted']} lies on, and check the expected class."
        )
    if record.get("label_problem"):
        yield (
            f"Unknown class: {record['label_problem']}; correct it in the table of classes, or "
            "remove its row."
        )


def _of_the_maps(maps):
    names = {}
    for name, heatmap in maps.items():
        for sentence in describe_emptiness(heatmap):
            names.setdefault(sentence, []).append(name.replace("-", " "))
    for sentence, some in names.items():
        listed = ", ".join(some[:METHODS_AND_SCORES])
        more = (
            f" and {len(some) - METHODS_AND_SCORES} more" if len(some) > METHODS_AND_SCORES else ""
        )
        yield f"{listed}{more}: {sentence}"


def _of_the_paths(balances, settings):
    gaps = {name: worst_gap({name: balance}) for name, balance in balances.items()}
    above = {name: gap for name, gap in gaps.items() if gap > settings.tolerance}
    if above:
        worst = max(above, key=above.get)
        gap = describe_gap(above[worst]) if np.isfinite(above[worst]) else "infinite"
        yield (
            f"Incomplete: the gap of {worst.replace('-', ' ')} is up to {gap}, and of "
            f"{len(above)} maps above {settings.tolerance:g}; raise --max-steps above "
            f"{settings.max_steps}, or begin at another --baseline."
        )
