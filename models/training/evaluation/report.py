"""Writes one HTML page per model: figures, confusion matrix, curves. It needs no other file."""

from __future__ import annotations

import html
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emotiond.inference.card import LABELS
from emotiond.models.training.evaluation.plots import Line, heat_map, line_plot

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c1c1e; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .25rem .75rem;
       border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
       th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 11rem }
svg { max-width: 100%; height: auto } h2 { margin-top: 2.5rem }
"""


_POINTS = 60
"""Points of a curve over the steps of a training."""


def write_report(path: Path, results: Mapping[str, Any]) -> None:
    """Write the page of one evaluation.

    Args:
        path: the HTML file; its folder is made.
        results: the results from ``emotiond.models.training.evaluate``.
    """
    card, cold = results["card"], results["cold"]
    title = f"emotiond model {card['name']}"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(card['description'])}</p>",
        f"<p>{html.escape(results['protocol'])}</p>",
        *([_list(results["notes"])] if results["notes"] else []),
        f"<p>Streams of each actor: {results['extent']['streams']}; random orders to adapt in: "
        f"{results['extent']['orders']}.</p>",
        "<h2>Whole clips</h2>",
        _clip_rows(results),
        _seed_rows(results["seeds"]),
        f"<h2>After one emotion for {results['extent']['held_seconds']:g} s</h2>",
        "<p>Clips of one actor per fold, of the same emotion and of others. Before is cold.</p>",
        _held_rows(results["held"]),
        "<h2>Classification report, cold</h2>",
        _class_rows(cold["per_class"]),
        "<h2>Confusion matrix, cold</h2>",
        heat_map(cold["confusion"], LABELS),
        "<h2>One window</h2>",
        _table(("window ends after", "accuracy"), _percent_rows(results["windows"])),
        "<h2>On a stream</h2>",
        _table(("figure", "value"), _stream_rows(results["stream"])),
        "<h2>In the two seconds after a change inside speech</h2>",
        _table(("figure", "value"), _stream_rows(results["changes"])),
        "<h2>Threshold of the label</h2>",
        _threshold_plot(results["thresholds"]),
        "<h2>Calibration</h2>",
        _calibration_plot(cold["calibration"]),
        "<h2>Noise, rooms, lines and levels</h2>",
        _condition_rows(results["conditions"]),
        "<h2>No voice, no emotion</h2>",
        _table(("sound", "strides with a label"), _percent_rows(results["noise"])),
        "<p>Noises: the shipped model, with the settings fitted on all folds. "
        "Speech: the models of the folds, with their settings.</p>",
        _table(("", "share"), _percent_rows(results["open"])),
        "<h2>Training</h2>",
        "<p>The first fold, with the weights of each step; their running average ships. Training "
        "windows are mixed in pairs and use dropout. Held-out windows do not, and serve only this "
        "chart. The loss jumps where the next part of the training weights its terms "
        "differently.</p>",
        *_training_plots(results["curves"]),
        "<h2>Use</h2>",
        f"<p>{html.escape(card['intended_use'])}</p>",
        f"<p><strong>Not for:</strong> {html.escape(card['not_for'])}</p>",
        _list(card["known_weaknesses"]),
        "<h2>Training data</h2>",
        _list(card["training_data"]),
    ]
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, "utf-8")


def _clip_rows(results: Mapping[str, Any]) -> str:
    named = {
        "cold": results["cold"],
        "adapting, random order": results["adapted"],
        "adapting, sorted by emotion": results["adapted_sorted"],
        "enrolled with the neutral clips (which are not scored)": results["enrolled"]["enrolled"],
        "the same clips, cold": results["enrolled"]["cold"],
    }
    rows = []
    for name, table in named.items():
        if table["accuracy"] is None:
            continue
        low, high = table["interval"]
        rows.append(
            (
                name,
                percent(table["accuracy"]),
                f"{percent(low)} – {percent(high)}",
                percent(table["unweighted_average_recall"]),
                f"{table['calibration_error']:.3f}",
                " ".join(percent(x) for x in table["folds"]),
                " / ".join(percent(share) for share in table["by_sex"].values()) or "–",
            )
        )
    heads = ("", "accuracy", "95 % over actors", "UAR", "ECE", "folds", "female / male")
    return _table(heads, rows)


def _seed_rows(seeds: Sequence[Sequence[float]]) -> str:
    """Make a table of cold accuracies by fold, for trainings with different seeds."""
    means = [sum(folds) / len(folds) for folds in seeds]
    rows = [
        (f"training {number}", percent(mean), " ".join(percent(fold) for fold in folds))
        for number, (mean, folds) in enumerate(zip(means, seeds, strict=True), 1)
    ]
    if len(means) > 1:
        spread = f"{percent(statistics.fmean(means))} ± {100 * statistics.stdev(means):.1f}"
        rows.append(("mean and standard deviation over trainings", spread, ""))
    spread = f"{100 * statistics.stdev(seeds[0]):.1f} points"
    rows.append(("standard deviation over folds of training 1", spread, ""))
    return _table(("cold, mean of the folds", "accuracy", "folds"), rows)


def _held_rows(held: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        (kind, *(percent(table[moment]) for moment in ("before", "after")))
        for kind, table in held.items()
    ]
    return _table(("clips of", "before", "after"), rows)


def _class_rows(per_class: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        (label, *(percent(row[key]) for key in ("precision", "recall", "f1")))
        for label, row in per_class.items()
    ]
    return _table(("label", "precision", "recall", "F1"), rows)


def _condition_rows(conditions: Mapping[str, Mapping[str, Any]]) -> str:
    reference = conditions["as recorded"]["accuracy"]
    rows = [
        (name, percent(table["accuracy"]), f"{100 * (table['accuracy'] - reference):+.1f}")
        for name, table in conditions.items()
    ]
    clips = conditions["as recorded"]["clips"]
    return _table((f"condition ({clips} clips)", "accuracy", "points"), rows)


def _stream_rows(stream: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (key.replace("_", " "), f"{value:g}") for key, value in stream.items() if key != "folds"
    ]


def _threshold_plot(rows: Sequence[Mapping[str, float]]) -> str:
    thresholds = [row["uncertain_below"] for row in rows]
    lines = [
        Line("right where labelled", thresholds, [row["right_where_labelled"] for row in rows]),
        Line("share labelled", thresholds, [row["labelled_share"] for row in rows]),
        Line("share right", thresholds, [row["share_right"] for row in rows]),
    ]
    return line_plot(lines, "uncertain below", "share of speech")


def _calibration_plot(points: Sequence[Mapping[str, float]]) -> str:
    lines = [
        Line("clips", [p["confidence"] for p in points], [p["accuracy"] for p in points]),
        Line("ideal", [0.0, 1.0], [0.0, 1.0]),
    ]
    return line_plot(lines, "confidence", "accuracy")


def _training_plots(trainings: Sequence[Mapping[str, Sequence[float]]]) -> list[str]:
    """Plot loss, and accuracy on training windows and on held-out windows."""
    charts = {
        "loss": "loss",
        "accuracy": "accuracy, training windows",
        "held_out": "accuracy, held-out actors",
    }
    plots = []
    for key, title in charts.items():
        lines = [
            _averaged(f"training {number}", training[key])
            for number, training in enumerate(trainings, 1)
        ]
        measured = [y for line in lines for y in line.y]
        if measured:
            plots.append(line_plot(lines, "step", title, low_y=min(measured)))
    return plots


def _averaged(name: str, values: Sequence[float]) -> Line:
    """Average over groups of steps, without missing values."""
    size = max(1, len(values) // _POINTS)
    points = []
    for first in range(0, len(values), size):
        measured = [v for v in values[first : first + size] if not math.isnan(v)]
        if measured:
            points.append((first + size / 2, sum(measured) / len(measured)))
    name = name if points else f"{name}: not measured"
    return Line(name, [x for x, _ in points], [y for _, y in points])


def _percent_rows(values: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), percent(value)) for name, value in values.items()]


def percent(value: float) -> str:
    """Format a share as a percentage with one decimal."""
    return f"{100 * value:.1f} %"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _list(items: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"
