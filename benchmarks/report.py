"""What a report costs: its time beside the network's own passes, its memory, its page in a browser.

Scenes, explained by vgg19-mini: 10, 100 and 1,000 with the methods that need one point, and 20 with
all methods. And 50 with the former by a VGG19 of full size, whose weights are random. Every count
runs in a process of its own, whose peak memory the operating system reports. "Passes" are the
forward and backward passes that these maps take, computed once more for the same pictures, with no
map drawn and no file written. The page is opened in Chromium, if it is on the path, from navigation
to the load event and until all rows of the table are laid out: the median of several. Prints a
table, and writes benchmarks/report.json.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OUTPUT = Path(__file__).with_name("report.json")
STREAM = 40  # scenes that neither training nor a test has seen
OPENINGS = 5  # of a page, each in a browser of its own
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FULL_SIZE = "points, VGG19"
WORKS = {"point methods": (10, 100, 1000), "all methods": (20,), FULL_SIZE: (50,)}


def make_pictures(folder, count):
    """So many scenes as PNG files."""
    from PIL import Image

    from xai_utils.embedded.scenes import make_scene

    for index in range(count):
        Image.fromarray(make_scene((STREAM, index)).image).save(folder / f"{index:04}.png")


def load_network(work):
    from xai_utils import load_classifier

    if work != FULL_SIZE:
        return load_classifier("vgg19-mini")
    import keras

    keras.utils.set_random_seed(0)
    return load_classifier(keras.applications.VGG19(weights=None), "vgg19")


def measure(work, pictures, out):
    """Explain all pictures of a folder; a dict of seconds for each picture, and of sizes."""
    from xai_utils import load_image
    from xai_utils.methods import POINT_METHODS
    from xai_utils.report import explain_folder
    from xai_utils.report.settings import Settings

    methods = {} if work == "all methods" else {"methods": tuple(POINT_METHODS)}
    settings = Settings(**methods)
    classifier = load_network(work)
    paths = sorted(pictures.glob("*.png"))
    explain_folder(str(paths[0]), classifier, out=out / "first", **methods)  # it compiles
    start = time.perf_counter()
    report = explain_folder(pictures, classifier, out=out / "all", **methods)
    seconds = {"report": time.perf_counter() - start}
    unit = 1e9 if sys.platform == "darwin" else 1e6  # bytes there, kB elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    images = [load_image(path) for path in paths]
    for name, passes in {"passes": explaining_passes, "forward": forward_pass}.items():
        start = time.perf_counter()
        for image in images:
            passes(classifier, image, settings)
        seconds[name] = time.perf_counter() - start
    files = [path for path in (out / "all").rglob("*") if path.is_file()]
    return {
        **{f"{name}_seconds": total / len(paths) for name, total in seconds.items()},
        "peak_GB": peak,
        "page_MB": report.page.stat().st_size / 1e6,
        "folder_MB": sum(path.stat().st_size for path in files) / 1e6,
    }


def forward_pass(classifier, image, settings):
    return classifier.logits([image])[0]


def explaining_passes(classifier, image, settings):
    """All passes of `xai_utils.report.explain.explain_image`."""
    from xai_utils import ScoreGradients

    runner_up, predicted = forward_pass(classifier, image, settings).argsort()[-2:]
    pair = ScoreGradients(classifier, [image] * 2, [predicted, runner_up])
    for score in ("pre", "odds"):
        pair.point_gradient(score)
    if settings.path_methods:
        given = {"tolerance": settings.tolerance, "max_steps": settings.max_steps}
        ScoreGradients(classifier, [image], [predicted], **given).path("pixels")


def find_browser():
    """The path of Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def open_page(page, count):
    """Seconds until a page is loaded, and until its rows are there; None where no browser is."""
    path = find_browser()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        return {"load_seconds": None, "rows_seconds": None}
    with sync_playwright() as driver:
        times = [_open_once(driver.chromium, path, page, count) for _ in range(OPENINGS)]
    load, rows = map(statistics.median, zip(*times, strict=True))
    return {"load_seconds": load, "rows_seconds": rows}


def _open_once(chromium, path, page, count):
    browser = chromium.launch(executable_path=path, args=["--no-sandbox"])
    tab = browser.new_page()
    start = time.perf_counter()
    tab.goto(page.absolute().as_uri(), wait_until="load")
    load = time.perf_counter() - start
    there = "n => document.body.offsetHeight && document.querySelectorAll('tbody').length === n"
    tab.wait_for_function(there, arg=count)
    rows = time.perf_counter() - start
    browser.close()
    return load, rows


def main():
    from xai_utils.files import write_atomically

    report = {}
    for work, counts in WORKS.items():
        for count in counts:
            with tempfile.TemporaryDirectory() as folder:
                pictures = Path(folder, "pictures")
                pictures.mkdir()
                make_pictures(pictures, count)
                call = [sys.executable, __file__, work, pictures, Path(folder, "out")]
                run = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True)
                opened = open_page(Path(folder, "out", "all", "index.html"), count)
            measured = {**json.loads(run.stdout.splitlines()[-1]), **opened}
            report.setdefault(work, {})[count] = measured
            more = measured["report_seconds"] / measured["passes_seconds"] - 1
            print(
                f"{work:13} {count:4} pictures: {measured['report_seconds']:.2f} s each, "
                f"{more:.0%} more than its passes; peak {measured['peak_GB']:.2f} GB; "
                f"page {measured['page_MB']:.2f} MB, {_described(opened['rows_seconds'])}",
                flush=True,
            )
    write_atomically(OUTPUT, lambda file: file.write(json.dumps(report, indent=2).encode() + b"\n"))


def _described(seconds):
    return "not opened" if seconds is None else f"opens in {seconds:.2f} s"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main()
