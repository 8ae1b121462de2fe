"""The pictures of a report: a preview, and the grid of methods and scores on the original."""

import io

import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw, ImageFont

from xai_utils.heatmaps import SIGNED_COLORMAP, overlay, resize_heatmap, signed_limit
from xai_utils.style import METHOD_LABELS

PREVIEW = 104  # pixels, the side of each of three squares
CELL = 168  # pixels, the longer side
GAP, MARGIN, HEADING, NOTE = 6, 148, 26, 18  # pixels
TEXT, INK, NOTE_INK, PAPER, BEHIND = 14, "#1d232b", "#4a525c", "#ffffff", "#7d838a"
QUALITY = 82
SCORE_HEADINGS = {
    "pre": "pre (logit)",
    "post": "post (probability)",
    "log": "log (log probability)",
    "odds": "odds (log-odds)",
}


def fit(image, side):
    """An image made smaller, if it is larger, so that its longer side is `side` pixels."""
    scale = min(1, side / max(image.shape[:2]))
    size = [max(1, round(scale * n)) for n in (image.shape[1], image.shape[0])]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def jpeg(image):
    """An image, uint8 (H, W, 3), as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def draw_preview(image, maps, settings):
    """The picture, and the first method's maps of the first and the last score beside it.

    Parameters are those of `draw_grid`; returns ndarray, uint8 (PREVIEW, width, 3).
    """
    ends = dict.fromkeys((settings.scores[0], settings.scores[-1]))
    names = [f"predicted-{settings.methods[0]}-{score}" for score in ends]
    small = _enlarged(fit(image, PREVIEW), PREVIEW)
    cells = [small, *(_cell(small, maps[name]) for name in names)]
    canvas = Image.new("RGB", (PREVIEW * len(cells) + GAP * (len(cells) - 1), PREVIEW), BEHIND)
    for number, cell in enumerate(cells):
        left, top = ((PREVIEW - n) // 2 for n in (cell.shape[1], cell.shape[0]))
        canvas.paste(Image.fromarray(cell), (number * (PREVIEW + GAP) + left, top))
    return np.asarray(canvas)


def draw_grid(image, maps, record, settings):
    """All maps of one picture: a row for each class and method, a column for each score.

    Drawn with Pillow: Matplotlib would take longer than the network does.

    Parameters
    ----------
    image : ndarray, uint8 (H, W, 3)
    maps, record
        As from `explain_image`.
    settings : Settings

    Returns
    -------
    ndarray, uint8 (height, width, 3)
    """
    small = _enlarged(fit(image, CELL), CELL)
    height, width = small.shape[0], max(small.shape[1], CELL)
    classes = [of for of in ("predicted", "expected") if f"{of}-{_first(settings)}" in maps]
    rows = [(of, method) for of in classes for method in settings.methods]
    columns = max(2, len(settings.scores))  # the last row has the picture and the difference
    size = (
        MARGIN + (width + GAP) * columns,
        HEADING + (height + NOTE + GAP) * (len(rows) + 1),
    )
    canvas = Image.new("RGB", size, PAPER)
    pen, font, note = ImageDraw.Draw(canvas), _font(TEXT), _font(TEXT - 2)
    for column, score in enumerate(settings.scores):
        x = MARGIN + column * (width + GAP)
        pen.text((x, 5), SCORE_HEADINGS[score], INK, font)
        for row, (of, method) in enumerate(rows):
            y, name = HEADING + row * (height + NOTE + GAP), f"{of}-{method}-{score}"
            canvas.paste(Image.fromarray(_cell(small, maps[name])), (x, y))
            maximum = record["raw_maxima"][name]
            text = f"max {maximum:.2g}" if maximum else "zero everywhere"
            pen.text((x, y + height + 2), text, NOTE_INK, note)
    names = {"predicted": record["predicted"], "expected": record["rival"]}
    for row, (of, method) in enumerate(rows):
        label = f"{names[of]}\n{METHOD_LABELS[method]}".replace("Integrated ", "Integrated\n")
        _write(pen, label, HEADING + row * (height + NOTE + GAP), font)
    y = HEADING + len(rows) * (height + NOTE + GAP)
    _write(pen, f"{record['predicted']}\nagainst\n{record['rival']}\nGrad-CAM", y, font)
    canvas.paste(Image.fromarray(small), (MARGIN, y))
    pen.text((MARGIN, y + height + 2), "the picture", NOTE_INK, note)
    x = MARGIN + width + GAP
    canvas.paste(Image.fromarray(_cell(small, maps["difference"])), (x, y))
    pen.text((x, y + height + 2), "difference of the two classes", NOTE_INK, note)
    return np.asarray(canvas)


def _first(settings):
    return f"{settings.methods[0]}-{settings.scores[0]}"


def _font(size):
    return ImageFont.load_default(size)  # shipped with Pillow, scalable


def _enlarged(image, side):
    """As long as `side` on its longer side, so that a tiny icon can be seen."""
    scale = side / max(image.shape[:2])
    size = [max(1, round(scale * n)) for n in (image.shape[1], image.shape[0])]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.NEAREST))


def _write(pen, text, y, font):
    """Text in the margin, each line cut where it would reach the pictures."""
    for number, line in enumerate(text.splitlines()):
        while font.getlength(line) > MARGIN - GAP:
            line = line[:-2].rstrip() + "…"
        pen.text((4, y + 2 + 18 * number), line, INK, font)


def _cell(image, heatmap):
    if heatmap.min() >= 0:
        return overlay(image, heatmap)
    values = resize_heatmap(heatmap, *image.shape[:2])
    colors = colormaps[SIGNED_COLORMAP]((values / signed_limit(heatmap)).clip(-1, 1) / 2 + 0.5)[
        ..., :3
    ]
    return (colors * 255).round().astype(np.uint8)
