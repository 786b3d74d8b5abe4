"""Tiers: labels over the whole of a recording, as programs for annotation show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

TIER = "emotion"


@dataclass(frozen=True, slots=True)
class Mark:
    """A label over a part of a recording. Times are seconds, or whole milliseconds."""

    start: float
    end: float
    label: str | None
    confidence: float | None = None


@dataclass(frozen=True)
class Part:
    """One item of a recording: all of it, a segment or a channel."""

    start: float
    end: float
    channel: int | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Tier:
    """Marks one after the other, which never overlap."""

    name: str
    channel: int | None
    marks: tuple[Mark, ...]


def tiers_of(parts: Iterable[Part]) -> list[Tier]:
    """Return tiers that hold all parts, at least one.

    Each channel has its tier. Segments that overlap go into several tiers.
    """
    rows: list[tuple[int | None, list[Part]]] = []
    for part in sorted(set(parts), key=lambda part: (part.channel or 0, part.start, part.end)):
        for channel, row in rows:
            if channel == part.channel and row[-1].end <= part.start:
                row.append(part)
                break
        else:
            rows.append((part.channel, [part]))
    tiers: list[Tier] = []
    for channel, row in rows:
        name = TIER if channel is None else f"{TIER} channel {channel}"
        number = 1 + sum(tier.channel == channel for tier in tiers)
        marks = tuple(mark for part in row for mark in part.marks)
        tiers.append(Tier(name if number == 1 else f"{name} ({number})", channel, marks))
    return tiers


def covering(marks: Iterable[Mark], end: float) -> list[Mark]:
    """Return marks that cover a recording from 0 to its end, without gaps or empty marks.

    What has no label is one mark for as long as it lasts.

    Args:
        marks: in order, without overlaps.
        end: not before the end of the last mark.
    """
    covered: list[Mark] = []

    def add(mark: Mark) -> None:
        if mark.end <= mark.start:
            return
        if covered and covered[-1].label is None and mark.label is None:
            covered[-1] = Mark(covered[-1].start, mark.end, None)
        else:
            covered.append(mark)

    at = 0.0
    for mark in marks:
        add(Mark(at, mark.start, None))
        add(mark)
        at = mark.end
    add(Mark(at, end, None))
    return covered


def in_milliseconds(marks: Iterable[Mark]) -> Iterator[tuple[int, int, Mark]]:
    """Yield the marks that have a label, with start and end in whole milliseconds.

    Marks that become empty are left out. Marks that touched still touch.
    """
    for mark in marks:
        start, end = round(mark.start * 1000), round(mark.end * 1000)
        if start < end and mark.label is not None:
            yield start, end, mark


def length(parts: Sequence[Part]) -> float:
    """Return the second at which the last part ends."""
    return max(part.end for part in parts)
