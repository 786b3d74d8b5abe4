"""What can be looked at in the folder of a recording, and what can be deleted."""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from emotiond.exceptions import RecordError
from emotiond.streamer.audio.wav import WavWriter
from emotiond.streamer.batch.store import Store
from emotiond.streamer.recordings.catalog import Catalog, Entry
from emotiond.streamer.recordings.json_lines import MOST_LINE_BYTES, lines_from
from tests.support.recorded import EPOCH, record


def catalog_of(folder: Path, *present: Path) -> Catalog:
    return Catalog([folder], lambda: present)


def only(folder: Path) -> Entry:
    (entry,) = catalog_of(folder).entries()
    return entry


def stems(folder: Path) -> list[str]:
    return [entry.path.stem for entry in catalog_of(folder).entries()]


@pytest.mark.parametrize("form", ["jsonl", "sqlite"])
def test_a_part_is_listed_with_its_time_length_and_size(tmp_path: Path, form: str) -> None:
    record(tmp_path / "k.wav", ("sad",) * 40, begin=100.0, forms=[form], number=3)  # type: ignore[list-item]
    entry = only(tmp_path)
    assert entry.path == tmp_path / "k.wav"
    assert (entry.position.stream, entry.position.part) == ("mic", 3)
    assert (entry.position.time, entry.position.stream_seconds) == (EPOCH + 100, 100.0)
    assert entry.end_seconds == 110.0
    assert entry.size_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert not entry.is_written


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("form", ["jsonl", "sqlite"])
def test_a_name_with_odd_bytes_hides_no_part(tmp_path: Path, form: str) -> None:
    for stem in ("b", "odd \udcff%41?#"):
        record(tmp_path / f"{stem}.wav", forms=[form])  # type: ignore[list-item]
    assert sorted(stems(tmp_path)) == ["b", "odd \udcff%41?#"]


@pytest.mark.parametrize("content", [b"\0", b"\n"])
def test_a_file_without_a_beginning_is_soon_left(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k.jsonl"
    path.write_bytes(content * (4 * MOST_LINE_BYTES))
    read = [*itertools.islice(lines_from(path, 0), 2)]
    assert read[-1][1] <= 2 * (MOST_LINE_BYTES + 1)
    assert stems(tmp_path) == []


def test_lines_and_a_database_of_one_part_are_one_entry(tmp_path: Path) -> None:
    record(tmp_path / "k.wav", forms=["jsonl", "sqlite"])
    assert only(tmp_path).events_path == tmp_path / "k.jsonl"


def test_a_part_without_its_sound_is_listed_too(tmp_path: Path) -> None:
    record(tmp_path / "k.wav")
    (tmp_path / "k.wav").unlink()
    assert stems(tmp_path) == ["k"]


def test_the_newest_comes_first(tmp_path: Path) -> None:
    for begin, stem in enumerate(("c", "a", "b")):
        record(tmp_path / f"{stem}.wav", begin=float(begin))
    assert stems(tmp_path) == ["b", "a", "c"]


def test_what_is_no_recording_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "own.wav").write_bytes(b"somebody's own")
    (tmp_path / "data.jsonl").write_text('{"some":"json"}\n')
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "data.sqlite").write_bytes(b"some database")
    (tmp_path / "later.jsonl").write_text(
        json.dumps({"type": "recording", "stream": "mic", "file_seconds": 0, "stream_seconds": 0,
                    "time": 1, "format": 2}) + "\n"
    )  # fmt: skip
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / ".jsonl").touch()
    below = tmp_path / "below"
    below.mkdir()
    record(below / "k.wav")
    assert stems(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="needs links")
@pytest.mark.parametrize("ending", [".jsonl", ".wav", ".sqlite"])
def test_a_part_with_a_link_is_not_listed(tmp_path: Path, ending: str) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    elsewhere.mkdir()
    folder.mkdir()
    record(elsewhere / "k.wav", forms=["jsonl", "sqlite"])
    record(folder / "k.wav", forms=["jsonl", "sqlite"])
    assert stems(folder) == ["k"]
    (folder / f"k{ending}").unlink()
    (folder / f"k{ending}").symlink_to(elsewhere / f"k{ending}")
    assert stems(folder) == []


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "k.jsonl")
    assert stems(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="needs owners")
