"""Image files of all kinds, samples, scenes."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation

from xai_utils import load_image, load_scene
from xai_utils.embedded.cutouts import CLASS_NAMES, REGIONS, cut_out
from xai_utils.embedded.samples import PHOTOGRAPHS, SCENES
from xai_utils.embedded.scenes import _paste, make_context_crop, make_scene

GRADIENT = np.linspace(0, 255, 40).astype(np.uint8).reshape(5, 8)


@pytest.mark.parametrize("name", [*PHOTOGRAPHS, *SCENES])
def test_samples_are_rgb(name):
    image = load_image(name)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3


def test_grayscale_png_is_repeated_in_three_channels(tmp_path):
    Image.fromarray(GRADIENT).save(tmp_path / "gray.png")
    np.testing.assert_array_equal(load_image(tmp_path / "gray.png"), np.dstack([GRADIENT] * 3))


@pytest.mark.parametrize("darker", [1, 300])
def test_16_bit_png_is_scaled(tmp_path, darker):
    deep = GRADIENT.astype(np.uint16) * 257 // darker
    Image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(load_image(tmp_path / "deep.png")[..., 0], (deep / 257).round())


def test_transparent_pixels_are_white(tmp_path):
    pixels = np.dstack([GRADIENT, GRADIENT, GRADIENT, np.zeros_like(GRADIENT)])
    Image.fromarray(pixels, "RGBA").save(tmp_path / "clear.png")
    assert load_image(tmp_path / "clear.png").min() == 255


def test_transparent_colours_of_a_palette_are_white(tmp_path):
    Image.fromarray(GRADIENT).convert("P").save(tmp_path / "palette.gif", transparency=0)
    image = load_image(tmp_path / "palette.gif")
    assert image.shape == (5, 8, 3)
    assert (image[0, 0] == 255).all()
    assert image[0, 1].max() < 20


def test_camera_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(GRADIENT).save(tmp_path / "turned.png", exif=exif)
    assert load_image(tmp_path / "turned.png").shape == (8, 5, 3)


def test_a_missing_file_lists_the_samples():
    with pytest.raises(
        FileNotFoundError, match=r"no image file and no sample image 'dog.jpg'.*cat_and_cup"
    ):
        load_image("dog.jpg")


def test_a_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(ValueError, match=r"cannot read .*text\.png"):
        load_image(tmp_path / "text.png")


@pytest.mark.parametrize("objects", [1, 2])
@pytest.mark.parametrize("split", ["train", "held_out"])
def test_scenes_have_visible_objects_and_exact_masks(objects, split):
    for index in range(6):
        scene = make_scene((99, index), objects, backgrounds=split, regions=split)
        assert len(set(scene.classes)) == objects
        assert scene.masks.shape == (objects, 224, 224)
        assert scene.masks.any(axis=(1, 2)).all()
        assert not scene.masks.all(axis=0).any() or objects == 1


def test_a_mask_is_where_the_object_was_pasted():
    """A canvas before and after: the same outside the mask's surroundings, changed inside."""
    for index in range(5):
        rng = np.random.default_rng(index)
        canvas = Image.new("RGB", (224, 224), (0, 255, 0))
        pasted, (mask, _) = _paste(rng, canvas, *cut_out(rng, "cup", "train"), 120)
        changed = (np.asarray(pasted) != np.asarray(canvas)).any(axis=-1)
        assert changed[mask].mean() > 0.99
        assert not changed[~binary_dilation(mask, iterations=6)].any()


def test_masks_of_two_objects_do_not_overlap():
    cat, cup = load_scene("cat_and_cup").masks
    assert not (cat & cup).any()


def test_scenes_depend_on_their_seed_alone():
    first = make_scene((5, 1)).image
    make_scene((5, 2))
    np.testing.assert_array_equal(make_scene((5, 1)).image, first)
    assert np.abs(make_scene((5, 2)).image.astype(int) - first).max() > 0


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_every_class_has_a_context_crop(name):
    assert make_context_crop((3, 1), name).shape == (224, 224, 3)


def overlap(a, b):
    return all(max(a[i], b[i]) < min(a[i + 2], b[i + 2]) for i in (0, 1))


def test_held_out_backgrounds_and_textures_are_in_no_training_image():
    """Training shows the background boxes, and crops of the whole photographs of the classes."""
    backgrounds = REGIONS["backgrounds"]
    shown = {r["photo"] for kind in ("polygons", "circles") for r in REGIONS[kind].values()}
    for held_out in backgrounds["held_out"]:
        assert held_out["photo"] not in shown
        for train in backgrounds["train"]:
            assert train["photo"] != held_out["photo"] or not overlap(train["box"], held_out["box"])
    for region in REGIONS["textures"].values():
        assert not overlap(region["train"]["box"], region["held_out"]["box"])
