"""The sample images, by name: whole photographs, and scenes with known objects."""

from pathlib import Path

from xai_utils.checks import check_choice
from xai_utils.images import photograph, read_image
from xai_utils.scenes import make_scene

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
    "astronaut_and_dahlia": (("astronaut", "dahlia"), 2),
    "motorcycle_and_coin": (("motorcycle", "coin"), 11),
    "officer_and_pagoda": (("officer", "pagoda"), 2),
    "cup_on_gravel": (("cup",), 13),
    "dahlia_on_gravel": (("dahlia",), 13),
}


def load_scene(name):
    """A sample scene: `Scene`, with image, classes and exact masks."""
    check_choice("sample scene", name, SCENES)
    classes, index = SCENES[name]
    return make_scene((SCENE_STREAM, index), classes=classes, backgrounds="held_out")


def load_image(path_or_sample_name):
    """An image from a file, or a sample by its name.

    Parameters
    ----------
    path_or_sample_name : str or Path
        A path to an image file, or a name in PHOTOGRAPHS or SCENES, for example ``"cat"``.

    Returns
    -------
    ndarray, uint8 (H, W, 3)
        RGB in [0, 255].

    Raises
    ------
    FileNotFoundError
        If there is neither such a file nor such a sample.
    ValueError
        If the file is not an image.
    """
    name = str(path_or_sample_name)
    if name in PHOTOGRAPHS:
        return photograph(PHOTOGRAPHS[name])
    if name in SCENES:
        return load_scene(name).image
    if not Path(name).is_file():
        raise FileNotFoundError(
            f"no image file and no sample image {name!r}; the samples are: "
            f"{', '.join([*PHOTOGRAPHS, *SCENES])}"
        )
    return read_image(name)
