"""Label tracks for Audacity: a line for each label, with tabs."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.tiers import Tier
from emotiond.streamer.results.writer import Request, Write


@contextmanager
def audacity_writer(request: Request) -> Iterator[Write]:
    """Write a label track for each recording. What has no label has no line."""
    with document_writer(request, ".txt", _save) as write:
        yield write


def _save(document: Document, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(heapq.merge(*map(_lines, document.tiers), key=_start))


def _lines(tier: Tier) -> Iterator[str]:
    note = "" if tier.channel is None else f" (channel {tier.channel})"
    for mark in tier.marks:
        if mark.label is not None:
            text = " ".join(f"{mark.label}{note}".split())
            yield f"{mark.start:.6f}\t{mark.end:.6f}\t{text}\n"


def _start(line: str) -> float:
    return float(line.partition("\t")[0])
