"""TextGrids for Praat, by praatio: in pure Python, and the one of the field's that is kept best.

Praat reads gaps, overlaps and empty intervals without a word, and then shows other labels than were
written: so intervals cover the whole recording, and those without a label are empty texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotiond.exceptions import ConfigError, install
from emotiond.streamer.results.documents import Document, document_writer
from emotiond.streamer.results.tiers import covering
from emotiond.streamer.results.writer import Request, Write


@contextmanager
def textgrid_writer(request: Request) -> Iterator[Write]:
    """Write a TextGrid for each recording.

    Raises:
        ConfigError: praatio is missing.
    """
    try:
        from praatio import textgrid
    except ModuleNotFoundError:
        raise ConfigError("a TextGrid needs the package praatio", install("praatio")) from None

    def save(document: Document, path: Path) -> None:
        grid = textgrid.Textgrid(0.0, document.seconds)
        for tier in document.tiers:
            entries = [
                (mark.start, mark.end, mark.label or "")
                for mark in covering(tier.marks, document.seconds)
            ]
            grid.addTier(textgrid.IntervalTier(tier.name, entries, 0.0, document.seconds))
        grid.save(str(path), "long_textgrid", includeBlankSpaces=False, minimumIntervalLength=None)

    with document_writer(request, ".TextGrid", save) as write:
        yield write
