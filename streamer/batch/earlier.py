"""The results that an earlier run has kept, for a run with another output."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path

from emotiond.streamer.batch.analyst import Findings
from emotiond.streamer.batch.store_file import FINISHED, StoreFile, findings_of, settings_of
from emotiond.streamer.foreign_database import state_of


class Earlier:
    """The database of another output. It is only read. Any thread may use it.

    Args:
        path: the database.
        settings: what all results depend on, by its name for messages.

    Raises:
        ResultError: it is not there or cannot be read, another run has it, or it belongs to another
            program, to another version or to other settings.
    """

    def __init__(self, path: Path, settings: Mapping[str, str]) -> None:
        self._file = StoreFile(path, "name the .sqlite file beside another output with --reuse")
        self._lock = threading.Lock()
        with self._file.reporting():
            self._state = state_of(path)
        self._database = self._file.open_for_reading()
        try:
            with self._file.reading():
                kept = settings_of(self._database)
            kept.pop(FINISHED, None)
            self._file.check(kept, settings)
        except BaseException:
            self._database.close()
            raise

    def get(self, key: str) -> Findings | None:
        """Return the result of a key; None if it is not there, or not whole.

        Raises:
            ResultError: the file cannot be read.
        """
        with self._lock, self._file.reading():
            found = findings_of(self._database, key)
            self._file.refuse_changed(self._state)
            return found

    def close(self) -> None:
        """Close the file."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._database.close()
