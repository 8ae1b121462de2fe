"""Photographs: from a file to an array of RGB pixels."""

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# Photographs ship inside the wheels of these packages, so that nothing has to be downloaded.
PHOTOGRAPH_FOLDERS = {
    "skimage": "data",
    "sklearn": "datasets/images",
    "matplotlib": "mpl-data/sample_data",
}


def read_image(path):
    """Read an image file as RGB pixels, the way a viewer would show it.

    The orientation stored by cameras is applied, grey images are repeated in three channels,
    16-bit images are scaled to 8 bits, and transparent pixels are laid on white.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    ndarray, uint8 (H, W, 3)
        RGB in [0, 255].

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not an image that Pillow can read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no image file at {str(path)!r}")
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(
            f"cannot read {str(path)!r} as an image: {error}; use a PNG or JPEG file"
        ) from error
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_to_uint8(np.asarray(image), image.mode))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def _to_uint8(grey, mode):
    """Grey pixels of 16 bits (modes I;16 and I) or floats (F) as 8 bits."""
    if mode == "F":
        top = 1.0 if grey.max() <= 1 else 255.0
    else:
        top = 65535.0 if mode.startswith("I;16") or grey.max() > 255 else 255.0
    return np.clip(grey / top * 255.0, 0, 255).round().astype(np.uint8)


@cache
def photograph(filename):
    """One of the photographs that ship with scikit-image, scikit-learn and matplotlib.

    Parameters
    ----------
    filename : str
        For example ``"chelsea.png"``.

    Returns
    -------
    ndarray, uint8 (H, W, 3)
        RGB in [0, 255], read-only.
    """
    for package, folder in PHOTOGRAPH_FOLDERS.items():
        # find_spec locates a top-level package without paying for its import
        path = Path(importlib.util.find_spec(package).origin).parent / folder / filename
        if path.is_file():
            image = read_image(path)
            image.setflags(write=False)
            return image
    raise FileNotFoundError(
        f"no photograph {filename!r} in the packages {', '.join(PHOTOGRAPH_FOLDERS)}"
    )


def resize_image(image, height, width):
    """Resize an RGB image bilinearly, with the antialiasing that shrinking needs.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    height, width : int
        In pixels. The aspect ratio is not kept, as in ``keras.utils.load_img``.

    Returns
    -------
    ndarray, uint8 (height, width, 3)
    """
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)