def test_a_folder_in_which_every_user_makes_files_has_no_list_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(tmp_path / "k.wav")
    catalog = catalog_of(tmp_path)
    (entry,) = catalog.entries()
    tmp_path.chmod(0o777)
    with caplog.at_level(logging.WARNING):
        assert catalog.find(entry.id) is None
        assert [*catalog.entries(), *catalog.entries()] == []
    assert len(caplog.records) == 1
    tmp_path.chmod(0o700)
    assert [each.id for each in catalog.entries()] == [entry.id]


def test_another_file_of_the_same_name_has_another_id(tmp_path: Path) -> None:
    record(tmp_path / "k.wav")
    catalog = catalog_of(tmp_path)
    (first,) = catalog.entries()
    assert catalog.find(first.id) == first
    for ending in (".wav", ".jsonl"):
        (tmp_path / f"k{ending}").unlink()
    assert catalog.find(first.id) is None
    record(tmp_path / "k.wav")
    assert catalog.find(first.id) is None
    assert only(tmp_path).id != first.id


@pytest.mark.parametrize("number", ["", "k", "../k", "/etc/passwd", "0" * 32, "k.jsonl\x00"])
def test_nothing_is_found_by_what_is_no_id(tmp_path: Path, number: str) -> None:
    record(tmp_path / "k.wav")
    catalog = catalog_of(tmp_path)
    assert len(catalog.entries()) == 1
    assert catalog.find(number) is None


def test_a_complete_part_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    record(tmp_path / "k.wav", forms=["jsonl", "sqlite"])
    record(tmp_path / "k-2.wav")
    kept = ["k-2.jsonl", "k-2.wav", "k.mp3", "k.txt", "kk.wav"]
    for name in kept[2:]:
        (tmp_path / name).touch()
    catalog = catalog_of(tmp_path)
    entry = next(each for each in catalog.entries() if each.path.stem == "k")
    size = sum((tmp_path / f"k.{end}").stat().st_size for end in ("wav", "jsonl", "sqlite"))
    assert catalog.delete(entry) == (3, size)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


@pytest.mark.parametrize("content", [None, b"notes", b"SQLite format 3\0" + bytes(84)])
def test_a_database_of_another_program_beside_it_stays(
    tmp_path: Path, content: bytes | None
) -> None:
    """``analyze`` keeps its results beside an output, which may be called like the recording."""
    record(tmp_path / "k.wav")
    database = tmp_path / "k.sqlite"
    if content is None:
        Store(database, {}, is_resumed=False).close()
    else:
        database.write_bytes(content)
    entry, before = only(tmp_path), database.read_bytes()
    files, size = catalog_of(tmp_path).delete(entry)
    assert (files, size) == (2, entry.size_bytes)
    assert {path.name for path in tmp_path.iterdir()} >= {"k.sqlite"}
    assert not {"k.wav", "k.jsonl"} & {path.name for path in tmp_path.iterdir()}
    assert database.read_bytes() == before


def test_a_part_that_this_program_writes_is_not_deleted(tmp_path: Path) -> None:
    record(tmp_path / "k.wav")
    catalog = catalog_of(tmp_path, tmp_path / "k.wav")
    (entry,) = catalog.entries()
    assert entry.is_written
    with pytest.raises(RecordError, match="is being recorded"):
        catalog.delete(entry)
    assert (tmp_path / "k.wav").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs locks")
def test_a_part_that_another_program_writes_is_not_deleted(tmp_path: Path) -> None:
    record(tmp_path / "k.wav")
    (tmp_path / "k.wav").unlink()
    writer = WavWriter(tmp_path / "k.wav")
    writer.lock()
    catalog = catalog_of(tmp_path)
    (entry,) = catalog.entries()
    with pytest.raises(RecordError, match="is being recorded"):
        catalog.delete(entry)
    writer.close()
    (entry,) = catalog.entries()
    assert catalog.delete(entry)[0] == 2


def test_what_cannot_be_deleted_is_told_without_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "k.wav")
    catalog = catalog_of(tmp_path)
    (entry,) = catalog.entries()

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(RecordError) as raised:
        catalog.delete(entry)
    assert str(raised.value).startswith("k cannot be deleted (Operation not permitted)")
    assert str(tmp_path) not in str(raised.value)
