"""The names of a recording's files."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

SOUND = ".wav"
JSON_LINES = ".jsonl"
DATABASE = ".sqlite"
BESIDE_DATABASE = tuple(DATABASE + suffix for suffix in ("-wal", "-shm", "-journal"))
"""SQLite's own files, while it writes."""
ALL = (SOUND, *BESIDE_DATABASE, JSON_LINES, DATABASE)
"""What the names of one part's files end with, after the same stem. In this order they are deleted:
those with the events last, since they say what the others are."""

_STAMP = re.compile(r"(.*)-[0-9]{8}T[0-9]{6}Z", re.DOTALL)
_NUMBER = re.compile(r"(.*)-[0-9]{1,9}", re.DOTALL)


def numbered(path: Path) -> Iterator[Path]:
    """Yield ``FILE.wav``, ``FILE-2.wav`` and so on."""
    yield path
    for number in itertools.count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def stamped(path: Path, unix_seconds: float) -> Iterator[Path]:
    """Yield ``FILE-20261129T230000Z.wav``, then the names of the seconds that follow.

    The time is UTC: so names sort by time, in the hour that a summer time repeats, too.

    Args:
        path: ``FILE.wav``.
        unix_seconds: when the part begins.
    """
    begin = datetime.datetime.fromtimestamp(int(unix_seconds), datetime.timezone.utc)
    for seconds in itertools.count():
        moment = begin + datetime.timedelta(seconds=seconds)
        yield path.with_stem(f"{path.stem}-{moment:%Y%m%dT%H%M%SZ}")


def is_stamped(stem: str, wanted_stem: str) -> bool:
    """Return whether :func:`stamped` makes this stem for a recording."""
    match = _STAMP.fullmatch(stem)
    return match is not None and match[1] == wanted_stem


def recording_of(stem: str) -> str:
    """Return the stem of ``--record`` that a part's stem is made of."""
    match = _STAMP.fullmatch(stem) or _NUMBER.fullmatch(stem)
    return stem if match is None else match[1]


def beside(path: Path, ending: str) -> Path:
    """Return the name of another file of the same part.

    Args:
        path: any file of the part with a suffix.
        ending: one of :data:`ALL`.
    """
    return path.with_name(path.stem + ending)
