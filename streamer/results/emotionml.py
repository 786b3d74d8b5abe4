"""EmotionML 1.0, the recommendation of the W3C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree  # nosec B405 - it writes alone

from emotiond.inference.card import LABELS
from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.links import relative_link
from emotiond.streamer.results.tiers import in_milliseconds
from emotiond.streamer.results.writer import Request, Write

_NAMESPACE = "http://www.w3.org/2009/10/emotionml"
_VOCABULARY = "emotiond"


@contextmanager
def emotionml_writer(request: Request) -> Iterator[Write]:
    """Write a document for each recording. What has no label has no ``emotion``."""
    with document_writer(request, ".emotionml", _save) as write:
        yield write


def _save(document: Document, path: Path) -> None:
    root = ElementTree.Element(
        "emotionml",
        {"xmlns": _NAMESPACE, "version": "1.0", "category-set": f"#{_VOCABULARY}"},
    )
    vocabulary = ElementTree.SubElement(root, "vocabulary", {"type": "category", "id": _VOCABULARY})
    for label in LABELS:
        ElementTree.SubElement(vocabulary, "item", {"name": label})
    link = relative_link(document.recording, document.folder)
    for tier in document.tiers:
        for start, end, mark in in_milliseconds(tier.marks):
            emotion = ElementTree.SubElement(root, "emotion", {"expressed-through": "voice"})
            ElementTree.SubElement(
                emotion,
                "category",
                {"name": mark.label or "", "confidence": f"{mark.confidence:.4f}"},
            )
            # Times in a recording are a media fragment; 'start' and 'end' would be dates.
            fragment = f"#t={start / 1000:.3f},{end / 1000:.3f}"
            track = "" if tier.channel is None else f"&track=channel-{tier.channel}"
            ElementTree.SubElement(
                emotion, "reference", {"uri": f"{link}{fragment}{track}", "role": "expressedBy"}
            )
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, "utf-8", xml_declaration=True)
