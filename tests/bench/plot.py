"""Figures of a run in, a picture of how much faster it is out: bars on a logarithmic scale, SVG."""

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby

from tests.bench.frame import Figure

_WIDTH, _LEFT, _RIGHT = 900, 430, 70
_ROW, _HEAD = 22, 34
_COLOURS = {True: "#2a7f62", False: "#b5654a"}


def plot(figures: Sequence[Figure], *, title: str) -> str:
    """A bar for each figure that has a ratio: to the right of 1 where ours is better.

    Light and dark pages both show it: text takes the colour of the reader's scheme.
    """
    order = list(dict.fromkeys((each.bench, each.measure) for each in figures))
    shown = sorted(
        (each for each in figures if each.ratio),
        key=lambda each: order.index((each.bench, each.measure)),
    )
    ratios = [each.ratio or 1.0 for each in shown] or [1.0]
    low, high = min(0.5, *ratios), max(2.0, *ratios)
    left, right = math.log10(low), math.log10(high) * 1.02
    scale = (_WIDTH - _LEFT - _RIGHT) / (right - left)

    def x(ratio: float) -> float:
        return _LEFT + (math.log10(ratio) - left) * scale

    parts: list[str] = []
    y = 50.0
    for (bench, measure), group in groupby(shown, key=lambda each: (each.bench, each.measure)):
        parts.append(_text(10, y + 18, f"{bench}: {measure}", weight="bold"))
        y += _HEAD
        for each in group:
            assert each.ratio is not None
            parts.append(_text(_LEFT - 8, y + 14, each.against[:62], anchor="end"))
            start, end = sorted((x(1.0), x(each.ratio)))
            colour = _COLOURS[each.ratio >= 1]
            parts.append(
                f'<rect x="{start:.1f}" y="{y + 3:.1f}" width="{max(end - start, 1):.1f}" '
                f'height="{_ROW - 6}" fill="{colour}"/>'
            )
            parts.append(_text(max(end, x(1.0)) + 6, y + 14, f"{each.ratio:.3g}x"))
            y += _ROW
        y += 8
    ticks = [
        tick
        for power in range(-2, 4)
        for tick in (10**power, 2 * 10**power, 5 * 10**power)
        if low <= tick <= high
    ]
    lines = [
        f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="44" y2="{y:.1f}" '
        f'class="{"one" if tick == 1 else "tick"}"/>'
        + _text(x(tick), 40, f"{tick:g}x", anchor="middle")
        for tick in ticks
    ]
    body = "\n".join([_text(10, 20, title, weight="bold"), *lines, *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 10:.0f}" '
        f'role="img" aria-label="{escape(title)}">\n'
        "<style>text{font:12px sans-serif;fill:#333}.tick{stroke:#8884}.one{stroke:#888}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>\n"
        f"{body}\n</svg>\n"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
