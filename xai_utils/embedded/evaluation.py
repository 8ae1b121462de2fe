"""How good ``vgg19-mini`` is, measured on scenes that it was not trained on."""

import numpy as np

from xai_utils.baselines import PLAIN
from xai_utils.checks import check_choice
from xai_utils.classifier import softmax
from xai_utils.embedded.empty import EMPTY_KINDS, make_empty
from xai_utils.embedded.scenes import SIZE, make_scene
from xai_utils.scores import logit_and_log_odds
from xai_utils.study.localisation import centred, draw_map, explain_scenes, measure_maps

TEST_STREAM = 1  # scenes are seeded by (stream, index); training uses stream 0

# What differs from the training scenes. The pasted photographs of eight classes are always the
# training ones. Of the textures, parts were held out altogether; a row of coins was never pasted,
# but crops of the whole photograph of coins show it.
TESTS = {
    "fresh scenes": {},
    "held-out backgrounds": {"backgrounds": "held_out"},
    "held-out backgrounds and regions": {"backgrounds": "held_out", "regions": "held_out"},
    "two objects, held-out backgrounds": {"backgrounds": "held_out", "objects": 2},
}


def evaluate(classifier, test, size, stream=TEST_STREAM):
    """Accuracy and confidence on fresh scenes.

    Parameters
    ----------
    classifier : Classifier
        With the class names of the scenes.
    test : str
        One of TESTS.
    size : int
        How many scenes.
    stream : int
        Other streams give other scenes.

    Returns
    -------
    dict
        "n"; for one object "accuracy", "p_above_0.999" and "log_odds_above_17" (shares of the
        scenes, of the true class; from a log-odds of 17 on, float32 has nothing left of 1 - p);
        for two objects "both_in_top_two" and "top_is_shown".
    """
    check_choice("test", test, TESTS)
    scenes = [make_scene((stream, index), **TESTS[test]) for index in range(size)]
    logits = classifier.logits([scene.image for scene in scenes])
    shown = [[classifier.class_index(name) for name in scene.classes] for scene in scenes]
    best = np.argsort(logits, axis=1)[:, ::-1]
    top_is_shown = np.mean([row[0] in classes for row, classes in zip(best, shown, strict=True)])
    if TESTS[test].get("objects") == 2:
        both = [set(row[:2]) == set(classes) for row, classes in zip(best, shown, strict=True)]
        return {"n": size, "both_in_top_two": np.mean(both), "top_is_shown": top_is_shown}
    odds = logit_and_log_odds(logits.astype(np.float64), np.ravel(shown))[1].numpy()
    return {
        "n": size,
        "accuracy": top_is_shown,
        "p_above_0.999": np.mean(odds > np.log(999)),
        "log_odds_above_17": np.mean(odds > 17),
    }


MAPS = (("Grad-CAM", "pre"), ("Grad-CAM", "post"), ("RSI-Grad-CAM", "post"))


def evaluate_maps(classifier, size, layer="block5_pool", steps=50, stream=TEST_STREAM):
    """How much of the maps of the true class lies on the object, on held-out backgrounds.

    Parameters
    ----------
    classifier : Classifier
        With the class names of the scenes.
    size : int
        How many scenes, with one object each.
    layer : str
    steps : int
        Of the paths of RSI-Grad-CAM.
    stream : int

    Returns
    -------
    dict of dict
        For each of MAPS, and for an even map ("chance") and a Gaussian in the middle with a
        standard deviation of a quarter of the image: "n", "share_inside" and "pointing_game".
    """
    options = TESTS["held-out backgrounds"]
    scenes = [make_scene((stream, index), **options) for index in range(size)]
    gradients = explain_scenes(classifier, scenes, layer, steps)
    maps = {f"{method}, {score}": draw_map(method, gradients, score) for method, score in MAPS}
    maps["chance"] = [np.ones((SIZE, SIZE))] * size
    maps["Gaussian in the middle"] = [centred((SIZE, SIZE))] * size
    results = {}
    for name, drawn in maps.items():
        share, pointing = measure_maps(drawn, scenes).values()
        results[name] = {"n": size, "share_inside": share.mean(), "pointing_game": pointing.mean()}
    return results


def evaluate_neutrality(classifier, size, stream=TEST_STREAM):
    """How sure the network is of pictures that show nothing.

    Parameters
    ----------
    classifier : Classifier
    size : int
        How many pictures of each kind, with held-out backgrounds; of the baselines, black, gray
        and white, there is one of each.
    stream : int

    Returns
    -------
    dict of dict
        For the "baselines" and each of EMPTY_KINDS: "n", "largest_p" and "mean_p", of the largest
        probability, and "logit_spread", the mean standard deviation over the classes.
    """
    pictures = {"baselines": [np.full((SIZE, SIZE, 3), v, np.uint8) for v in PLAIN.values()]}
    for kind in EMPTY_KINDS:
        seeds = [(stream, index) for index in range(size)]
        pictures[kind] = [make_empty(seed, kind, backgrounds="held_out") for seed in seeds]
    results = {}
    for kind, images in pictures.items():
        logits = classifier.logits(images).astype(np.float64)
        largest = softmax(logits).max(axis=1)
        results[kind] = {
            "n": len(images),
            "largest_p": largest.max(),
            "mean_p": largest.mean(),
            "logit_spread": logits.std(axis=1).mean(),
        }
    return results
