"""The live page: its arithmetic is that of the package, and it asks nobody for anything."""

import base64
import io
import json
import re
import shutil
import statistics
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from live import build, example
from xai_utils import ScoreGradients, load_image, rsi_grad_cam
from xai_utils.embedded.scenes import CLASS_NAMES
from xai_utils.images import resize_image
from xai_utils.scores import SCORES
from xai_utils.study.equivalent import in_precision, vector_for_map

AGREEMENT = 1e-4  # of a map's maximum
LARGEST_FILE = 9e6  # bytes
STEPS = 16  # of the paths that are not refined
REFINED = 1  # of the twenty scenes: the first have a refined path too, and Integrated Gradients
TOLERANCE = 0.01
NODE = shutil.which("node")
ROOT = Path(__file__).parent.parent
PATTERN = np.array([[c == "#" for c in row] for row in example.PATTERNS["Letter T"].split()], float)

needs_node = pytest.mark.skipif(not NODE, reason="node is not installed")


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


@pytest.fixture(scope="module")
def computed(scenes):
    """What the page's engine finds for twenty scenes."""
    images = [
        {
            "pixels": encode(scene.image),
            "target": CLASS_NAMES.index(scene.classes[0]),
            "tolerance": TOLERANCE if i < REFINED else None,
            "to_pixels": i < REFINED,
            "pattern": PATTERN.ravel().tolist() if i < REFINED else None,
        }
        for i, scene in enumerate(scenes)
    ]
    weights = encode(build.read_weights())
    job = json.dumps({"weights": weights, "classes": len(CLASS_NAMES), "images": images})
    script = Path(__file__).with_name("live_maps.mjs")
    done = subprocess.run([NODE, script], input=job, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def relative_error(found, right):
    right = np.ravel(right)
    return np.abs(np.array(found) - right) / np.abs(right).max()


@needs_node
def test_maps_at_block5_pool_agree_on_twenty_scenes(mini, scenes, computed):
    for i, (scene, found) in enumerate(zip(scenes, computed, strict=True)):
        gradients = ScoreGradients(mini, [scene.image], [scene.classes[0]], steps=STEPS)
        for method in example.METHODS[:4]:
            for score in SCORES:
                right = method(gradients, score)[0]
                error = relative_error(found["maps"][f"{method.__name__} {score}"], right)
                assert error.max() < AGREEMENT, (i, method.__name__, score)


@needs_node
def test_integrated_gradients_agree(mini, scenes, computed):
    """Beside the kink of a ReLU the last digits choose the side, in the package as on the page.

    So where the package in 32 bits is itself off, the page may be five times as far.
    """
    exact = in_precision(mini, "float64")
    for scene, found in zip(scenes[:REFINED], computed, strict=False):
        given = [scene.image], [scene.classes[0]]
        in_32_bits, in_64_bits = (ScoreGradients(c, *given, steps=STEPS) for c in (mini, exact))
        for score in SCORES:
            right, ours = (
                example.integrated_gradients(g, score)[0].sum(axis=-1)
                for g in (in_64_bits, in_32_bits)
            )
            error = relative_error(found["maps"][f"integrated_gradients {score}"], right)
            lost = np.percentile(relative_error(ours.ravel(), right), 99.5)
            assert np.percentile(error, 99.5) < max(AGREEMENT, 5 * lost), score
            assert error.max() < 50 * AGREEMENT, score


@needs_node
def test_a_refined_path_keeps_its_promise(mini, scenes, computed):
    """Where its points lie hangs on last digits, and is not compared."""
    found, scene = computed[0], scenes[0]
    assert found["gap"] <= TOLERANCE
    assert found["alphas"] == sorted(set(found["alphas"]))
    assert (found["alphas"][0], found["alphas"][-1]) == (0, 1)
    assert len(found["alphas"]) > STEPS + 1
    refined = ScoreGradients(mini, [scene.image], [scene.classes[0]], tolerance=TOLERANCE)
    for score in SCORES:
        right = rsi_grad_cam(refined, score)[0]
        assert relative_error(found["maps"][f"refined {score}"], right).max() < 0.05, score


@needs_node
def test_the_vector_that_draws_a_letter_agrees(mini, scenes, computed):
    gradients = ScoreGradients(mini, [scenes[0].image], [scenes[0].classes[0]])
    error = relative_error(computed[0]["vector"], vector_for_map(gradients, PATTERN))
    assert error.max() < AGREEMENT


@needs_node
def test_logits_that_get_one_number_more_keep_three_maps(computed):
    """The letter in every logit: pre moves, the others do not."""
    moved = computed[0]["moved"]
    assert moved["pre"] > 0.1
    assert max(moved["post"], moved["log"], moved["odds"]) < 1e-3


@needs_node
def test_pictures_are_resized_as_pillow_does(tmp_path):
    photo = load_image("cup")
    rgba = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    (tmp_path / "rgba").write_bytes(rgba.tobytes())
    script = (
        "import { readFileSync, writeFileSync } from 'node:fs';"
        f"import {{ resize }} from '{build.HERE / 'js' / 'picture.js'}';"
        f"const rgba = readFileSync('{tmp_path / 'rgba'}');"
        f"writeFileSync('{tmp_path / 'rgb'}', "
        f"resize(rgba, {photo.shape[1]}, {photo.shape[0]}));"
    )
    subprocess.run([NODE, "--input-type=module", "--eval", script], check=True)
    found = np.frombuffer((tmp_path / "rgb").read_bytes(), np.uint8).astype(int)
    assert np.abs(found - resize_image(photo, 224, 224).ravel()).max() <= 1


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page, with a coarser path in its example: that is what building it spends time on."""
    path = tmp_path_factory.mktemp("live") / "live.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(example, "TOLERANCE", 0.5)
        build.build(path)
    return path


def test_the_page_is_one_small_file_that_asks_for_nothing(page):
    text = page.read_text("utf-8")
    assert page.stat().st_size < LARGEST_FILE
    assert not re.findall(r"<link|<script src|@import|url\(", text)
    assert set(re.findall(r'src="(\w+):', text)) == {"data"}
    assert "default-src 'none'" in text


def test_the_readme_has_the_times_that_were_measured():
    measured = json.loads((ROOT / "benchmarks" / "live.json").read_text("utf-8"))["seconds"]
    text = (ROOT / "live" / "README.md").read_text("utf-8")
    for name, values in measured.items():
        assert f"| {name} | {statistics.median(values):.2f} s |" in text


def test_without_scripts_every_map_is_there(page):
    text = page.read_text("utf-8")
    for method in example.METHODS:
        for score in SCORES:
            assert f'data-slot="{method.__name__} {score}"><img' in text


COLOUR = """name => {
    const canvas = document.querySelector(name);
    return Array.from(canvas.getContext("2d").getImageData(0, 0, 1, 1).data);
}"""  # of the first pixel


def white():
    buffer = io.BytesIO()
    Image.new("RGB", (300, 100), "white").save(buffer, "PNG")
    return buffer.getvalue()


def test_the_page_starts_from_the_disk_and_computes(page, browser):
    """In a browser without a network: the example, an unreadable file, a picture of one's own."""
    requests, problems = [], []
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(page.as_uri())
    tab.wait_for_selector("body[data-ready][data-shift][data-scale]", timeout=120_000)
    assert "the other three by less than 0.001" in tab.inner_text("#shift-words")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"no"})
    tab.wait_for_selector("#status.problem")
    assert "cannot be read as a picture" in tab.inner_text("#status")
    tab.set_input_files("#file", {"name": "white.png", "mimeType": "image/png", "buffer": white()})
    tab.wait_for_selector("body[data-ready^='white.png']", timeout=60_000)
    assert tab.inner_text("#status") == ""
    assert "300 × 100 pixels" in tab.inner_text("[data-slot=photo] figcaption")
    assert tab.evaluate(COLOUR, "[data-slot=path] canvas") == [255, 255, 255, 255]
    tab.wait_for_function(
        "() => document.getElementById('progress').textContent.startsWith('Integrated')",
        timeout=60_000,
    )
    # the first path stays, until the second has more points
    assert tab.locator("#curves .pre .dot").count() > STEPS
    assert "pre moved" in tab.inner_text("#shift-words")
    context.close()
    assert not problems
    assert {url.split(":")[0] for url in requests} <= {"file", "data", "blob"}
