"""How good ``vgg19-mini`` is, measured on scenes that it was not trained on."""

import numpy as np

from xai_utils.checks import check_choice
from xai_utils.embedded.scenes import make_scene

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
        "n"; for one object "accuracy", "p_above_0.999" and "p_is_1_in_float32" (shares of the
        scenes, of the true class's probability); for two objects "both_in_top_two" and
        "top_is_shown".
    """
    check_choice("test", test, TESTS)
    scenes = [make_scene((stream, index), **TESTS[test]) for index in range(size)]
    probabilities = classifier.probabilities([scene.image for scene in scenes])
    shown = [[classifier.class_index(name) for name in scene.classes] for scene in scenes]
    best = np.argsort(probabilities, axis=1)[:, ::-1]
    top_is_shown = np.mean([row[0] in classes for row, classes in zip(best, shown, strict=True)])
    if TESTS[test].get("objects") == 2:
        both = [set(row[:2]) == set(classes) for row, classes in zip(best, shown, strict=True)]
        return {"n": size, "both_in_top_two": np.mean(both), "top_is_shown": top_is_shown}
    true = probabilities[np.arange(size), np.ravel(shown)]
    return {
        "n": size,
        "accuracy": top_is_shown,
        "p_above_0.999": np.mean(true > 0.999),
        "p_is_1_in_float32": np.mean(true.astype(np.float32) == 1),
    }
