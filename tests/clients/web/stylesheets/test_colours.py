"""The palette, held to its promise: contrast, and difference for eyes of every kind."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from tests.clients.web.scripted import LABELS, WEB

Colour = tuple[float, float, float]
Matrix = tuple[Colour, Colour, Colour]

# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
SIGHT: dict[str, Matrix] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def themes() -> dict[str, dict[str, Colour]]:
    """The colours of both themes, linear."""
    sheet = (WEB / "stylesheets" / "colours.css").read_text("utf-8")
    light, dark = sheet.split("@media (prefers-color-scheme: dark)")
    dark = dark.split("@media")[0]
    return {
        name: {key: linear(value) for key, value in re.findall(r"--([\w-]+): (#\w{6});", part)}
        for name, part in (("light", light), ("dark", dark))
    }


def linear(code: str) -> Colour:
    red, green, blue = (int(code[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return expand(red), expand(green), expand(blue)


def expand(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else math.pow((part + 0.055) / 1.055, 2.4)


def contrast(one: Colour, other: Colour) -> float:
    """The ratio that WCAG 2 defines."""
    bright, dim = sorted(
        (0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (one, other)), reverse=True
    )
    return (bright + 0.05) / (dim + 0.05)


def cube_root(value: float) -> float:
    return math.pow(value, 1 / 3)


def seen(colour: Colour, sight: Matrix) -> Colour:
    """The colour in OKLab, as somebody with this sight has it."""
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, colour, strict=True)))) for row in sight
    )
    long = cube_root(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = cube_root(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = cube_root(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(theme: str) -> None:
    colours = themes()[theme]
    for label in LABELS:
        assert contrast(colours[label], colours["panel"]) >= 3, label
        # Twelve-pixel names stand on the ribbon's colour, with a shape and the read-out beside.
        assert contrast(colours[label], colours["on-label"]) >= 3, label
    for text in ("ink", "muted", "warn"):
        for ground in ("page", "panel", "lane"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_any_two_labels_are_distinguishable(theme: str, sight: str) -> None:
    colours = themes()[theme]
    points = {label: seen(colours[label], SIGHT[sight]) for label in LABELS}
    for one, other in itertools.combinations(LABELS, 2):
        # 0.02 is just noticeable; thin layers of a stack need several times that.
        assert math.dist(points[one], points[other]) >= 0.085, (one, other)
