"""Image files of every format, whole and damaged: the right pixels, or one error with the name.

XAI_EXAMPLES=10 tries ten times as many damaged files.
"""

import io
import os
import struct
import time
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from tests.memory import MEMORY, peak_memory
from xai_utils import load_image
from xai_utils.images import FORMATS
from xai_utils.quiet import quiet_stderr

EXAMPLES = 1000 * int(os.environ.get("XAI_EXAMPLES", 1))
SECONDS = 5  # of one processor, for one file

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F")
OPTIONS = {
    "TIFF": [{"compression": c} for c in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4")],
    "JPEG": [{}, {"progressive": True}],
    "WEBP": [{}, {"lossless": True}],
    "PPM": [{}],
}  # fmt: skip
GREY = np.linspace(0, 255, 40).astype(np.uint8).reshape(5, 8)


def picture(mode):
    """Colours with noise and transparency, 64 x 64: a size that icons have too."""
    rng = np.random.default_rng(7)
    pixels = rng.integers(0, 256, (64, 64, 4), dtype=np.uint8)
    pixels[:32] = np.linspace(0, 255, 64).astype(np.uint8)[:, None]
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        scale = {"I;16": 257, "I": 1000, "F": 1 / 255}[mode]
        return Image.fromarray((pixels[..., 0] * np.float64(scale)).astype(kind))
    return Image.fromarray(pixels, "RGBA").convert(mode)


def written_files():
    """All that Pillow can write: dict of bytes by (format, mode, number of the option)."""
    Image.init()
    files = {}
    with quiet_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for kind in sorted(
            set(Image.SAVE) - {"WMF", "GRIB", "BUFR", "HDF5"}
        ):  # these need a plugin
            for mode in MODES:
                for i, options in enumerate(OPTIONS.get(kind, [{}])):
                    file = io.BytesIO()
                    try:
                        picture(mode).save(file, kind, **options)
                    except (OSError, ValueError, KeyError, SystemError):
                        continue  # this format has no such mode
                    files[kind, mode, i] = file.getvalue()
    return files


FILES = written_files()
ENDINGS = {"SPIDER": ".spi", **{kind: ending for ending, kind in reversed(Image.EXTENSION.items())}}
SHOWN = [case for case in FILES if case[0] in (*FORMATS, "MPO")]


def as_viewers_show(path):
    """What Pillow decodes, with transparency laid on white by hand; None for deep greys."""
    with quiet_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            image.load()
            try:
                turn = image.getexif().get(0x0112, 1)
            except Exception:
                turn = 1
            if image.mode.startswith(("I", "F")) or turn != 1:
                return None
            if not image.has_transparency_data:
                return np.asarray(image.convert("RGB"))
            rgba = np.asarray(image.convert("RGBA"), np.float64)
    return 255 + (rgba[..., :3] - 255) * rgba[..., 3:] / 255


@pytest.mark.parametrize("case", SHOWN, ids=lambda case: "-".join(map(str, case)))
def test_what_pillow_writes_is_read_as_viewers_show_it(case, tmp_path):
    path = tmp_path / f"picture{ENDINGS[case[0]]}"
    path.write_bytes(FILES[case])
    expected = as_viewers_show(path)
    if expected is None and case[:2] == ("TIFF", "I"):
        with pytest.raises(ValueError, match=r"from 0 to 255000 \(int32\)"):
            load_image(path)
        return
    image = load_image(path)
    if expected is None:
        grey = np.asarray(picture("RGBA"))[..., 0]
        if case[1] == "I":  # clipped to 16 bits as it was written
            grey = (np.minimum(grey * 1000.0, 65535) / 257).round()
        expected = np.dstack([grey] * 3)
    assert image.dtype == np.uint8
    assert image.shape == expected.shape
    assert np.abs(image - expected).max() <= 1


@pytest.mark.parametrize(
    "case", sorted(FILES.keys() - set(SHOWN)), ids=lambda c: "-".join(map(str, c))
)
def test_a_format_that_viewers_do_not_show_is_refused(case, tmp_path):
    path = tmp_path / f"picture{ENDINGS[case[0]]}"
    path.write_bytes(FILES[case])
    with pytest.raises(ValueError, match=r"picture.*damaged or not one of PNG, JPEG"):
        load_image(path)


# Scales


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.linspace(0, 4095, 40, dtype=np.float32), r"from 0 to 4095 \(float32\)"),
        (np.linspace(-1000, 1000, 40, dtype=np.float32), r"from -1000 to 1000 \(float32\)"),
        (np.linspace(0, 255, 40, dtype=np.float32), r"from 0 to 255 \(float32\)"),
        (np.linspace(0, 1e6, 40).astype(np.int32), r"from 0 to 1e\+06 \(int32\)"),
        (np.linspace(0, 200, 40).astype(np.int32), r"from 0 to 200 \(int32\)"),
    ],
)
def test_values_of_no_certain_scale_are_refused_with_their_range_or_given_one(
    pixels, found, tmp_path
):
    path = tmp_path / "cells.tif"
    Image.fromarray(pixels.reshape(5, 8)).save(path)
    with pytest.raises(ValueError, match=rf"cells\.tif' holds values {found}.*value_range="):
        load_image(path)
    image = load_image(path, value_range=(float(pixels.min()), float(pixels.max())))
    assert np.abs(image[..., 1].astype(int) - GREY).max() <= 1
    assert (image[0, 0, 0], image[-1, -1, 0]) == (0, 255)


