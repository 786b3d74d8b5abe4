"""EmotionML 1.0, the recommendation of the W3C."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotiond.inference.card import LABELS
from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.links import relative_link
from emotiond.streamer.results.tiers import Tier, in_milliseconds
from emotiond.streamer.results.writer import Request, Write

_NAMESPACE = "http://www.w3.org/2009/10/emotionml"
_VOCABULARY = "emotiond"


@contextmanager
def emotionml_writer(request: Request) -> Iterator[Write]:
    """Write a document for each recording. What has no label has no ``emotion``."""
    with document_writer(request, ".emotionml", _save) as write:
        yield write


def _save(document: Document, path: Path) -> None:
    link = relative_link(document.recording, document.folder)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'<?xml version="1.0" encoding="utf-8"?>\n<emotionml xmlns="{_NAMESPACE}"')
        file.write(f' version="1.0" category-set="#{_VOCABULARY}">\n')
        file.write(f'  <vocabulary type="category" id="{_VOCABULARY}">\n')
        file.writelines(f'    <item name="{html.escape(label)}" />\n' for label in LABELS)
        file.write("  </vocabulary>\n")
        for tier in document.tiers:
            file.writelines(_emotions(tier, link))
        file.write("</emotionml>\n")


def _emotions(tier: Tier, link: str) -> Iterator[str]:
    track = "" if tier.channel is None else f"&track=channel-{tier.channel}"
    for start, end, mark in in_milliseconds(tier.marks):
        # Times in a recording are a media fragment; 'start' and 'end' would be dates.
        uri = f"{link}#t={start / 1000:.3f},{end / 1000:.3f}{track}"
        name, confidence = html.escape(mark.label or ""), f"{mark.confidence:.4f}"
        yield '  <emotion expressed-through="voice">\n'
        yield f'    <category name="{name}" confidence="{confidence}" />\n'
        yield f'    <reference uri="{html.escape(uri)}" role="expressedBy" />\n'
        yield "  </emotion>\n"
