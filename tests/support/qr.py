"""Reads QR codes with zxing, the decoder of many phones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

_SCALE = 6  # pixels for each module
_HALVES = {" ": "00", "▀": "10", "▄": "01", "█": "11"}


def rows_of(lines: Sequence[str], light: str = "1") -> list[str]:
    """The modules that half blocks show; ``light`` is what a drawn half stands for."""
    drawn = ["".join(_HALVES[cell][half] for cell in line) for line in lines for half in (0, 1)]
    return [row.translate(str.maketrans("01", "10")) if light == "1" else row for row in drawn]


def read_qr(rows: Sequence[str]) -> str:
    """The text of a code, of which ``1`` is a dark module."""
    zxingcpp = pytest.importorskip("zxingcpp", reason="needs zxing-cpp")
    dark = np.array([[module == "1" for module in row] for row in rows])
    picture = np.where(dark, 0, 255).astype(np.uint8)
    (found,) = zxingcpp.read_barcodes(np.kron(picture, np.ones((_SCALE, _SCALE), np.uint8)))
    return str(found.text)
