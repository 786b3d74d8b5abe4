"""Each content is analyzed once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.analyst import Findings
from emotiond.streamer.batch.content import Seen
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.kept import Kept
from emotiond.streamer.batch.store import Store
from emotiond.streamer.readers.opening import state_of
from tests.support.kept import finding

FOUND = (finding(),)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    store = Store(tmp_path / "x.sqlite", {}, is_resumed=False)
    yield Kept(store)
    store.close()


def file(tmp_path: Path, name: str, content: bytes = b"sound") -> str:
    (tmp_path / name).write_bytes(content)
    return str(tmp_path / name)


def never(_: object) -> Findings:
    raise AssertionError("it was analyzed once more")


def test_a_content_is_known_again_whatever_its_name_and_date(kept: Kept, tmp_path: Path) -> None:
    assert kept.find(Item(file(tmp_path, "a.wav")), lambda _: FOUND) == FOUND
    assert kept.find(Item(file(tmp_path, "b.wav")), never) == FOUND
    with pytest.raises(AssertionError):
        kept.find(Item(file(tmp_path, "b.wav", b"other")), never)


def test_a_file_of_the_same_size_and_date_is_another_content(kept: Kept, tmp_path: Path) -> None:
    path = file(tmp_path, "a.wav", b"one")
    kept.find(Item(path), lambda _: FOUND)
    before = Path(path).stat()
    Path(path).write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(AssertionError):
        kept.find(Item(path), never)


@pytest.mark.parametrize("part", [(1.0, None, None), (None, 2.0, None), (None, None, 1)])
def test_each_segment_and_channel_has_a_result_of_its_own(
    kept: Kept, tmp_path: Path, part: tuple[float | None, float | None, int | None]
) -> None:
    path = file(tmp_path, "a.wav")
    kept.find(Item(path), lambda _: FOUND)
    with pytest.raises(AssertionError):
        kept.find(Item(path, *part), never)


def test_a_content_that_is_being_analyzed_is_waited_for(kept: Kept, tmp_path: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()
    found: list[Findings] = []

    def slowly(_: object) -> Findings:
        begun.set()
        may_end.wait(60)
        return FOUND

    first = Item(file(tmp_path, "a.wav"))
    threads = [threading.Thread(target=lambda: found.append(kept.find(first, slowly)))]
    threads[0].start()
    begun.wait(60)
    second = Item(file(tmp_path, "b.wav"))
    threads.append(threading.Thread(target=lambda: found.append(kept.find(second, never))))
    threads[1].start()
    may_end.set()
    for thread in threads:
        thread.join(60)
    assert found == [FOUND, FOUND]


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_file_that_grows_meanwhile_has_no_result(
    kept: Kept, tmp_path: Path, is_kept: bool
) -> None:
    path = file(tmp_path, "a.wav")

    def while_it_grows(_: object) -> Findings:
        with Path(path).open("ab") as growing:
            growing.write(b"more")
        return FOUND

    with pytest.raises(SourceError, match=r"has changed while it was read. Analyze it again"):
        (kept if is_kept else Kept(None)).find(Item(path), while_it_grows)
    assert kept.find(Item(path), lambda _: FOUND) == FOUND


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_file_that_is_replaced_meanwhile_and_comes_back_is_told_what_it_has_to_be(
    kept: Kept, tmp_path: Path, is_kept: bool
) -> None:
    """Who analyzes sees by it whether he opens the same file."""
    path, told = file(tmp_path, "a.wav"), list[Seen | None]()

    def note(seen: Seen | None) -> Findings:
        told.append(seen)
        return FOUND

    (kept if is_kept else Kept(None)).find(Item(path), note)
    sha256 = hashlib.sha256(b"sound").hexdigest() if is_kept else None
    assert told == [Seen(state_of(path), sha256)]


def test_a_file_that_is_written_at_the_same_moment_is_told_by_its_content(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of a file system has steps: two changes within one have the same date."""
    path = file(tmp_path, "a.wav", b"one")
    still = state_of(path)
    monkeypatch.setattr("emotiond.streamer.batch.kept.state_of", lambda _: still)
    monkeypatch.setattr("emotiond.streamer.batch.content.SETTLED_SECONDS", 1e6)
    monkeypatch.setattr("emotiond.streamer.readers.opening.state_in", lambda _: still)
    monkeypatch.setattr("emotiond.streamer.batch.content.state_in", lambda _: still)

    def write(_: object) -> Findings:
        Path(path).write_bytes(b"two")
        return FOUND

    with pytest.raises(SourceError, match="has changed while it was read"):
        kept.find(Item(path), write)


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    kept: Kept, tmp_path: Path, is_kept: bool
) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(SourceError, match=r"no file, but a pipe.*Name a file"):
        (kept if is_kept else Kept(None)).find(Item(str(tmp_path / "a.wav")), never)


def test_a_file_that_vanishes_is_an_error_of_its_own(kept: Kept, tmp_path: Path) -> None:
    path = Path(file(tmp_path, "a.wav"))

    def while_it_goes(_: object) -> Findings:
        path.unlink()
        return FOUND

    with pytest.raises(SourceError, match="there is no such file"):
        kept.find(Item(str(path)), while_it_goes)
    with pytest.raises(SourceError, match="there is no such file"):
        kept.find(Item(str(path)), never)


def test_a_failure_is_not_kept(kept: Kept, tmp_path: Path) -> None:
    item = Item(file(tmp_path, "a.wav"))

    def failing(_: object) -> Findings:
        raise SourceError("a.wav: it is damaged", "Convert it")

    with pytest.raises(SourceError, match="damaged"):
        kept.find(item, failing)
    assert kept.find(item, lambda _: FOUND) == FOUND
