"""Formats with a file for each recording."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from emotiond.exceptions import ConfigError, ResultError
from emotiond.streamer.results.columns import SPANS
from emotiond.streamer.results.files import check_free, in_place, reporting
from emotiond.streamer.results.places import places
from emotiond.streamer.results.rows import extent
from emotiond.streamer.results.tiers import Mark, Part, Tier, length, tiers_of
from emotiond.streamer.results.writer import Level, Request, Result, Write
from emotiond.streamer.standard_streams import say


@dataclass(frozen=True)
class Document:
    """What goes into the file of one recording."""

    recording: str
    """The path of the recording as it was given."""
    folder: Path
    """Where the file goes; links to the recording start there."""
    seconds: float
    """How far the tiers go."""
    tiers: Sequence[Tier]


SaveDocument: TypeAlias = "Callable[[Document, Path], None]"
"""Writes a document into a file, which is there and empty."""


@contextmanager
def document_writer(request: Request, suffix: str, save: SaveDocument) -> Iterator[Write]:
    """Write a file for each recording, into a folder or, for a single one, to standard output.

    A recording may come in several items. Its file is written when all of them are there and
    another recording comes, since there may be channels; at the latest at the end.

    Args:
        request: where to.
        suffix: that of the format, with its dot.
        save: writes one.

    Raises:
        ConfigError: several recordings would go to standard output.
        ResultError: a file cannot be written, or would replace one.
    """
    paths = _paths(request, suffix)
    left = Counter(request.files)
    parts: dict[str, list[Part]] = {}

    kept = 0

    def put(file: str) -> None:
        nonlocal kept
        path = paths[file]
        folder = Path() if path is None else path.parent
        held = parts.pop(file)
        document = Document(file, folder, length(held), tiers_of(held))
        if path is None:
            _print(document, save)
            return
        if request.is_resumed and not request.overwrite and path.exists():
            kept += 1
            return
        with in_place(path) as unfinished, reporting(path):
            save(document, unfinished)

    def write(result: Result) -> None:
        file = result["file"]
        for other in [held for held in parts if held != file and left[held] <= 0]:
            put(other)
        parts.setdefault(file, []).append(_part(result, request.level))
        left[file] -= 1

    yield write
    for file in [*parts]:  # the last one, and those of which an item could not be read
        put(file)
    if kept:
        say(f"emotiond: {kept:,} files were there and stay. --overwrite replaces them.")


def _paths(request: Request, suffix: str) -> dict[str, Path | None]:
    """Return where the file of each recording goes; None for standard output."""
    names = [*dict.fromkeys(request.files)]
    if request.output is None:
        if len(names) > 1:
            raise ConfigError(
                f"{len(names)} recordings make {len(names)} files of this format",
                "Name a folder for them with --output",
            )
        return dict.fromkeys(names)
    if request.output.exists() and not request.output.is_dir():
        raise ResultError(
            f"{request.output} is no folder, and this format makes a file for each recording",
            "Name a folder with --output",
        )
    found = places(names, request.folders, suffix)
    paths = {name: request.output / place for name, place in found.items()}
    check_free(paths.values(), request)
    return {**paths}


def _part(result: Result, level: Level) -> Part:
    start, end = extent(result)
    marks = (
        Mark(span.start, span.end, span.label, span.confidence) for span in SPANS[level](result)
    )
    return Part(start, end, result.get("channel"), tuple(marks))


def _print(document: Document, save: SaveDocument) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document"
        path.touch()
        save(document, path)
        sys.stdout.flush()
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
