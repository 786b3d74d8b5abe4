"""Charts have readable axes and names."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.models.training.evaluation.plots import Line, line_plot


def axis(plot: str, anchor: str) -> list[float]:
    """Numbers that stand along an axis: ``middle`` for x, ``end`` for y."""
    texts = re.findall(rf'text-anchor="{anchor}"[^>]*>([^<]*)<', plot)
    return [float(text) for text in texts if re.fullmatch(r"-?[\d.]+(e-?\d+)?", text)]


def test_axes_have_round_numbers() -> None:
    plot = line_plot([Line("loss", [11.5, 700, 1391.5], [2.0, 0.32, 0.7])], "step", "y", low_y=0.3)
    assert axis(plot, "middle") == [250, 500, 750, 1000, 1250]
    assert axis(plot, "end") == [0.5, 1, 1.5, 2]


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e4))
def test_axes_have_a_few_evenly_spaced_numbers(low: float, span: float) -> None:
    ticks = axis(line_plot([Line("a", [low, low + span], [0, 1])], "x", "y"), "middle")
    assert 2 <= len(ticks) <= 7
    steps = [after - before for before, after in pairwise(ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-2)


def test_a_line_without_points_has_its_name() -> None:
    plot = line_plot([Line("not measured", [], []), Line("b", [0, 1], [0, 1])], "x", "y")
    assert "not measured" in plot
    assert plot.count("<polyline") == 2
