"""A recording is known by what is in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.content import Digests, digest_of, state_of

MODULE = "emotiond.streamer.batch.content"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The path of each file that was read as a whole."""
    found: list[str] = []

    def counted(path: str) -> str:
        found.append(path)
        return digest_of(path)

    monkeypatch.setattr(f"{MODULE}.digest_of", counted)
    return found


def digest(digests: Digests, path: Path) -> str:
    state = state_of(str(path))
    assert state is not None
    return digests.of(str(path), state)


def test_a_file_is_read_once_while_it_stays_the_same(
    tmp_path: Path, readings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MODULE}.SETTLED_SECONDS", 0.0)
    digests, path = Digests(), tmp_path / "x"
    for content in (b"one", b"three", b"fifteen"):
        path.write_bytes(content)
        for _ in range(150):
            assert digest(digests, path) == hashlib.sha256(content).hexdigest()
    assert readings == [str(path)] * 3


def test_a_file_that_was_changed_just_now_is_read_each_time(
    tmp_path: Path, readings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MODULE}.SETTLED_SECONDS", 1e6)
    digests, path = Digests(), tmp_path / "x"
    for content in (b"one", b"two"):
        path.write_bytes(content)
        os.utime(path, ns=(0, 0))
        assert digest(digests, path) == hashlib.sha256(content).hexdigest()
    assert len(readings) == 2


def test_the_digests_that_are_remembered_are_bounded(
    tmp_path: Path, readings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MODULE}.SETTLED_SECONDS", 0.0)
    monkeypatch.setattr(f"{MODULE}._MOST_DIGESTS", 2)
    digests, paths = Digests(), [tmp_path / name for name in "abc"]
    for path in paths:
        path.touch()
    for path in (*paths, paths[2], paths[0]):
        digest(digests, path)
    assert readings == [str(path) for path in (*paths, paths[0])]


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
