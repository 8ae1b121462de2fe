"""How long the live page takes: its first paint, its example, and the maps of a reader's picture.

`results/live.html` (`make live`) is opened from the disk, in Chromium without a network. Then a
scene is dropped on it that the page has not seen: until all maps of one point are drawn, until
RSI-Grad-CAM is within its completeness gap, and from there until Integrated Gradients is. The
median of several, each in a browser of its own. Prints a table, and writes benchmarks/live.json.
"""

import io
import json
import statistics
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from report import find_browser

from xai_utils.embedded.scenes import make_scene
from xai_utils.files import write_atomically

PAGE = Path(__file__).parent.parent / "results" / "live.html"
OUTPUT = Path(__file__).with_name("live.json")
STREAM = 41  # scenes that neither training nor a test has seen
OPENINGS = 3
LONGEST = 300_000  # ms
# by name: what is awaited, one after the other, after the picture was dropped
AWAITED = {
    "all maps of one point": "document.body.dataset.ready.startsWith('scene.png')",
    "RSI-Grad-CAM": "document.getElementById('progress').textContent.startsWith('Integrated')",
    "Integrated Gradients": "(document.body.dataset.paths ?? '').startsWith('scene.png')",
}


def make_picture(index):
    """The bytes of a scene as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(make_scene((STREAM, index)).image).save(buffer, "PNG")
    return buffer.getvalue()


def open_once(chromium, path, picture):
    """Seconds, by name of what was awaited."""
    browser = chromium.launch(executable_path=path, args=["--no-sandbox"])
    tab = browser.new_context(offline=True).new_page()
    start = time.perf_counter()
    tab.goto(PAGE.absolute().as_uri())
    tab.wait_for_selector("body[data-ready][data-shift][data-scale]", timeout=LONGEST)
    spent = {"example": time.perf_counter() - start}
    paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    tab.set_input_files("#file", {"name": "scene.png", "mimeType": "image/png", "buffer": picture})
    start = time.perf_counter()
    for name, awaited in AWAITED.items():
        tab.wait_for_function(f"() => {awaited}", timeout=LONGEST)
        spent[name] = time.perf_counter() - start
        start = time.perf_counter()
    browser.close()
    return {"first paint": paint / 1000, **spent}


def main():
    path = find_browser()
    if path is None or not PAGE.is_file():
        sys.exit(f"Chromium must be on the path, and {PAGE.name} there: make live")
    found = []
    with sync_playwright() as driver:
        for index in range(OPENINGS):
            found.append(open_once(driver.chromium, path, make_picture(index)))
            print(f"picture {index + 1} of {OPENINGS}", file=sys.stderr)
    seconds = {name: [one[name] for one in found] for name in found[0]}
    report = {"file_MB": PAGE.stat().st_size / 1e6, "seconds": seconds}
    write_atomically(OUTPUT, lambda file: file.write(json.dumps(report, indent=2).encode() + b"\n"))
    print(f"file: {report['file_MB']:.2f} MB")
    for name, values in seconds.items():
        print(
            f"{name:22} {statistics.median(values):6.2f} s  ({min(values):.2f}-{max(values):.2f})"
        )


if __name__ == "__main__":
    main()
