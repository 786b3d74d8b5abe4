"""Deletes the oldest parts of a recording, so that all together keep to a quota."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from emotiond.streamer.recordings import names
from emotiond.streamer.recordings.database import APPLICATION
from emotiond.streamer.recordings.head import head_of

_log = logging.getLogger(__name__)

_HEAD_BYTES = 72  # of an SQLite file, of which the last four tell the application
_LOOKS_A_QUOTA = 100  # how often the files are looked at while the quota fills once


class Quota:
    """Keeps the parts of one recording to a size, those of earlier runs included.

    What it deletes has a name that :func:`names.stamped` makes of the recording's, is a regular
    file of this user, begins as a recording of the same stream, and is written by nobody.
    Everything else stays, however old it is.

    Args:
        wanted: the sound file as ``--record`` names it.
        stream: the stream that is recorded.
        most_bytes: of all parts together.
    """

    def __init__(self, wanted: Path, stream: str, most_bytes: int) -> None:
        self.deleted_files = 0
        """Number of deleted files."""
        self.deleted_bytes = 0
        self._wanted = wanted
        self._stream = stream
        self._most_bytes = most_bytes
        self._ours: set[str] = set()  # stems of parts that are known as this recording's
        self._others: dict[str, int] = {}  # stems of what is not, with the size when it was read
        self._stuck: set[str] = set()  # stems of parts that cannot be deleted
        self._looked_at_bytes: tuple[Path, int] | None = None

    def keep(self, present: Path, present_bytes: int) -> None:
        """Delete what is too much, if enough was written since the last look.

        Args:
            present: the sound file that is being written. It stays.
            present_bytes: the size of the present part.
        """
        last = self._looked_at_bytes
        grown = None if last is None or last[0] != present else present_bytes - last[1]
        if grown is not None and grown < self._most_bytes // _LOOKS_A_QUOTA:
            return
        self._looked_at_bytes = present, present_bytes
        total = present_bytes
        parts = [(path, size_of(path)) for path in self._parts(but=present.stem)]
        total += sum(size for _, size in parts)
        for path, size in parts:
            if total <= self._most_bytes:
                return
            if self._delete(path):
                total -= size

    def _parts(self, but: str) -> Iterator[Path]:
        """Yield the sound files of all parts of this recording but one, the oldest first."""
        endings = (names.SOUND, names.JSON_LINES, names.DATABASE)
        try:
            found = {each.stem for each in self._wanted.parent.iterdir() if each.suffix in endings}
        except OSError:
            found = set()
        found = {each for each in found if names.is_stamped(each, self._wanted.stem)}
        for stem in sorted(found - {but}):
            path = self._wanted.with_name(stem + names.SOUND)
            if stem in self._ours or self._is_ours(path):
                self._ours.add(stem)
                yield path

    def _is_ours(self, path: Path) -> bool:
        """Return whether a part is of this recording. Of files of others nothing is read."""
        size = size_of(path)
        if self._others.get(path.stem) == size or not are_own_files(path):
            return False
        head = head_of(path)
        is_ours = head is not None and head.stream == self._stream
        if not is_ours:
            self._others[path.stem] = size
        return is_ours

    def _delete(self, path: Path) -> bool:
        """Delete a part. Returns whether all its files are gone; if not, says so once."""
        problem = None
        if is_written(path):
            problem = "another program writes it"
        else:
            sizes: list[int] = []
            try:
                for size in delete_files(path):
                    sizes.append(size)
            except OSError as error:
                problem = error.strerror
            self.deleted_files += len(sizes)
            self.deleted_bytes += sum(sizes)
        if problem is not None and path.stem not in self._stuck:
            self._stuck.add(path.stem)
            _log.warning("%s cannot be deleted for the quota of recordings: %s", path, problem)
        return problem is None


def delete_files(path: Path) -> Iterator[int]:
    """Delete all files of a part, and yield the size of each.

    Raises:
        OSError: one cannot be deleted. Those behind it in :data:`names.ALL` stay.
    """
    for ending in _endings(path):
        each = names.beside(path, ending)
        try:
            about = each.lstat()
            each.unlink()
        except FileNotFoundError:
            continue
        yield about.st_size


def stats_of(path: Path) -> Sequence[os.stat_result]:
    """Return what the system says of the files of a part that are there. No link is followed."""
    stem = os.fspath(path.with_name(path.stem))
    found: list[os.stat_result] = []
    for ending in _endings(path):
        with contextlib.suppress(OSError):
            found.append(os.lstat(stem + ending))
    return found


def _endings(path: Path) -> Sequence[str]:
    """Return what the names of a part's files end with: no database of ``analyze`` is one of them.

    SQLite's file says what it is in its first bytes (its format, 1.3).
    """
    head = b""
    with contextlib.suppress(OSError):
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(names.beside(path, names.DATABASE), flags)
        try:
            head = os.read(descriptor, _HEAD_BYTES)
        finally:
            os.close(descriptor)
    if not head or head.endswith(APPLICATION.to_bytes(4, "big")):
        return names.ALL
    return tuple(each for each in names.ALL if not each.startswith(names.DATABASE))


def are_own_files(path: Path) -> bool:
    """Return whether all files of a part are regular ones of this user."""
    return all(map(is_own_file, stats_of(path)))


def size_of(path: Path) -> int:
    """Return the size of all files of a part, in bytes."""
    return sum(about.st_size for about in stats_of(path))


def is_own_file(about: os.stat_result) -> bool:
    """Return whether this is a regular file of this user."""
    is_own = os.name != "posix" or about.st_uid == os.geteuid()
    return stat.S_ISREG(about.st_mode) and is_own


def is_written(path: Path) -> bool:
    """Return whether a program holds the lock of a sound file, as the one that writes it does."""
    if sys.platform == "win32":
        return False  # an open file cannot be deleted there
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(descriptor)
    return False
