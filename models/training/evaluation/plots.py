"""Draws small charts as SVG text, for reports in a single file."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _MARGIN = 560, 336, 48
_TOP = 64
"""Space above the plot for its title and the names of three lines."""
_COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce")
_MOST_STEPS = 6
_ROUNDING = 1e-6
_CELL = 52


@dataclass(frozen=True)
class Line:
    """One named line of a chart."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def line_plot(lines: Sequence[Line], x_title: str, y_title: str, low_y: float = 0.0) -> str:
    """Draw lines. The axes span the values; the y axis starts at ``low_y`` or below."""
    xs = [x for line in lines for x in line.x]
    ys = [y for line in lines for y in line.y]
    low_x, high_x = min(xs), max(*xs, min(xs) + 1e-9)
    low_y = min(low_y, *ys)
    high_y = max(*ys, low_y + 1e-9)

    def place(x: float, y: float) -> tuple[float, float]:
        across = _MARGIN + (x - low_x) / (high_x - low_x) * (_WIDTH - 2 * _MARGIN)
        down = _HEIGHT - _MARGIN - (y - low_y) / (high_y - low_y) * (_HEIGHT - _MARGIN - _TOP)
        return round(across, 1), round(down, 1)

    parts = []
    for x in _ticks(low_x, high_x):
        left, base = place(x, low_y)
        parts.append(_text(left, base + 18, f"{x:.10g}", "middle"))
    for y in _ticks(low_y, high_y):
        _, height = place(low_x, y)
        parts.append(_text(_MARGIN - 6, height + 4, f"{y:.10g}", "end"))
        parts.append(
            f'<path d="M{_MARGIN} {height}H{_WIDTH - _MARGIN}" stroke="#e5e5e5" fill="none"/>'
        )
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join("{},{}".format(*place(x, y)) for x, y in zip(line.x, line.y, strict=True))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(_text(_WIDTH - _MARGIN, 18 + 14 * number, line.name, "end", colour))
    parts.append(_text(_WIDTH / 2, _HEIGHT - 8, x_title, "middle"))
    parts.append(_text(_MARGIN, 18, y_title, "start"))
    return _svg(_WIDTH, _HEIGHT, parts)


def _ticks(low: float, high: float) -> list[float]:
    """Return multiples of 1, 2, 2.5 or 5 times a power of ten from ``low`` to ``high``."""
    least = (high - low) / _MOST_STEPS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least)
    first, last = math.ceil(low / step - _ROUNDING), math.floor(high / step + _ROUNDING)
    return [round(n * step, 12) for n in range(first, last + 1)]


def heat_map(counts: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """Draw a confusion matrix: rows are the truth, columns the result, shades shares of a row."""
    side = _MARGIN * 2 + _CELL * len(names)
    parts = []
    for i, (name, row) in enumerate(zip(names, counts, strict=True)):
        middle = 2 * _MARGIN + _CELL * i + _CELL / 2
        parts.append(_text(2 * _MARGIN - 6, middle - _MARGIN + 4, name, "end"))
        parts.append(_text(middle, side - _MARGIN + 16, name, "middle"))
        for j, count in enumerate(row):
            share = count / max(1, sum(row))
            left, top = 2 * _MARGIN + _CELL * j, _MARGIN + _CELL * i
            parts.append(
                f'<rect x="{left}" y="{top}" width="{_CELL}" height="{_CELL}" '
                f'fill="#0b6e99" fill-opacity="{share:.2f}"/>'
            )
            colour = "#fff" if share > 0.5 else "#1c1c1e"
            middle_x, middle_y = left + _CELL / 2, top + _CELL / 2 + 4
            parts.append(_text(middle_x, middle_y, str(count), "middle", colour))
    return _svg(side + _MARGIN, side, parts)


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#1c1c1e") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="12" text-anchor="{anchor}" '
        f'fill="{colour}">{html.escape(text)}</text>'
    )


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif">'
        + "".join(parts)
        + "</svg>"
    )
