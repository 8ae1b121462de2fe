"""The sample images, by name: whole photographs, and scenes with known objects."""

import os

from xai_utils.checks import check_choice
from xai_utils.embedded.scenes import make_scene
from xai_utils.images import absolute, photograph, read_image

PHOTOGRAPHS = {
    "cat": "chelsea.png",
    "cup": "coffee.png",
    "astronaut": "astronaut.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
    "dahlia": "flower.jpg",
    "coins": "coins.png",
    "galaxies": "hubble_deep_field.jpg",
    "retina": "retina.jpg",
    "pagoda": "china.jpg",
    "officer": "grace_hopper.jpg",
    "tissue": "ihc.png",
}

SCENE_STREAM = 7  # no scene of this stream was trained on

# The classes shown, and the index of a scene that shows them well; all on held-out backgrounds.
SCENES = {
    "cat_and_cup": (("cat", "cup"), 2),
    "astronaut_and_dahlia": (("astronaut", "dahlia"), 20),
    "motorcycle_and_coin": (("motorcycle", "coin"), 21),
    "officer_and_pagoda": (("officer", "pagoda"), 6),
    "cup_on_gravel": (("cup",), 13),
    "dahlia_on_gravel": (("dahlia",), 13),
}


def load_scene(name):
    """A sample scene: `Scene`, with image, classes and exact masks.

    Examples
    --------
    >>> scene = load_scene("cat_and_cup")
    >>> scene.classes, scene.masks.shape
    (('cat', 'cup'), (2, 224, 224))
    """
    check_choice("sample scene", name, SCENES)
    classes, index = SCENES[name]
    return make_scene((SCENE_STREAM, index), classes=classes, backgrounds="held_out")


def load_image(path_or_sample_name, value_range=None):
    """An image from a file, or a sample by its name.

    Parameters
    ----------
    path_or_sample_name : str or Path
        A path to an image file, or the name of a sample, photograph or scene, for example
        ``"cat"``. A file with the name of a sample is ``"./cat"``.
    value_range : (float, float), optional
        For a file with integers of more than 8 bits or with floats: the values that are black and
        white; see `read_image`.

    Returns
    -------
    ndarray, uint8 (H, W, 3)
        RGB in [0, 255].

    Raises
    ------
    TypeError
        If it is neither a name nor a path.
    FileNotFoundError
        If there is neither such a file nor such a sample.
    ValueError
        If the file cannot be read as an image; see `read_image`.

    Examples
    --------
    >>> load_image("cat").shape
    (300, 451, 3)
    """
    if not isinstance(path_or_sample_name, str | os.PathLike):
        raise TypeError(
            f"an image is loaded by its path or by the name of a sample; given: "
            f"{type(path_or_sample_name).__name__}"
        )
    name = os.fspath(path_or_sample_name)
    is_sample = name in PHOTOGRAPHS or name in SCENES
    if is_sample and value_range is not None:
        raise ValueError(f"value_range is for files; the sample {name!r} has 8 bits, leave it out")
    if name in PHOTOGRAPHS:
        return photograph(PHOTOGRAPHS[name])
    if name in SCENES:
        return load_scene(name).image
    if not os.path.isfile(os.path.expanduser(name)):
        raise FileNotFoundError(
            f"no image file and no sample image {name!r} (looked for {absolute(name)!r}); the "
            f"samples are: {', '.join([*PHOTOGRAPHS, *SCENES])}"
        )
    return read_image(name, value_range)
