"""Annotations for ELAN, by pympi-ling: in pure Python, and the usual one.

ELAN counts whole milliseconds and has no annotations of no length. What has no label has no
annotation: gaps are usual there. Each annotation has two time slots of its own, as in ELAN: whoever
moves the end of one does not move the next one.

pympi holds a kilobyte and a half for each annotation, and the strides of twelve hours would take
400 MB. So it writes the document, and the annotations go into its empty elements one by one.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from mimetypes import guess_type
from pathlib import Path

from emotiond.exceptions import ConfigError, install
from emotiond.inference.card import LABELS
from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.links import absolute_link, relative_link
from emotiond.streamer.results.tiers import TIER, Tier, in_milliseconds
from emotiond.streamer.results.writer import STANDARD_INPUT, Request, Write

_LANGUAGE = "und"
_EMPTY = re.compile(r"<(TIME_ORDER|TIER [^<>]*?) ?/>")
_FIRST = 1  # annotation


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
        empty = path.read_text("utf-8")
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(_filled(empty, document.tiers))

    with document_writer(request, ".eaf", save) as write:
        yield write


def _typed(name: str) -> dict[str, str | None]:
    return {
        "LINGUISTIC_TYPE_ID": name,
        "TIME_ALIGNABLE": "true",
        "GRAPHIC_REFERENCES": "false",
        "CONTROLLED_VOCABULARY_REF": name,
    }


def _filled(empty: str, tiers: Sequence[Tier]) -> Iterator[str]:
    """Yield a document in parts: time slots and annotations come into its empty elements."""
    head, *rest = _EMPTY.split(empty)  # what is empty, and what is behind it
    assert [element.split()[0] for element in rest[::2]] == ["TIME_ORDER", *["TIER"] * len(tiers)]
    yield head
    first = _FIRST
    for element, behind, tier in zip(rest[::2], rest[1::2], (None, *tiers), strict=True):
        yield f"<{element}>"
        if tier is None:
            yield from _time_slots(tiers)
        else:
            yield from _annotations(tier, first)
            first += sum(1 for _ in in_milliseconds(tier.marks))
        yield f"\n\t</{element.split()[0]}>{behind}"


def _time_slots(tiers: Sequence[Tier]) -> Iterator[str]:
    marks = itertools.chain.from_iterable(in_milliseconds(tier.marks) for tier in tiers)
    times = itertools.chain.from_iterable((start, end) for start, end, _ in marks)
    for slot, at in enumerate(times, 2 * _FIRST):
        yield f'\n\t\t<TIME_SLOT TIME_SLOT_ID="ts{slot}" TIME_VALUE="{at}" />'


def _annotations(tier: Tier, first: int) -> Iterator[str]:
    for number, (_, _, mark) in enumerate(in_milliseconds(tier.marks), first):
        yield (
            "\n\t\t<ANNOTATION>"
            f'\n\t\t\t<ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" '
            f'TIME_SLOT_REF1="ts{2 * number}" TIME_SLOT_REF2="ts{2 * number + 1}">'
            f"\n\t\t\t\t<ANNOTATION_VALUE>{html.escape(mark.label or '')}</ANNOTATION_VALUE>"
            "\n\t\t\t</ALIGNABLE_ANNOTATION>"
            "\n\t\t</ANNOTATION>"
        )
