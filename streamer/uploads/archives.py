"""Finds the archive that ``--history`` names: a file, or a database."""

from __future__ import annotations

from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.streamer.uploads.archive import Archive
from emotiond.streamer.uploads.postgresql_archive import SCHEMES, PostgresqlArchive
from emotiond.streamer.uploads.sqlite_archive import SqliteArchive


def archive_at(place: str) -> Archive:
    """Return the archive in a file, or in PostgreSQL. Nothing is opened yet.

    Raises:
        ConfigError: it is an address of another kind, or see :class:`PostgresqlArchive`.
    """
    if place.startswith(SCHEMES):
        return PostgresqlArchive(place)
    if "://" in place:  # a password may be in it, so it is not shown
        raise ConfigError(
            "history cannot be an address of this kind, only a file or postgresql://",
            "Use --history 'postgresql://[USER@]HOST[:PORT]/DATABASE'",
        )
    return SqliteArchive(Path(place))
