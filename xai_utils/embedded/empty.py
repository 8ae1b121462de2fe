"""Pictures that show none of the classes: a network should be neutral about them.

The baselines of the path methods are among them. A network that takes a black image for a coin
says little about a coin along a path from black.
"""

import numpy as np
from PIL import Image, ImageFilter

from xai_utils.checks import check_choice
from xai_utils.embedded.scenes import SIZE, make_background, make_scene


def make_empty(seed, kind, backgrounds="train"):
    """A picture with nothing to recognise, always the same one for the same arguments.

    Parameters
    ----------
    seed : int or sequence of int
        For example (stream, index).
    kind : str
        One of EMPTY_KINDS.
    backgrounds : {"train", "held_out"}
        Where the backgrounds, and those of the blurred scenes, come from.

    Returns
    -------
    ndarray, uint8 (224, 224, 3)
        RGB in [0, 255].
    """
    check_choice("kind of empty picture", kind, EMPTY_KINDS)
    pixels = np.asarray(EMPTY_KINDS[kind](np.random.default_rng(seed), backgrounds), float)
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def _flat(colour):
    return np.broadcast_to(np.asarray(colour, float), (SIZE, SIZE, 3))


def _black_grey_or_white(rng, _):
    """Half of them the baselines of the path methods, the others grey of any level."""
    return _flat(np.repeat(rng.choice([0, 128, 255, *rng.integers(0, 256, 3)]), 3))


def _colour(rng, _):
    return _flat(rng.uniform(0, 255, 3))


def _gradient(rng, _):
    """From one colour to another, across the picture at any angle."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    position = (x * np.cos(angle) + y * np.sin(angle))[..., None] / 2**1.5 + 0.5
    start, end = rng.uniform(0, 255, (2, 3))
    return start + position * (end - start)


def _noise(rng, _):
    """Around one colour, grey or coloured, from hardly visible to saturated."""
    noise = rng.normal(0, np.exp(rng.uniform(np.log(4), np.log(120))), (SIZE, SIZE, 3))
    if rng.random() < 0.5:
        noise = noise[..., :1]
    return rng.uniform(0, 255, 3) + noise


def _background(rng, backgrounds):
    return make_background(rng, backgrounds)


def _blurred_background(rng, backgrounds):
    return make_background(rng, backgrounds).filter(ImageFilter.GaussianBlur(rng.uniform(3, 20)))


def _blurred_scene(rng, backgrounds):
    """So strongly that an object of up to 210 pixels is a stain."""
    scene = make_scene(rng.integers(2**32, size=4), backgrounds=backgrounds)
    return Image.fromarray(scene.image).filter(ImageFilter.GaussianBlur(rng.uniform(25, 50)))


EMPTY_KINDS = {
    "black, grey, white": _black_grey_or_white,
    "uniform colours": _colour,
    "smooth gradients": _gradient,
    "noise": _noise,
    "bare backgrounds": _background,
    "blurred backgrounds": _blurred_background,
    "blurred scenes": _blurred_scene,
}
