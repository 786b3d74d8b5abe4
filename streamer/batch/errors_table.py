"""The table of what could not be analyzed, beside the output."""

from __future__ import annotations

import contextlib
import csv
import stat
from collections.abc import Iterable
from pathlib import Path

from emotiond.exceptions import ResultError, SourceError
from emotiond.inference.files import open_regular
from emotiond.streamer.batch.item import Item
from emotiond.streamer.results.csv_table import harmless, harmless_text, quoting_for
from emotiond.streamer.results.files import identities, in_place, reporting

COLUMNS = ("file", "start", "end", "channel", "problem", "remedy")
_HEADER = ",".join(COLUMNS).encode()
Row = tuple[str, float | None, float | None, int | None, str, str]


def row_of(item: Item, error: SourceError) -> Row:
    """Return the row of an item that could not be analyzed."""
    return (
        item.file,
        item.start_seconds,
        item.end_seconds,
        item.channel,
        error.problem,
        error.remedy,
    )


def check_errors(path: Path, recordings: Iterable[str], *, overwrite: bool) -> None:
    """Refuse a place for the table that holds anything but the table of an earlier run.

    Args:
        path: where the table would go.
        recordings: what is analyzed.
        overwrite: whether a file of another kind may be replaced. A recording never is.

    Raises:
        ResultError: a link is there, no regular file, a recording, or a file of another kind.
    """
    with reporting(path):
        try:
            about = path.lstat()
        except FileNotFoundError:
            return
        otherwise = "name another --output"
        elsewhere = f"Move it away, or {otherwise}"
        if stat.S_ISLNK(about.st_mode):
            raise ResultError(f"{path} is a link, and the table of errors goes there", elsewhere)
        if not stat.S_ISREG(about.st_mode):
            raise ResultError(f"{path} is no file, and the table of errors goes there", elsewhere)
        if any((about.st_dev, about.st_ino) == found for found in identities(recordings)):
            raise ResultError(
                f"{path} is a recording, and the table of errors goes there", elsewhere
            )
        if not overwrite and not _is_ours(path):
            raise ResultError(
                f"{path} is there already, and is no table of errors",
                f"Add --overwrite to replace it, or {otherwise}",
            )


def write_errors(
    path: Path, rows: Iterable[Row], recordings: Iterable[str] = (), *, overwrite: bool = False
) -> None:
    """Write the table.

    The place is checked once more, since hours may have passed. A link that comes at the last
    moment is replaced, and not what it leads to.

    Raises:
        ResultError: it cannot be written, or :func:`check_errors` refuses what is there now.
    """
    check_errors(path, recordings, overwrite=overwrite)
    with (
        in_place(path, follows=False) as unfinished,
        reporting(path),
        unfinished.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        csv.writer(file).writerow(COLUMNS)
        for name, start, end, channel, problem, remedy in rows:
            named = harmless(name)
            values = named, start, end, channel, harmless_text(problem), remedy
            csv.writer(file, quoting=quoting_for(named)).writerow(values)


def remove_errors(path: Path) -> None:
    """Remove the table of an earlier run. Whatever else is there stays."""
    with contextlib.suppress(OSError):
        if not path.is_symlink() and _is_ours(path):
            path.unlink()


def _is_ours(path: Path) -> bool:
    with open_regular(path) as file:
        return file.readline(len(_HEADER) + 2).rstrip(b"\r\n") == _HEADER
