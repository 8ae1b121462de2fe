"""The images of the study, with what is known of them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from xai_utils.embedded.scenes import make_scene
from xai_utils.images import read_image, resize_image
from xai_utils.study.best.plan import EXPLAINED, SEED, STREAM, SURE, TILES
from xai_utils.study.best.truths import tile_masks

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
ATTEMPTS = 1000  # images that are tried for one mosaic,
TOGETHER = 8  # so many at once


@dataclass(frozen=True)
class Case:
    """An image, the classes to be explained in it, and the truth if it is known.

    Attributes
    ----------
    name : str
    image : ndarray, uint8 (H, W, 3)
    targets : tuple of int
    masks : ndarray, bool (targets, H, W), or None
        Where each class is; at the size of the network's input.
    without : tuple of ndarray, uint8 (H, W, 3)
        The image as it is without the object of each target.
    tiles : tuple of ndarray, uint8 (H, W, 3)
        What a mosaic is made of, each at its own size.
    """

    name: str
    image: np.ndarray
    targets: tuple
    masks: np.ndarray | None = None
    without: tuple = ()
    tiles: tuple = ()


class Source:
    """Images of which the class is known: scenes, or photographs in the order of their classes.

    Parameters
    ----------
    classifier : Classifier
    photographs : sequence of Path, optional
        One for each class of the network. Without them, scenes.
    """

    def __init__(self, classifier, photographs=()):
        self.classifier = classifier
        self.photographs = list(photographs)

    def draw(self, rng):
        """An image at random, and its class: ndarray, uint8 (H, W, 3) and int."""
        if self.photographs:
            number = int(rng.integers(len(self.photographs)))
            return read_image(self.photographs[number]), number
        scene = make_scene((STREAM, int(rng.integers(2**31))), backgrounds="held_out")
        return scene.image, self.classifier.class_index(scene.classes[0])

    def image(self, number):
        """The name and the image of a number; photographs come in an order drawn once."""
        if self.photographs:
            order = np.random.default_rng(SEED).permutation(len(self.photographs))
            path = self.photographs[order[number]]
            return path.stem, read_image(path)
        scene = make_scene((STREAM, 3, number), 1 + number % 2, backgrounds="held_out")
        return f"photo-{number}", scene.image


def make_case(kind, source, number):
    """A case, always the same one for the same arguments.

    Parameters
    ----------
    kind : {"one", "two", "mosaic", "difull", "photo"}
    source : Source
    number : int

    Returns
    -------
    Case
    """
    name = f"{kind}-{number}"
    if kind in ("one", "two"):
        return _scene_case(name, source.classifier, ("one", "two").index(kind) + 1, number)
    if kind == "photo":
        name, image = source.image(number)
        best = np.argsort(source.classifier.logits([image])[0])[::-1]
        return Case(name, image, tuple(int(i) for i in best[:2]))
    tiles, targets = draw_tiles(source, number)
    size = source.classifier.input_size
    masks = tile_masks(size, TILES)
    image = assemble(tiles, masks, size)
    explained = targets if kind == "difull" else targets[:EXPLAINED]
    return Case(name, image, explained, masks, tiles=tiles)


def _scene_case(name, classifier, objects, number):
    def scene(hidden=None):
        return make_scene((STREAM, objects, number), objects, "held_out", hidden=hidden)

    whole = scene()
    without = tuple(scene(place).image for place in range(objects)) if objects > 1 else ()
    targets = tuple(classifier.class_index(c) for c in whole.classes)
    return Case(name, whole.image, targets, whole.masks, without)


@cache
def draw_tiles(source, number):
    """Images of different classes that the network is sure of: tuple of images, tuple of int.

    Raises
    ------
    ValueError
        If it is sure of too few.
    """
    rng, found = np.random.default_rng((SEED, number)), {}
    for _ in range(ATTEMPTS // TOGETHER):
        drawn = [source.draw(rng) for _ in range(TOGETHER)]
        probabilities = source.classifier.probabilities([image for image, _ in drawn])
        for (image, target), y in zip(drawn, probabilities, strict=True):
            if target not in found and y.argmax() == target and y[target] >= SURE:
                found[target] = image
            if len(found) == TILES**2:
                return tuple(found.values()), tuple(found)
    raise ValueError(
        f"{source.classifier.name!r} is sure of only {len(found)} classes among {ATTEMPTS} images, "
        f"and a mosaic needs {TILES**2}: leave mosaics out, or use images that it was trained for"
    )


def assemble(tiles, masks, size):
    """A mosaic: each image, made smaller, in its tile; uint8 (*size, 3)."""
    image = np.zeros((*size, 3), np.uint8)
    for tile, mask in zip(tiles, masks, strict=True):
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        place = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        image[place] = resize_image(tile, len(rows), len(columns))
    return image


@cache
def find_photographs(folder):
    """The image files of a folder, sorted by name: tuple of Path.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in ENDINGS)
    if not paths:
        raise FileNotFoundError(
            f"no photographs in {str(folder)!r}; the study reads files that end in "
            f"{', '.join(ENDINGS)}, directly in that folder"
        )
    return tuple(paths)
