"""Finds the archive that ``--history`` names: a file, or a database."""

from __future__ import annotations

from pathlib import Path

from emotiond.streamer.uploads.archive import Archive
from emotiond.streamer.uploads.postgresql_archive import SCHEMES, PostgresqlArchive
from emotiond.streamer.uploads.sqlite_archive import SqliteArchive


def archive_at(place: str) -> Archive:
    """Return the archive in a file, or in PostgreSQL. Nothing is opened yet.

    Raises:
        ConfigError: see :class:`PostgresqlArchive`.
    """
    if place.startswith(SCHEMES):
        return PostgresqlArchive(place)
    return SqliteArchive(Path(place))