def test_a_range_may_be_an_array_or_texts_and_must_be_two_numbers(tmp_path):
    path = tmp_path / "cells.tif"
    Image.fromarray(np.array([[0, 50, 100]], np.float32)).save(path)
    for value_range in (np.array([0, 100]), ("0", "100"), [0, 100]):
        np.testing.assert_array_equal(load_image(path, value_range)[0, :, 0], [0, 128, 255])
    for value_range in ((0,), (1, 0), (0, np.nan), 5, "ab", (None, 1)):
        with pytest.raises(ValueError, match="value_range must be two numbers, black below white"):
            load_image(path, value_range)


def test_values_outside_the_given_range_are_black_and_white(tmp_path):
    Image.fromarray(np.array([[-5, 0, 50, 100, 900]], np.float32)).save(tmp_path / "cells.tif")
    image = load_image(tmp_path / "cells.tif", value_range=(0, 100))
    np.testing.assert_array_equal(image[0, :, 0], [0, 0, 128, 255, 255])


def test_floats_between_0_and_1_are_scaled(tmp_path):
    Image.fromarray(GREY / np.float32(255)).save(tmp_path / "unit.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "unit.tif"), np.dstack([GREY] * 3))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value, tmp_path):
    pixels = GREY / np.float32(255)
    pixels[2, 3] = value
    Image.fromarray(pixels).save(tmp_path / "gaps.tif")
    for value_range in (None, (0, 1)):
        with pytest.raises(ValueError, match=r"gaps\.tif' holds values that are not finite"):
            load_image(tmp_path / "gaps.tif", value_range)


def test_a_dark_16_bit_image_stays_dark(tmp_path):
    """A camera of 12 bits: 65535 is white, as in every viewer; with a range, 4095 is."""
    deep = GREY.astype(np.uint16) * 16
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "deep.tif")[..., 0], (deep / 257).round())
    given = load_image(tmp_path / "deep.tif", value_range=(0, 4095))
    np.testing.assert_array_equal(given[..., 0], (deep / 4095 * 255).round())


def tiff(pixels, bits, photometric=1, rows=None):
    """The bytes of an uncompressed grey TIFF with one strip."""
    height, width = pixels.shape
    if bits == 12:
        even, odd = (pixels.astype(int)[:, i::2] for i in (0, 1))
        packed = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], -1)
        strip = packed.astype(np.uint8).tobytes()
    else:
        strip = pixels.astype(f"<u{bits // 8}").tobytes()
    tags = {256: width, 257: rows or height, 258: bits, 259: 1, 262: photometric, 273: 8,
            277: 1, 278: height, 279: len(strip)}  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    header = struct.pack("<2sHI", b"II", 42, 8 + len(strip))
    return header + strip + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("photometric", [0, 1])
def test_tiff_says_itself_how_deep_it_is_and_whether_zero_is_white(bits, photometric, tmp_path):
    top = 2**bits - 1
    deep = (GREY / 255 * top).round().astype(np.uint16)
    (tmp_path / "deep.tif").write_bytes(tiff(deep, bits, photometric))
    if (bits, photometric) == (12, 0):  # Pillow does not read it
        with pytest.raises(ValueError, match=r"cannot read .*deep\.tif"):
            load_image(tmp_path / "deep.tif")
        return
    expected = GREY if photometric == 1 else 255 - GREY
    np.testing.assert_array_equal(load_image(tmp_path / "deep.tif")[..., 0], expected)


def test_pgm_says_itself_which_value_is_white(tmp_path):
    deep = (GREY.astype(np.uint16) * 16).astype(">u2")
    (tmp_path / "deep.pgm").write_bytes(b"P5 8 5 4080\n" + deep.tobytes())
    np.testing.assert_array_equal(load_image(tmp_path / "deep.pgm")[..., 0], GREY)


