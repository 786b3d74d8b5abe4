"""Annotations for ELAN, by pympi-ling: in pure Python, and the usual one.

ELAN counts whole milliseconds and has no annotations of no length. What has no label has no
annotation: gaps are usual there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from mimetypes import guess_type
from pathlib import Path

from emotiond.exceptions import ConfigError, install
from emotiond.inference.card import LABELS
from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.links import absolute_link, relative_link
from emotiond.streamer.results.tiers import TIER, in_milliseconds
from emotiond.streamer.results.writer import STANDARD_INPUT, Request, Write

_LANGUAGE = "und"


@contextmanager
def elan_writer(request: Request) -> Iterator[Write]:
    """Write an EAF file for each recording.

    Raises:
        ConfigError: pympi-ling is missing.
    """
    try:
        from pympi.Elan import Eaf
    except ModuleNotFoundError:
        raise ConfigError(
            "ELAN's format needs the package pympi-ling", install("pympi-ling")
        ) from None

    def save(document: Document, path: Path) -> None:
        eaf = Eaf(author="emotiond")
        # Its own date is wrong where time zones have half hours.
        eaf.adocument["DATE"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        # Who corrects a label chooses from a list.
        eaf.add_language(_LANGUAGE)
        eaf.add_controlled_vocabulary(TIER)
        for number, label in enumerate(LABELS):
            eaf.add_cv_entry(TIER, f"label-{number}", [(label, _LANGUAGE, None)])
        eaf.add_linguistic_type(TIER, param_dict=_typed(TIER))
        for tier in document.tiers:
            eaf.add_tier(tier.name, TIER)
            for start, end, mark in in_milliseconds(tier.marks):
                eaf.add_annotation(tier.name, start, end, mark.label)
        eaf.remove_tier("default")
        eaf.remove_linguistic_type("default-lt")
        if document.recording != STANDARD_INPUT:
            eaf.add_linked_file(
                absolute_link(document.recording),
                relative_link(document.recording, document.folder),
                guess_type(document.recording)[0] or "unknown",
            )
        path.unlink()  # pympi would keep it as a backup
        eaf.to_file(path)

    with document_writer(request, ".eaf", save) as write:
        yield write


def _typed(name: str) -> dict[str, str | None]:
    return {
        "LINGUISTIC_TYPE_ID": name,
        "TIME_ALIGNABLE": "true",
        "GRAPHIC_REFERENCES": "false",
        "CONTROLLED_VOCABULARY_REF": name,
    }
