"""Objects cut out of the photographs that ship in wheels, along outlines that are known."""

import json
from functools import cache
from importlib import resources

import numpy as np
from PIL import Image, ImageDraw

from xai_utils.images import photograph

SIZE = 224  # pixels of a scene, VGG19's input

REGIONS = json.loads((resources.files(__package__) / "data" / "regions.json").read_text("utf-8"))
CLASS_NAMES = tuple(REGIONS["classes"])


def cut_out(rng, class_name, regions):
    """An object as it lies in its photograph: patch (RGB) and outline (L), of one size."""
    if class_name in REGIONS["textures"]:
        patch = cut_texture(
            rng, REGIONS["textures"][class_name][regions], photograph_of(class_name)
        )
        return patch, _blob(rng, patch.size, fill=0.95)
    if class_name in REGIONS["circles"]:
        patch, outline = _circle(
            class_name, rng.integers(len(REGIONS["circles"][class_name][regions])), regions
        )
    else:
        patch, outline = _polygon(class_name)
        if rng.random() < 0.3:  # a partial view
            blob = np.asarray(_blob(rng, patch.size, fill=rng.uniform(0.75, 0.95)))
            outline = Image.fromarray(np.minimum(np.asarray(outline), blob))
    return patch, outline


@cache
def outlined_photograph(class_name):
    """A photograph, and in it what an object covers: images (RGB and L) of one size.

    Parameters
    ----------
    class_name : str
        One of the keys of REGIONS["polygons"].
    """
    region = REGIONS["polygons"][class_name]
    photo = Image.fromarray(photograph(region["photo"]))
    outline = Image.new("L", photo.size)
    ImageDraw.Draw(outline).polygon([tuple(p) for p in region["polygon"]], fill=255)
    return photo, outline


@cache
def _polygon(class_name):
    photo, outline = outlined_photograph(class_name)
    points = np.array(REGIONS["polygons"][class_name]["polygon"])
    box = (*points.min(0).tolist(), *(points.max(0) + 1).tolist())
    return _shrink(photo.crop(box)), _shrink(outline.crop(box))


@cache
def _circle(class_name, index, regions):
    region = REGIONS["circles"][class_name]
    x, y, r = region[regions][index]
    patch = Image.fromarray(photograph(region["photo"])).crop((x - r, y - r, x + r + 1, y + r + 1))
    outline = Image.new("L", patch.size)
    ImageDraw.Draw(outline).ellipse((0, 0, 2 * r, 2 * r), fill=255)
    return patch, outline


def cut_texture(rng, region, photo):
    """A square piece of a photograph that is the same kind of thing everywhere."""
    x0, y0, x1, y1 = region["box"]
    lowest, highest = region["side"]
    side = round(np.exp(rng.uniform(np.log(lowest), np.log(highest))))
    x, y = rng.integers(x0, x1 - side + 1), rng.integers(y0, y1 - side + 1)
    return _shrink(Image.fromarray(photo[y : y + side, x : x + side]))


def _shrink(image, longest=2 * SIZE):
    """Large patches are made smaller once: later transformations cost less."""
    scale = min(1.0, longest / max(image.size))
    size = [max(1, round(v * scale)) for v in image.size]
    return image.resize(size, Image.Resampling.BILINEAR)


def _blob(rng, size, fill):
    """A smooth closed outline that fills about `fill` of the width and height."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = np.ones_like(angles)
    for k in (2, 3, 4, 5):
        radius += rng.normal(0, 0.18 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    radius *= fill / radius.max()
    width, height = size
    x = width / 2 * (1 + radius * np.cos(angles))
    y = height / 2 * (1 + radius * np.sin(angles))
    outline = Image.new("L", size)
    ImageDraw.Draw(outline).polygon(list(zip(x.tolist(), y.tolist(), strict=True)), fill=255)
    return outline


def photograph_of(class_name):
    """The photograph that shows a class: ndarray, uint8 (H, W, 3)."""
    for kind in ("polygons", "circles", "textures"):
        if class_name in REGIONS[kind]:
            return photograph(REGIONS[kind][class_name]["photo"])
    raise ValueError(f"no class {class_name!r}; the classes are: {', '.join(CLASS_NAMES)}")


def bounding_box(rng, class_name):
    """A box around an object in its photograph, in pixels: left, top, right, bottom."""
    if class_name in REGIONS["circles"]:
        x, y, r = rng.choice(REGIONS["circles"][class_name]["train"])
        return x - r, y - r, x + r, y + r
    points = np.array(REGIONS["polygons"][class_name]["polygon"])
    return *points.min(0), *points.max(0)