def test_the_transparent_grey_of_a_16_bit_png_is_white(tmp_path):
    deep = GREY.astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "clear.png", transparency=int(deep[0, 3]))
    image = load_image(tmp_path / "clear.png")
    assert image[0, 3, 0] == 255
    np.testing.assert_array_equal(image[0, 4:, 0], GREY[0, 4:])


# Damage


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage!", b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"x"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_damaged_exif_does_not_hide_a_good_picture(kind, exif, tmp_path):
    clean, damaged = tmp_path / f"clean.{kind}", tmp_path / f"damaged.{kind}"
    picture("RGB").save(clean, kind)
    picture("RGB").save(damaged, kind, exif=exif)
    np.testing.assert_array_equal(load_image(damaged), load_image(clean))


@pytest.mark.parametrize("name", ["picture.jpg", "picture.tif", "picture.txt", "picture"])
def test_a_wrong_ending_does_not_matter(name, tmp_path):
    picture("RGB").save(tmp_path / name, "PNG")
    np.testing.assert_array_equal(load_image(tmp_path / name), np.asarray(picture("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_picture_that_was_copied_in_part_is_refused(kind, share, tmp_path):
    path = tmp_path / f"part.{kind}"
    path.write_bytes(FILES[kind, "L", 0][: int(len(FILES[kind, "L", 0]) * share)])
    with pytest.raises(ValueError, match=r"cannot read .*part\."):
        load_image(path)


def png(*chunks):
    file = io.BytesIO()
    file.write(b"\x89PNG\r\n\x1a\n")
    for name, data in chunks:
        PngImagePlugin.putchunk(file, name, data)
    return file.getvalue()


# Files that once ended in an error of Pillow's, in a wrong picture, or in words on stderr.
KEPT = {
    "empty.png": b"",
    "truncated_header.png": png((b"IHDR", b"\0\0\0\5")),
    "no_number.ppm": b"P6 2\xff 2 255\n" + bytes(12),
    "endless_number.pgm": b"P5 " + b"1" * 40 + b" 5 255\n" + bytes(40),
    "more_rows_than_strips.tif": tiff(GREY, 8, rows=1_048_593),
    "broken_lzw.tif": FILES["TIFF", "RGB", 1].replace(FILES["TIFF", "RGB", 1][40:80], b"\xff" * 40),
    "broken_deflate.tif": FILES["TIFF", "RGB", 2][:40]
    + b"\xff" * 40
    + FILES["TIFF", "RGB", 2][80:],
    "no_tga.png": FILES["TGA", "RGB", 0],
    "web_page.jpg": b"<!DOCTYPE html><html>",
}


@contextmanager
def on_stderr(path):
    """Collect in a file what the process writes to stderr."""
    kept = os.dup(2)
    with open(path, "w") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield path
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def picture_or_one_error(path):
    """Load a file: its picture, or None if it is refused in the one way that is right."""
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image = load_image(path)
    except ValueError as error:
        assert type(error) is ValueError
        assert repr(str(path)) in str(error)
        image = None
    assert time.process_time() - started < SECONDS
    return image


@pytest.mark.parametrize("name", KEPT)
def test_damaged_files_of_the_past_are_refused(name, tmp_path):
    (tmp_path / name).write_bytes(KEPT[name])
    with on_stderr(tmp_path / "stderr") as words:
        assert picture_or_one_error(tmp_path / name) is None
    assert words.read_text() == ""


MUTATIONS = st.one_of(
    st.tuples(st.just("cut"), st.floats(0, 1)),
    st.tuples(
        st.just("flip"), st.one_of(st.integers(0, 80), st.integers(0, 4000)), st.integers(0, 7)
    ),
    st.tuples(
        st.just("write"),
        st.one_of(st.integers(0, 80), st.integers(0, 4000)),
        st.one_of(
            st.sampled_from(
                [b"\xff" * 4, bytes(4), b"\0\0\x32\xc8", b"\xc8\x32\0\0", b"\xc8\x32\xc8\x32"]
            ),
            st.binary(min_size=1, max_size=4),
        ),
    ),
)


def mutate(data, mutations):
    data = bytearray(data)
    for kind, where, *what in mutations:
        if kind == "cut":
            del data[int(where * len(data)) :]
        elif kind == "flip" and data:
            data[where % len(data)] ^= 1 << what[0]
        elif kind == "write" and data:
            start = where % len(data)
            data[start : start + len(what[0])] = what[0]
    return bytes(data)


def test_damaged_files_give_the_right_picture_or_one_error(tmp_path):
    """Cut, bits flipped, sizes and other words overwritten, endings changed."""

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        case=st.sampled_from(sorted(FILES)),
        mutations=st.lists(MUTATIONS, max_size=4),
        ending=st.one_of(st.none(), st.sampled_from([".png", ".jpg", ".tif", ".tga", ""])),
    )
    def check(case, mutations, ending):
        path = tmp_path / f"picture{ENDINGS[case[0]] if ending is None else ending}"
        path.write_bytes(mutate(FILES[case], mutations))
        image = picture_or_one_error(path)
        if image is not None:
            assert image.dtype == np.uint8
            assert image.ndim == 3
            assert image.shape[2] == 3
            expected = as_viewers_show(path)
            assert expected is None or np.abs(image - expected).max() <= 1

    before = peak_memory()
    with on_stderr(tmp_path / "stderr") as words:
        check()
    assert words.read_text() == ""
    assert peak_memory() <= max(before, MEMORY)


# Sizes


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "JPEG", "WEBP", "JPEG2000", "AVIF"])
def test_an_ordinary_picture_of_one_colour_loads(kind, tmp_path):
    """12 million pixels, in few bytes."""
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow cannot write {kind}")
    options = {"TIFF": {"compression": "tiff_adobe_deflate"}, "WEBP": {"lossless": True}}
    path = tmp_path / f"flat.{kind}"
    Image.new("RGB", (4000, 3000), (0, 0, 254)).save(path, kind, **options.get(kind, {}))
    image = picture_or_one_error(path)
    assert image.shape == (3000, 4000, 3)
    for channel, value in enumerate((0, 0, 254)):  # no arrays of floats, which would take seconds
        assert value - 3 <= image[..., channel].min() <= image[..., channel].max() <= value + 3


