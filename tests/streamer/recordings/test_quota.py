"""What is deleted when a recording exceeds its quota, and what never is."""

from __future__ import annotations

import itertools
import json
import logging
import os
from pathlib import Path

import pytest

from emotiond.streamer.audio.wav import WavWriter
from emotiond.streamer.protocol.events import encode
from emotiond.streamer.recordings.position import Position, position_to_json
from emotiond.streamer.recordings.quota import Quota

PRESENT = "k-20261130T000000Z.wav"
OLD = [f"k-202611{day:02}T000000Z" for day in (1, 2, 3)]
SESSIONS = itertools.count()


def part(folder: Path, stem: str, stream: str = "mic", size: int = 1000) -> None:
    """A part of an earlier run, of this size in all."""
    session = f"{next(SESSIONS):032x}"
    line = encode(position_to_json(Position(stream, 0.0, 0.0, 1.0, session=session))) + "\n"
    (folder / f"{stem}.jsonl").write_text(line)
    (folder / f"{stem}.wav").write_bytes(b"\0" * (size - len(line)))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for stem in OLD:
        part(tmp_path, stem)
    part(tmp_path, Path(PRESENT).stem)
    return tmp_path


def keep(folder: Path, most_bytes: int) -> Quota:
    quota = Quota(folder / "k.wav", "mic", most_bytes)
    quota.keep(folder / PRESENT, 1000)
    return quota


def test_the_oldest_go_first_and_only_as_many_as_needed(folder: Path) -> None:
    quota = keep(folder, 2500)
    left = {Path(PRESENT).stem, OLD[2]}
    assert names(folder) == {f"{stem}{end}" for stem in left for end in (".wav", ".jsonl")}
    assert (quota.deleted_files, quota.deleted_bytes) == (4, 2000)


def test_the_present_one_is_never_deleted(folder: Path) -> None:
    keep(folder, 1)
    assert names(folder) == {PRESENT, Path(PRESENT).with_suffix(".jsonl").name}


@pytest.mark.parametrize(
    "stem",
    ["k", "k-2", "kk-20261101T000000Z", "k-20261101T000000", "k-x-20261101T000000Z"],
)
def test_what_has_another_name_stays(folder: Path, stem: str) -> None:
    part(folder, stem)
    keep(folder, 1)
    assert {f"{stem}.wav", f"{stem}.jsonl"} <= names(folder)


def test_what_is_of_another_stream_or_no_recording_stays(folder: Path) -> None:
    stem = "k-20261001T000000Z"
    part(folder, stem, "radio")
    (folder / "k-20261002T000000Z.wav").write_bytes(b"somebody's own")
    (folder / "k-20261003T000000Z.jsonl").write_text('{"some": "json"}\n')
    (folder / "k-20261004T000000Z.sqlite").write_bytes(b"some database")
    keep(folder, 1)
    assert {f"{stem}.wav", f"{stem}.jsonl"} <= names(folder)
    assert len(names(folder)) == 7


def test_a_link_is_not_followed_and_stays(folder: Path) -> None:
    elsewhere = folder.parent / f"{folder.name}-elsewhere.wav"
    elsewhere.write_bytes(b"precious")
    (folder / f"{OLD[0]}.wav").unlink()
    (folder / f"{OLD[0]}.wav").symlink_to(elsewhere)
    keep(folder, 1)
    assert elsewhere.read_bytes() == b"precious"
    assert f"{OLD[0]}.wav" in names(folder)


@pytest.mark.skipif(os.name != "posix", reason="needs locks")
def test_what_another_daemon_writes_stays_and_that_is_said_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / f"{OLD[0]}.wav").unlink()
    other = WavWriter(folder / f"{OLD[0]}.wav")
    other.lock()
    quota = Quota(folder / "k.wav", "mic", 2500)
    with caplog.at_level(logging.WARNING):
        for present in (PRESENT, "k-20261130T000001Z.wav"):
            part(folder, Path(present).stem)
            quota.keep(folder / present, 1000)
    assert f"{OLD[0]}.wav" in names(folder)
    assert [record.getMessage() for record in caplog.records] == [
        f"{folder / OLD[0]}.wav cannot be deleted for the quota of recordings: "
        "another program writes it"
    ]
    other.close()


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "k-20261001T000000Z.jsonl")
    assert keep(folder, 1).deleted_files == 6
    assert (folder / "k-20261001T000000Z.jsonl").exists()


def test_a_file_that_cannot_be_deleted_is_said_once_and_the_next_goes(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.stem == OLD[0]:
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    quota = Quota(folder / "k.wav", "mic", 2500)
    with caplog.at_level(logging.WARNING):
        for present in (PRESENT, "k-20261130T000001Z.wav"):
            part(folder, Path(present).stem)
            quota.keep(folder / present, 1000)
    assert {path.stem for path in folder.iterdir()} == {OLD[0], "k-20261130T000001Z"}
    (record,) = caplog.records
    assert record.getMessage().endswith(f"{OLD[0]}.wav cannot be deleted for the quota of "
                                        "recordings: Operation not permitted")  # fmt: skip


def test_a_folder_that_vanishes_is_no_error(tmp_path: Path) -> None:
    quota = Quota(tmp_path / "gone" / "k.wav", "mic", 1)
    quota.keep(tmp_path / "gone" / PRESENT, 1000)
    assert quota.deleted_files == 0


def test_the_files_are_looked_at_only_now_and_then(folder: Path) -> None:
    quota = Quota(folder / "k.wav", "mic", 1_000_000)
    quota.keep(folder / PRESENT, 1000)
    part(folder, "k-20261004T000000Z", size=2_000_000)
    quota.keep(folder / PRESENT, 9_000)
    assert quota.deleted_files == 0
    quota.keep(folder / PRESENT, 12_000)
    assert quota.deleted_files == 2  # the oldest one is enough


def test_a_head_is_the_first_position_even_behind_events(folder: Path) -> None:
    path = folder / f"{OLD[0]}.jsonl"
    path.write_text(json.dumps({"type": "status"}) + "\n" + path.read_text())
    keep(folder, 3500)
    assert not path.exists()
