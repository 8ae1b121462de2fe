"""Photographs: from a file to an array of RGB pixels."""

import importlib.util
import logging
import os
import warnings
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from xai_utils.checks import check_value_range
from xai_utils.quiet import quiet_stderr

# Photographs ship inside the wheels of these packages, so that nothing has to be downloaded.
PHOTOGRAPH_FOLDERS = {
    "skimage": "data",
    "sklearn": "datasets/images",
    "matplotlib": "mpl-data/sample_data",
}

# What viewers show. Pillow would also try formats that run a program (EPS), that store numbers
# without saying which is white (FITS, SPIDER), that any file can pass for (MCIDAS), or that take
# seconds for each million pixels (DDS, QOI).
FORMATS = (
    "PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "JPEG2000", "PPM", "TGA", "ICO", "DIB",
    "PCX", "PSD", "SGI",
)  # fmt: skip
TGA_ENDINGS = (".tga", ".icb", ".vda", ".vst")  # a TGA file has no other mark

# A file may claim an ordinary number of pixels whatever its own size: one colour takes no space.
# For more it needs some bytes. PNG and TIFF squeeze a grey page to 1032 pixels a byte at most.
ORDINARY_PIXELS = 25_000_000
PIXELS_PER_BYTE = 2000

BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # TIFF tags, and a value of the second

logging.getLogger("PIL").addHandler(logging.NullHandler())  # not to stderr


def read_image(path, value_range=None):
    """Read an image file as RGB pixels, the way a viewer would show it.

    The orientation stored by cameras is applied (damaged EXIF is passed over), grey images are
    repeated in three channels, and transparent pixels are laid on white. Of several frames the
    first is read. Deep grey images are scaled to 8 bits where it is certain what is white: 65535
    of 16 bits, 1 of floats in [0, 1].

    Parameters
    ----------
    path : str or Path
        ``~`` is the home folder.
    value_range : (float, float), optional
        For an image of integers with more than 8 bits or of floats: the values that are black and
        white. What lies outside is clipped.

    Returns
    -------
    ndarray, uint8 (H, W, 3)
        RGB in [0, 255].

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message says where it was looked for.
    ValueError
        If the file is damaged, not an image that viewers show, or too large; or if it is not
        certain which values are black and white. The message names the file.
    """
    path = Path(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no image file at {str(path)!r} (looked for {absolute(path)!r})")
    with open(path, "rb") as file:
        with _decoding(path):
            image = Image.open(file, formats=_formats(path))
        _check_claims(path, image, os.fstat(file.fileno()).st_size)
        with _decoding(path):
            image.load()
            with suppress(Exception):  # in place: what can fail is the EXIF, not the pixels
                ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_to_uint8(path, image, value_range))
    elif value_range is not None:
        raise ValueError(
            f"value_range is for integers of more than 8 bits and for floats; {str(path)!r} has "
            f"8 bits, leave it out"
        )
    with _decoding(path):
        return _to_rgb(image)


def absolute(path):
    """The whole path (str) that a path stands for, with ``~`` and the current folder put in."""
    return os.path.abspath(os.path.expanduser(path))


@contextmanager
def _decoding(path):
    """Whatever Pillow says of a damaged file becomes one error, which names the file."""
    try:
        with quiet_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # from here on memory would grow beyond 2 GB
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{str(path)!r} has more pixels than the {Image.MAX_IMAGE_PIXELS:,} that are read; "
            f"shrink it in an image editor, or with: magick large.png -resize 2000x2000 small.png"
        ) from error
    except UnidentifiedImageError as error:
        raise ValueError(
            f"cannot read {str(path)!r} as an image: it begins with {_first_bytes(path)!r}, and is "
            f"damaged or not one of {', '.join(FORMATS)}; save it as PNG or JPEG"
        ) from error
    except Exception as error:  # Pillow's decoders raise nearly every kind
        raise ValueError(
            f"cannot read {str(path)!r} as an image: the file is damaged or incomplete "
            f"({type(error).__name__}: {error}); copy it again, or save it as PNG or JPEG"
        ) from error


def _first_bytes(path):
    with open(path, "rb") as file:
        return file.read(16)


def _formats(path):
    """The formats to try: those of this Pillow, and TGA for files that are named so."""
    Image.init()
    named_tga = path.suffix.lower() in TGA_ENDINGS
    return [f for f in FORMATS if f in Image.OPEN and (f != "TGA" or named_tga)]


def _check_claims(path, image, file_bytes):
    """Raise ValueError if a file claims more pixels than its bytes can hold."""
    width, height = image.size
    if width * height > max(ORDINARY_PIXELS, PIXELS_PER_BYTE * file_bytes):
        raise ValueError(
            f"{str(path)!r} claims {width} x {height} pixels in {file_bytes} bytes: it is damaged, "
            f"or nearly all of one colour; if a viewer shows it, save it with fewer pixels"
        )
    # the strips or tiles of a TIFF file; the frame of a GIF may be smaller than its canvas
    corners = [tile.extents[2:] for tile in image.tile]
    if corners and image.format != "GIF" and (np.max(corners, axis=0) < image.size).any():
        raise ValueError(
            f"{str(path)!r} claims {width} x {height} pixels and has only a part of them; it is "
            f"damaged, copy it again"
        )


def _to_uint8(path, image, value_range):
    """The values of a deep grey image, integers or floats, as uint8 (H, W)."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise ValueError(f"{str(path)!r} holds values that are not finite; replace them first")
    if value_range is None:
        black, white = _certain_range(path, image, values)
    else:
        black, white = check_value_range(value_range)
    grey = np.empty(values.shape, np.uint8)
    for source, target in zip(values, grey, strict=True):  # by rows: 64 bits in little memory
        scaled = (source.astype(np.float64) - black) / (white - black)
        target[:] = (255 * scaled.clip(0, 1)).round()
    if _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO:
        np.subtract(255, grey, out=grey)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return grey


def _certain_range(path, image, values):
    """The values of black and white, where the format or the numbers leave no doubt."""
    low, high = values.min(), values.max()
    if image.mode.startswith("I;16"):
        return 0, 2 ** _tag(image, BITS_PER_SAMPLE, 16) - 1
    if image.mode == "I" and image.format == "PPM":  # Pillow scales it to 16 bits
        return 0, 65535
    if image.mode == "F" and low >= 0 and high <= 1:
        return 0, 1
    raise ValueError(
        f"{str(path)!r} holds values from {low:g} to {high:g} ({values.dtype}), and nothing says "
        f"which are black and white: give them, as in load_image(path, value_range=(0, 4095)), "
        f"or save it with 8 bits"
    )


def _tag(image, number, default=None):
    """A tag of a TIFF file: its first value. The default for other files."""
    value = getattr(image, "tag_v2", {}).get(number, default)
    return value[0] if isinstance(value, tuple) else value


def _to_rgb(image):
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


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
