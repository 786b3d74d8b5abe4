"""Draws the results."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from benchmarks.support.harness import Plot


def draw(plot: Plot, path: Path) -> None:
    """Write a plot as PNG."""
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, (x, y) in plot.curves.items():
        axes.plot(x, y, label=name, marker="." if len(x) < 30 else None)
    if plot.logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
