"""A recording is known by what is in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.content import Digests, digest_of
from emotiond.streamer.readers.opening import State, state_of

MODULE = "emotiond.streamer.batch.content"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The path of each file that was read as a whole."""
    found: list[str] = []

    def counted(path: str, state: State) -> str:
        found.append(path)
        return digest_of(path, state)

    monkeypatch.setattr(f"{MODULE}.digest_of", counted)
    return found


def digest(digests: Digests, path: Path) -> str:
    return digests.of(str(path), state_of(str(path)))


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
    path = str(tmp_path / "x")
    assert digest_of(path, state_of(path)) == hashlib.sha256(content).hexdigest()


def test_a_file_in_another_state_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one")
    before = state_of(str(path))
    (tmp_path / "y").write_bytes(b"two")
    os.utime(tmp_path / "y", ns=(before.modified_ns, before.modified_ns))
    (tmp_path / "y").replace(path)
    with pytest.raises(SourceError, match="has changed while it was read"):
        digest_of(str(path), before)
