"""Scenes: photographs of one or two known objects, pasted onto photographed backgrounds.

Because an object is pasted, its outline is known to the pixel: where a heatmap *should* point
is a fact here, not a judgement. The same scenes train ``vgg19-mini`` and test it.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from xai_utils.checks import check_choice
from xai_utils.embedded.cutouts import (
    CLASS_NAMES,
    REGIONS,
    SIZE,
    bounding_box,
    cut_out,
    cut_texture,
    photograph_of,
)
from xai_utils.images import photograph

MIN_VISIBLE = 0.6  # of an object, in the frame and not covered by another


@dataclass(frozen=True)
class Scene:
    """An image and what is known about it.

    Attributes
    ----------
    image : ndarray, uint8 (224, 224, 3)
        RGB in [0, 255].
    classes : tuple of str
        The class of each object, one or two.
    masks : ndarray, bool (len(classes), 224, 224)
        The visible pixels of each object.
    """

    image: np.ndarray
    classes: tuple
    masks: np.ndarray


def make_scene(
    seed,
    objects=1,
    backgrounds="train",
    regions="train",
    distractor=False,
    classes=None,
    hidden=None,
):
    """A scene drawn at random, always the same one for the same arguments.

    Parameters
    ----------
    seed : int or sequence of int
        For example (stream, index).
    objects : {1, 2}
        How many objects to paste; two are of different classes and of similar size.
    backgrounds, regions : {"train", "held_out"}
        Which part of the photographs the background, and the coins and textures, come from.
    distractor : bool
        Also paste one small object of another class, which is not listed in the scene.
    classes : sequence of str, optional
        The classes to paste, in place of a random choice.
    hidden : int, optional
        The place of an object that is left out, as if it had never been there. All else is as in
        the scene with it, to the pixel; classes and masks are those of the scene with it.

    Returns
    -------
    Scene
    """
    rng = np.random.default_rng(seed)
    if classes is None:
        classes = [CLASS_NAMES[i] for i in rng.choice(len(CLASS_NAMES), objects, replace=False)]
    check_choice("object to hide", hidden, (None, *range(len(classes))))
    while True:
        canvas = make_background(rng, backgrounds)
        if distractor:
            other = rng.choice([name for name in CLASS_NAMES if name not in classes])
            canvas, _ = _paste(rng, canvas, *cut_out(rng, other, regions), rng.uniform(30, 60))
        sizes = _sizes(rng, len(classes))
        masks, visible = [], []
        for place, (name, size) in enumerate(zip(classes, sizes, strict=True)):
            patch, outline = cut_out(rng, name, regions)
            pasted, (mask, area) = _paste(rng, canvas, patch, outline, size)
            canvas = canvas if place == hidden else pasted
            masks = [earlier & ~mask for earlier in masks] + [mask]
            visible.append(area)
        if all(mask.sum() >= MIN_VISIBLE * area for mask, area in zip(masks, visible, strict=True)):
            return Scene(_add_noise(rng, canvas), tuple(classes), np.stack(masks))


def make_context_crop(seed, class_name):
    """A crop of the photograph that a class comes from: the object where it really stood.

    Parameters
    ----------
    seed : int or sequence of int
    class_name : str

    Returns
    -------
    ndarray, uint8 (224, 224, 3)
        RGB in [0, 255].
    """
    rng = np.random.default_rng(seed)
    if class_name in REGIONS["textures"]:
        patch = cut_texture(
            rng, REGIONS["textures"][class_name]["train"], photograph_of(class_name)
        )
    else:
        photo = photograph_of(class_name)
        x0, y0, x1, y1 = bounding_box(rng, class_name)
        height, width = photo.shape[:2]
        grow = rng.uniform(0, 1, 4)  # from the object's box (0) to the whole photograph (1)
        box = (x0 * (1 - grow[0]), y0 * (1 - grow[1]),
               x1 + (width - x1) * grow[2], y1 + (height - y1) * grow[3])  # fmt: skip
        patch = Image.fromarray(photo).crop([round(v) for v in box])
    patch = _jitter(rng, _flip(rng, patch)).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return _add_noise(rng, patch)


def _sizes(rng, objects):
    """The longest side of each object, in pixels."""
    if objects == 1:
        return [np.exp(rng.uniform(np.log(80), np.log(210)))]
    return rng.uniform(90, 145) * rng.uniform(0.85, 1.15, objects)


def make_background(rng, split):
    """A piece of a photograph without any of the objects, in other colours: PIL image, RGB.

    Parameters
    ----------
    rng : numpy.random.Generator
    split : {"train", "held_out"}
    """
    regions = REGIONS["backgrounds"][split]
    region = regions[rng.integers(len(regions))]
    x0, y0, x1, y1 = region["box"]
    side = rng.uniform(0.35, 1.0) * min(x1 - x0, y1 - y0)
    x, y = rng.uniform(x0, x1 - side), rng.uniform(y0, y1 - side)
    crop = Image.fromarray(photograph(region["photo"])).crop(
        [round(v) for v in (x, y, x + side, y + side)]
    )
    pixels = np.asarray(
        _flip(rng, crop.resize((SIZE, SIZE), Image.Resampling.BILINEAR)), np.float32
    )
    pixels = pixels[..., rng.permutation(3)]  # other colours: there are few backgrounds
    if np.ptp(pixels, axis=-1).max() == 0:  # a grey photograph: give it a tint
        pixels = pixels * rng.uniform(0.75, 1.15, 3)
    return _jitter(rng, Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))


def _flip(rng, image):
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image


def _jitter(rng, image):
    """Change brightness, contrast, saturation (30 %) and the gain of each channel (10 %)."""
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(rng.uniform(0.7, 1.3))
    pixels = np.asarray(image, np.float32) * rng.uniform(0.9, 1.1, 3)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _paste(rng, canvas, patch, outline, size):
    """Paste a patch, turned and resized; also its mask and the area it has when seen whole."""
    stretch = np.exp(rng.uniform(np.log(0.85), np.log(1.18)))
    width, height = patch.size[0] * stretch, patch.size[1] / stretch
    scale = size / max(width, height)
    shape = (max(2, round(width * scale)), max(2, round(height * scale)))
    patch = _jitter(rng, patch.resize(shape, Image.Resampling.BILINEAR))
    outline = outline.resize(shape, Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        patch, outline = (i.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for i in (patch, outline))
    angle = rng.uniform(-25, 25)
    patch = patch.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    outline = outline.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    edge = ImageFilter.GaussianBlur(rng.uniform(0.5, 2))
    x, y = (round(rng.uniform(-0.1 * side, SIZE - 0.9 * side)) for side in patch.size)
    alpha = Image.new("L", canvas.size)
    alpha.paste(outline, (x, y))
    pasted = canvas.copy()
    pasted.paste(patch, (x, y))
    # the blurred edge stays inside the outline, where the patch has true pixels
    soft = np.minimum(np.asarray(alpha.filter(edge)), np.asarray(alpha))
    canvas = Image.composite(pasted, canvas, Image.fromarray(soft))
    return canvas, (soft > 127, (np.asarray(outline) > 127).sum())


def _add_noise(rng, image):
    pixels = np.asarray(image, np.float32)
    if rng.random() < 0.3:
        pixels = pixels + rng.normal(0, rng.uniform(2, 10), pixels.shape)
    return np.clip(pixels, 0, 255).round().astype(np.uint8)
