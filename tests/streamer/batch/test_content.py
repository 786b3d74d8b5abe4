"""A recording is known by what is in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.content import digest_of, state_of


def test_the_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    content = os.urandom(2**20 + 17)  # more than a block
    (tmp_path / "x").write_bytes(content)
    assert digest_of(str(tmp_path / "x")) == hashlib.sha256(content).hexdigest()


def test_the_state_changes_with_size_date_and_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    before = state_of(str(path))
    path.read_bytes()
    assert state_of(str(path)) == before
    path.write_bytes(b"more")
    grown = state_of(str(path))
    assert grown != before
    os.utime(path, ns=(0, 0))
    assert state_of(str(path)) != grown


def test_a_link_has_the_state_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"one")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert state_of(str(tmp_path / "link")) == state_of(str(tmp_path / "x"))


def test_what_is_no_regular_file_has_none(tmp_path: Path) -> None:
    assert state_of(str(tmp_path)) is None
    assert state_of("zero\0byte") is None
    with pytest.raises(SourceError, match="no such file"):
        state_of(str(tmp_path / "missing"))
    with pytest.raises(SourceError, match="no such file"):
        digest_of(str(tmp_path / "missing"))
