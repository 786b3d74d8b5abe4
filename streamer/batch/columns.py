"""The columns of a table of recordings, by any of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emotiond.exceptions import ConfigError

_NAMES = {
    "file": ("file", "path", "filename", "file_path", "filepath"),
    "start": ("start", "start_seconds", "start_time", "begin", "onset"),
    "end": ("end", "end_seconds", "end_time", "offset"),
    "channel": ("channel",),
}
"""Names that the columns may have, in small letters."""


def columns_of(name: str, head: Sequence[str]) -> Mapping[str, int]:
    """Return where the columns are: ``file``, and what there is of the others.

    Args:
        name: the table, for messages.
        head: the titles of its columns.

    Raises:
        ConfigError: there is no column of files, or two columns have one name.
    """
    small = [title.strip().lower() for title in head]
    found = {
        key: small.index(title)
        for key, titles in _NAMES.items()
        for title in titles[::-1]
        if title in small
    }
    for at in found.values():
        if small.count(small[at]) > 1:
            raise ConfigError(
                f"{name}: the table has {small.count(small[at])} columns '{small[at]}'",
                "Leave one of them, or give the others another name",
            )
    if "file" not in found:
        raise ConfigError(
            f"{name}: the table has no column 'file'",
            "Its first line has to name the columns: file, and perhaps start and end in seconds",
        )
    return found
