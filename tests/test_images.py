"""Image files of all kinds, samples, scenes."""

import numpy as np
import pytest
from PIL import Image

from xai_utils import load_image, load_scene
from xai_utils.samples import PHOTOGRAPHS, SCENES
from xai_utils.scenes import CLASS_NAMES, REGIONS, make_context_crop, make_scene

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


def test_16_bit_png_is_scaled(tmp_path):
    Image.fromarray(GRADIENT.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(load_image(tmp_path / "deep.png")[..., 0], GRADIENT)


def test_transparent_pixels_are_white(tmp_path):
    pixels = np.dstack([GRADIENT, GRADIENT, GRADIENT, np.zeros_like(GRADIENT)])
    Image.fromarray(pixels, "RGBA").save(tmp_path / "clear.png")
    assert load_image(tmp_path / "clear.png").min() == 255


def test_palette_and_transparency_are_resolved(tmp_path):
    Image.fromarray(GRADIENT).convert("P").save(tmp_path / "palette.gif")
    assert load_image(tmp_path / "palette.gif").shape == (5, 8, 3)


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
    """The same draws without the object: pixels differ inside the mask and not outside."""
    scene = load_scene("cat_and_cup")
    assert scene.classes == ("cat", "cup")
    again = load_scene("cat_and_cup")
    np.testing.assert_array_equal(scene.image, again.image)
    cat, cup = scene.masks
    assert not (cat & cup).any()


def test_scenes_depend_on_their_seed_alone():
    first = make_scene((5, 1)).image
    make_scene((5, 2))
    np.testing.assert_array_equal(make_scene((5, 1)).image, first)
    assert np.abs(make_scene((5, 2)).image.astype(int) - first).max() > 0


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_every_class_has_a_context_crop(name):
    assert make_context_crop((3, 1), name).shape == (224, 224, 3)


def test_held_out_regions_do_not_overlap_training_regions():
    def overlap(a, b):
        return a["photo"] == b["photo"] and all(
            max(a["box"][i], b["box"][i]) < min(a["box"][i + 2], b["box"][i + 2]) for i in (0, 1)
        )

    backgrounds = REGIONS["backgrounds"]
    assert not any(overlap(a, b) for a in backgrounds["train"] for b in backgrounds["held_out"])
    for region in REGIONS["textures"].values():
        boxes = [{"photo": "", "box": region[split]["box"]} for split in ("train", "held_out")]
        assert not overlap(*boxes)
