"""Label tracks for Audacity: a line for each label, with tabs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.writer import Request, Write


@contextmanager
def audacity_writer(request: Request) -> Iterator[Write]:
    """Write a label track for each recording. What has no label has no line."""
    with document_writer(request, ".txt", _save) as write:
        yield write


def _save(document: Document, path: Path) -> None:
    lines = []
    for tier in document.tiers:
        note = "" if tier.channel is None else f" (channel {tier.channel})"
        for mark in tier.marks:
            if mark.label is not None:
                text = " ".join(f"{mark.label}{note}".split())
                lines.append((mark.start, mark.end, text))
    path.write_text(
        "".join(f"{start:.6f}\t{end:.6f}\t{text}\n" for start, end, text in sorted(lines)),
        "utf-8",
        newline="\n",
    )
