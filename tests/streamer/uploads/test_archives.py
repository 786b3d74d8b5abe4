"""What ``--history`` may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.uploads.archives import archive_at
from emotiond.streamer.uploads.sqlite_archive import SqliteArchive


@pytest.mark.parametrize("scheme", ["POSTGRESQL", "postgresql+psycopg", "mysql"])
def test_an_address_of_another_kind_is_no_file(scheme: str) -> None:
    """It made folders of that name, and kept a history that nobody shared."""
    with pytest.raises(ConfigError, match="only a file or postgresql://") as refused:
        archive_at(f"{scheme}://anna:a-secret@db.example/emotions")
    assert "a-secret" not in str(refused.value)


def test_all_else_is_a_file(tmp_path: Path) -> None:
    assert isinstance(archive_at(str(tmp_path / "postgresql")), SqliteArchive)