def test_a_large_scan_says_how_to_shrink_it(tmp_path):
    limit = Image.MAX_IMAGE_PIXELS
    size = struct.pack(">II", 14_000, 14_000)
    scan = png((b"IHDR", size + b"\x08\2\0\0\0"), (b"IDAT", bytes(100_000)))
    (tmp_path / "scan.png").write_bytes(scan)
    with pytest.raises(ValueError, match=r"scan\.png' has more pixels than the 89,478,485.*shrink"):
        load_image(tmp_path / "scan.png")
    assert Image.MAX_IMAGE_PIXELS == limit


def claims(kind, width, height):
    """A small file of a kind whose header claims a size; its pixels are the beginning of one."""
    if kind == "PNG":
        header = struct.pack(">II", width, height) + b"\x08\2\0\0\0"
        return png((b"IHDR", header), (b"IDAT", bytes(3000)))
    if kind == "TIFF":
        return (
            tiff(np.zeros((height, width), np.uint8)[:1, :3000], 8)
            .replace(struct.pack("<HHII", 256, 4, 1, 3000), struct.pack("<HHII", 256, 4, 1, width))
            .replace(struct.pack("<HHII", 257, 4, 1, 1), struct.pack("<HHII", 257, 4, 1, height))
        )
    if kind == "PPM":
        return b"P6 %d %d 255\n" % (width, height) + bytes(3000)
    if kind == "JPEG":
        data = FILES["JPEG", "RGB", 0]
        at = data.index(b"\xff\xc0") + 5
        return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "JPEG"])
@pytest.mark.parametrize("side", [4900, 9400, 13_300, 65_000])
def test_a_small_file_that_claims_to_be_large_costs_nothing(kind, side, tmp_path):
    (tmp_path / "claim").write_bytes(claims(kind, side, side))
    before = peak_memory()
    started = time.process_time()
    image = picture_or_one_error(tmp_path / "claim")
    assert image is None or kind == "JPEG"  # viewers show the beginning, and grey below it
    assert time.process_time() - started < 2
    assert peak_memory() <= max(before, MEMORY)


# Paths


def test_a_relative_path_that_is_not_found_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        load_image("photos/dog.jpg")
    assert f"looked for {str(tmp_path / 'photos' / 'dog.jpg')!r}" in str(caught.value)


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    picture("RGB").save(tmp_path / "mine.png")
    np.testing.assert_array_equal(load_image("~/mine.png"), np.asarray(picture("RGB")))
    with pytest.raises(FileNotFoundError, match=r"looked for '.*nothing\.png'") as caught:
        load_image("~/nothing.png")
    assert str(tmp_path) in str(caught.value)


def test_a_folder_is_no_image_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no image file"):
        load_image(tmp_path)
