"""Files of pictures, and arrays of pixels."""

import numpy as np
from PIL import Image, PngImagePlugin

from tests.troubles import Trouble
from xai_utils import load_image
from xai_utils.checks import check_image, check_images
from xai_utils.embedded.scenes import make_context_crop
from xai_utils.images import photograph, read_image

TITLE = "Images"

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def load_saved(pixels, name, value_range=None, **options):
    """A function of a folder: save pixels there, and load them as an image."""

    def save_and_load(folder):
        Image.fromarray(pixels).save(folder / name, **options)
        load_image(folder / name, value_range)

    return save_and_load


def load_cut(folder):
    Image.fromarray(GREY).save(folder / "cut.png")
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:-30])
    load_image(folder / "cut.png")


def load_text(folder):
    (folder / "page.jpg").write_text("<!DOCTYPE html>")
    load_image(folder / "page.jpg")


def load_claim(folder, width, height):
    """A PNG of a few bytes whose header claims a size."""
    sizes = b"".join(n.to_bytes(4, "big") for n in (width, height))
    with open(folder / "claim.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        PngImagePlugin.putchunk(file, b"IHDR", sizes, b"\x08\x00\x00\x00\x00")
        PngImagePlugin.putchunk(file, b"IDAT", b"")
    load_image(folder / "claim.png")


def load_part(folder):
    """A TIFF whose header says a height of 250; its one strip has six rows."""
    Image.fromarray(GREY).save(folder / "part.tif")
    data = (folder / "part.tif").read_bytes()
    height = b"\x01\x01\x04\x00\x01\x00\x00\x00"  # the tag, its type and count
    (folder / "part.tif").write_bytes(data.replace(height + b"\x06", height + b"\xfa"))
    load_image(folder / "part.tif")


TROUBLES = [
    Trouble(
        "no image file and no sample image '…' (looked for '…'); the samples are: …",
        "There is no file with this path, and no sample has this name. A relative path begins at "
        "the folder where Python or papermill was started, in Jupyter at the notebook's; the "
        "message has the whole path that was tried.",
        "Give the whole path, or one of the samples.",
        lambda folder: load_image("dog.jpg"),
    ),
    Trouble(
        "no image file at '…' (looked for '…')",
        "`read_image` was given a path where there is no file, or a folder.",
        "Give the path of a file.",
        lambda folder: read_image(folder),
    ),
    Trouble(
        "an image is loaded by its path or by the name of a sample; given: …",
        "`load_image` was given something else, such as pixels.",
        "Pixels that are uint8 (H, W, 3) need no loading: use them as they are.",
        lambda folder: load_image(GREY),
    ),
    Trouble(
        "no photograph '…' in the packages …",
        "The sample photographs are files of scikit-image, scikit-learn and Matplotlib, and this "
        "file is in none of them.",
        "Install the versions in `requirements.txt`; other versions may ship other photographs.",
        lambda folder: photograph("dog.png"),
    ),
    Trouble(
        "cannot read '…' as an image: it begins with …, and is damaged or not one of …; save it as "
        "PNG or JPEG",
        "No image format is recognised. The first bytes often tell what the file is: "
        "`<!DOCTYPE html` is a web page that was downloaded in place of the image, "
        "`version https://git-lfs` a pointer to a file that Git LFS keeps elsewhere, `ftypheic` a "
        "photograph of a telephone in Apple's format. A TGA file has to be named `.tga`.",
        "Open the file in an image viewer and save it as PNG or JPEG; if no viewer shows it, get "
        "the file again.",
        load_text,
    ),
    Trouble(
        "cannot read '…' as an image: the file is damaged or incomplete (…: …); copy it again, or "
        "save it as PNG or JPEG",
        "The file is an image, and its pixels cannot be read to the end: part of a download or of "
        "a copy is missing, or some bytes have changed. Pixels that are missing are not made up.",
        "Get the file again. If a viewer shows it whole, save it from there.",
        load_cut,
    ),
    Trouble(
        "'…' has more pixels than the … that are read; shrink it in an image editor, or with: "
        "magick large.png -resize 2000x2000 small.png",
        "Larger images would need more than two gigabytes of memory. The limit is Pillow's, "
        "`PIL.Image.MAX_IMAGE_PIXELS`. A network sees a few hundred pixels in each direction, so "
        "nothing is lost by shrinking.",
        "Shrink the image, or cut out the part to be explained.",
        lambda folder: load_claim(folder, 14_000, 14_000),
    ),
    Trouble(
        "'…' claims … x … pixels in … bytes: it is damaged, or nearly all of one colour; if a "
        "viewer shows it, save it with fewer pixels",
        "The header of the file claims so many pixels that its few bytes cannot hold a picture of "
        "them. It is not decoded, because that would take much memory for nothing.",
        "Get the file again, or save it with fewer pixels.",
        lambda folder: load_claim(folder, 9_000, 9_000),
    ),
    Trouble(
        "'…' claims … x … pixels and has only a part of them; it is damaged, copy it again",
        "The strips or tiles of the file do not cover the picture; the rest would be black.",
        "Get the file again.",
        load_part,
    ),
    Trouble(
        "'…' holds values from … to … (…), and nothing says which are black and white: give them, "
        "as in load_image(path, value_range=(0, 4095)), or save it with 8 bits",
        "Pixels with more than 8 bits have no agreed scale, except integers of 16 bits without "
        "sign (65535 is white) and floats in [0, 1]. To guess the scale from the largest value "
        "would show some images too dark and others all white.",
        "Say which values are black and white with `value_range`; in a notebook, or with "
        "papermill, save the image with 8 bits first.",
        load_saved(GREY.astype(np.float32) * 80, "cells.tif"),
    ),
    Trouble(
        "'…' holds values that are not finite; replace them first",
        "Some pixels are NaN or infinite, often where a measurement has no value.",
        "Replace them with a number, for example the smallest one, and save the image again.",
        load_saved(np.full((4, 4), np.nan, np.float32), "gaps.tif"),
    ),
    Trouble(
        "value_range must be two numbers, black below white, as (0, 4095); given: …",
        "`value_range` was not a pair of finite numbers in ascending order.",
        "Give the value of black, then that of white.",
        load_saved(GREY.astype(np.float32), "cells.tif", (255, 0)),
    ),
    Trouble(
        "value_range is for integers of more than 8 bits and for floats; '…' has 8 bits, leave it "
        "out",
        "The scale of pixels with 8 bits is known: 255 is white.",
        "Leave `value_range` out.",
        load_saved(GREY, "grey.png", (0, 100)),
    ),
    Trouble(
        "value_range is for files; the sample '…' has 8 bits, leave it out",
        "The scale of the samples is known.",
        "Leave `value_range` out.",
        lambda folder: load_image("cat", (0, 100)),
    ),
    Trouble(
        "an image must be an array uint8 (H, W, 3); given: …; see load_image",
        "An image is not an array of pixels with three colours: a path, a grey image, one with "
        "transparency, an image of Pillow, or a tensor.",
        "Load a file with `load_image(path)`. Of a Pillow image, take "
        '`numpy.asarray(image.convert("RGB"))`; of a grey array, `numpy.dstack([grey] * 3)`.',
        lambda folder: check_image(GREY),
    ),
    Trouble(
        "an image must hold uint8 RGB values in [0, 255]; given: …; do not preprocess it, the "
        "classifier does",
        "The pixels are floats or other integers. Whether 1.0 is white or nearly black cannot be "
        "known, and a preprocessed image would be preprocessed twice.",
        "Give the pixels as they are in the file. Floats in [0, 1] become pixels by "
        "`(255 * image).round().astype(numpy.uint8)`.",
        lambda folder: check_image(np.zeros((4, 4, 3), np.float32)),
    ),
    Trouble(
        "images must be a sequence of images, as [image]; given: …",
        "In place of a list of images there was something else, such as a path or a generator.",
        "Give a list: `[image]`, or `list(generator)`.",
        lambda folder: check_images("cat.jpg"),
    ),
    Trouble(
        "images must be a sequence of images; for a single one write [image]",
        "One image was given where a list of images is expected.",
        "Write `[image]`.",
        lambda folder: check_images(np.zeros((4, 4, 3), np.uint8)),
    ),
    Trouble(
        "images is empty; give at least one image",
        "The list of images has no elements.",
        "Give at least one image.",
        lambda folder: check_images([]),
    ),
    Trouble(
        "no class '…'; the classes are: …",
        "A scene can only be made of the classes that `vgg19-mini` knows.",
        "Take one of the listed names.",
        lambda folder: make_context_crop((3, 1), "dog"),
    ),
]
