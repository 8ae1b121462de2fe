"""A histogram as a picture of lines and text, which takes the colours of its page."""

import numpy as np

from xai_utils.study.saturation import LOST_ABOVE

BINS = 20
WIDTH, HEIGHT = 420, 200
LEFT, BOTTOM, TOP = 40, 40, 24


def histogram(log_odds):
    """The log-odds of the predicted classes, as SVG: str.

    Parameters
    ----------
    log_odds : ndarray, float (N,)
        N >= 1, finite.
    """
    low, high = np.floor(log_odds.min()), np.ceil(log_odds.max() + 1e-9)
    high = max(high, low + 1, np.ceil(LOST_ABOVE) + 1)
    counts, edges = np.histogram(log_odds, BINS, (low, high))
    scale = (WIDTH - LEFT) / (high - low)
    top = counts.max()

    def x(value):
        return LEFT + scale * (value - low)

    floor = HEIGHT - BOTTOM
    bars = [
        f'<rect x="{x(a) + 1:.1f}" y="{floor - h:.1f}" width="{x(b) - x(a) - 2:.1f}" '
        f'height="{h:.1f}"/>'
        for a, b, h in zip(edges, edges[1:], (floor - TOP) * counts / top, strict=False)
    ]
    ticks = [
        f'<text x="{x(v):.1f}" y="{floor + 16}" text-anchor="middle">{v:g}</text>'
        for v in _round_values(low, high)
    ]
    lost = int((log_odds > LOST_ABOVE).sum())
    limit = x(LOST_ABOVE)
    anchor, beside = ("end", -4) if limit > WIDTH / 2 else ("start", 4)
    alt = (
        f"Histogram of the log-odds of {len(log_odds)} predicted classes, from "
        f"{log_odds.min():.1f} to {log_odds.max():.1f}, median {np.median(log_odds):.1f}; "
        f"{lost} above {LOST_ABOVE:.1f}"
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{alt}">{"".join(bars)}'
        f'<line x1="{LEFT}" y1="{floor}" x2="{WIDTH}" y2="{floor}"/>'
        f'<line class="limit" x1="{limit:.1f}" y1="{TOP - 6}" x2="{limit:.1f}" y2="{floor}"/>'
        f'<text x="{limit + beside:.1f}" y="{TOP - 8}" text-anchor="{anchor}">beyond '
        f"{LOST_ABOVE:.1f} a 32-bit softmax is lost</text>{''.join(ticks)}"
        f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{top}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 4}">log-odds of the predicted class</text></svg>'
    )


def _round_values(low, high):
    """A few whole numbers from low to high."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if (high - low) / s <= 8)
    return np.arange(np.ceil(low / step) * step, high + step / 2, step)
