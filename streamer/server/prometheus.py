"""The text format of Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Sample:
    """One value of a metric."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """A metric with all its samples."""

    name: str
    """The name ends with the unit, and with ``_total`` for a counter."""
    kind: Literal["counter", "gauge"]
    help: str
    samples: Sequence[Sample]


def metric(
    name: str,
    kind: Literal["counter", "gauge"],
    text: str,
    *samples: tuple[float, Mapping[str, str]],
) -> Metric:
    """Make a metric from pairs of a value and its labels."""
    return Metric(name, kind, text, [Sample(value, labels) for value, labels in samples])


def exposition(metrics: Sequence[Metric]) -> str:
    """Return the whole answer to a scrape, without metrics that have no sample."""
    lines: list[str] = []
    for each in metrics:
        if each.samples:
            lines += [f"# HELP {each.name} {each.help}", f"# TYPE {each.name} {each.kind}"]
        lines += [
            f"{each.name}{_labels(sample.labels)} {sample.value:.10g}" for sample in each.samples
        ]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    """Escape a label. A single surrogate, which UTF-8 lacks, becomes a question mark."""
    text = text.encode("utf-8", "replace").decode()
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
