"""What ``vgg19-mini`` is trained on: images of one object, of two, and of nothing."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from xai_utils.checks import check_choice
from xai_utils.embedded.empty import EMPTY_KINDS, make_empty
from xai_utils.embedded.scenes import CLASS_NAMES, make_context_crop, make_scene

KINDS = ("single", "double", "empty")
SIZES = {"single": 9600, "double": 2400, "empty": 1371}  # images
TRAINING_STREAM = 0  # scenes are seeded by (stream, kind, index): tests use other streams


def training_example(index, kind):
    """One training image and its target distribution.

    Of the images of one object, one in five is a crop of the class's own photograph, and one in
    five has a small distractor. The target of two objects is one half for each, that of an empty
    picture the same for all classes.

    Parameters
    ----------
    index : int
    kind : {"single", "double", "empty"}

    Returns
    -------
    image : ndarray, uint8 (224, 224, 3)
    target : ndarray, float32 (12,)
    """
    check_choice("kind of training example", kind, KINDS)
    seed = (TRAINING_STREAM, KINDS.index(kind) + 1, index)
    luck = np.random.default_rng((*seed, 1)).random()
    names = CLASS_NAMES
    if kind == "empty":
        image = make_empty(seed, list(EMPTY_KINDS)[index % len(EMPTY_KINDS)])
    elif kind == "single" and luck < 0.2:
        names = (CLASS_NAMES[index % len(CLASS_NAMES)],)
        image = make_context_crop(seed, *names)
    else:
        objects = KINDS.index(kind) + 1
        scene = make_scene(seed, objects, distractor=kind == "single" and luck < 0.4)
        image, names = scene.image, scene.classes
    target = np.zeros(len(CLASS_NAMES), np.float32)
    target[[CLASS_NAMES.index(name) for name in names]] = 1 / len(names)
    return image, target


def training_set(sizes, processes=2):
    """The first training examples of each kind; the same ones for any number of processes.

    Parameters
    ----------
    sizes : dict
        How many of each of "single", "double" and "empty".
    processes : int

    Returns
    -------
    dict
        For each kind, images uint8 (size, 224, 224, 3) and targets float32 (size, 12).
    """
    data = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for kind, size in sizes.items():
            examples = pool.map(training_example, range(size), [kind] * size, chunksize=50)
            images, targets = zip(*examples, strict=True)
            data[kind] = np.stack(images), np.stack(targets)
    return data
