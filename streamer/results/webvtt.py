"""WebVTT: cues for the players of browsers."""

from __future__ import annotations

import heapq
import html
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.tiers import Tier, in_milliseconds
from emotiond.streamer.results.writer import Request, Write


@contextmanager
def webvtt_writer(request: Request) -> Iterator[Write]:
    """Write cues for each recording. What has no label has no cue."""
    with document_writer(request, ".vtt", _save) as write:
        yield write


def _save(document: Document, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("WEBVTT\n")
        for start, end, text in heapq.merge(*map(_cues, document.tiers)):
            file.write(f"\n{_time(start)} --> {_time(end)}\n{text}\n")


def _cues(tier: Tier) -> Iterator[tuple[int, int, str]]:
    voice = "" if tier.channel is None else f"<v channel {tier.channel}>"
    for start, end, mark in in_milliseconds(tier.marks):
        label = html.escape(" ".join((mark.label or "").split()), quote=False)
        yield start, end, f"{voice}{label} {mark.confidence:.0%}"


def _time(milliseconds: int) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"
