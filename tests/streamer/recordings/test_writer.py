"""At the seam of two parts nothing is lost, nothing comes twice, and each event has its place."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.streamer.protocol.events import Change, Emotion, Event, Status, encode, to_json
from emotiond.streamer.recordings import part as parts
from emotiond.streamer.recordings.plan import Plan
from emotiond.streamer.recordings.writer import RecordingWriter

RATE = 16_000
PIECE = RATE // 4
MIDNIGHT = 1_795_996_800.0  # 2026-11-30, UTC
Sent = tuple[Event, str]


def emotion(seq: int, end: float) -> Sent:
    event = Emotion(
        seq, "mic", max(0.0, end - 2), end, MIDNIGHT + end, "silence", None, None, None, None,
        0.0, -50.0, 10.0, 0,
    )  # fmt: skip
    return event, encode(to_json(event))


def change(seq: int, at: float) -> Sent:
    event = Change(seq, "mic", at, None, "happy", 1.5)
    return event, encode(to_json(event))


def status(seq: int) -> Sent:
    event = Status(seq, "mic", "running", "", None, None, False)
    return event, encode(to_json(event))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class Played:
    """Sound of which every sample is another, in quarters of a second, with its events later."""

    def __init__(self, folder: Path, plan: Plan, begin: float = MIDNIGHT) -> None:
        self.folder = folder
        self.begin = begin
        self.writer = RecordingWriter(folder / "k.wav", "mic", plan, lambda: begin)
        self.sent: list[str] = []
        self.pieces = 0

    def sound(self, pieces: int) -> None:
        for _ in range(pieces):
            first = self.pieces * PIECE
            numbers = np.arange(first, first + PIECE) % 30_000
            seconds = first / RATE
            self.writer.add_sound(
                (numbers / 32768).astype(np.float32),
                seconds,
                self.pieces == 0,
                self.begin + seconds,
            )
            self.pieces += 1

    def event(self, sent: Sent) -> None:
        self.sent.append(sent[1])
        self.writer.add_event(*sent)

    def end(self) -> list[list[dict[str, Any]]]:
        """The lines of all files in order, after the sound is found to be whole."""
        self.writer.close()
        found = sorted(self.folder.glob("*.wav"))
        sound = np.concatenate([soundfile.read(each, dtype="int16")[0] for each in found])
        np.testing.assert_array_equal(sound, np.arange(self.pieces * PIECE) % 30_000)
        content = [lines(each.with_suffix(".jsonl")) for each in found]
        events = [line for each in content for line in each if line["type"] != "recording"]
        assert events == [json.loads(text) for text in self.sent]
        for number, each in enumerate(content, start=1):
            assert (each[0]["type"], each[0]["part"]) == ("recording", number)
        return content


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Parts of a second of sound or less."""
    return Plan(most_bytes=33_000)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_an_event_lies_where_the_sound_of_its_stride_ends(lags: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        played = Played(Path(folder), Plan(most_bytes=33_000))
        seq, judged = 0, 0
        played.event(status(seq))
        for lag in lags:  # so many quarters the events are behind their sound
            played.sound(2)
            while judged < played.pieces - min(lag, 3):
                judged += 1
                end = judged / 4 - 0.005
                for each in (emotion(seq + 1, end), change(seq + 2, end), status(seq + 3)):
                    played.event(each)
                seq += 3
        content = played.end()
        ends = [
            each[0]["stream_seconds"] for each in content[1:]
        ] + [float("inf")]  # fmt: skip
        for each, seam in zip(content, ends, strict=True):
            positions = [line.get("end", line.get("at")) for line in each]
            assert all(position is None or position <= seam for position in positions)
            begin = each[0]["stream_seconds"]
            assert all(position is None or position > begin for position in positions)


def test_no_part_is_larger_than_asked_for(tmp_path: Path, small: Plan) -> None:
    played = Played(tmp_path, small)
    for number in range(40):
        played.sound(1)
        played.event(emotion(number, (number + 1) / 4 - 0.005))
    assert len(played.end()) > 5
    for path in tmp_path.glob("*.wav"):
        assert path.stat().st_size + path.with_suffix(".jsonl").stat().st_size <= 33_500


@pytest.mark.skipif(os.name != "posix", reason="needs time zones")
@pytest.mark.parametrize("zone", ["UTC"], indirect=True)
@pytest.mark.usefixtures("zone")
def test_at_midnight_a_new_file_begins(tmp_path: Path) -> None:
    played = Played(tmp_path, Plan(by_day=True), MIDNIGHT - 1)
    played.sound(8)
    first, second = played.end()
    assert (first[0]["time"], second[0]["time"]) == (MIDNIGHT - 1, MIDNIGHT)
    assert (second[0]["file_seconds"], second[0]["stream_seconds"]) == (0, 1.0)
    assert [path.name for path in sorted(tmp_path.glob("*.wav"))] == [
        "k-20261129T235959Z.wav",
        "k-20261130T000000Z.wav",
    ]


def test_a_clock_that_is_set_back_leaves_the_names_in_order(tmp_path: Path, small: Plan) -> None:
    writer = RecordingWriter(tmp_path / "k.wav", "mic", small, lambda: MIDNIGHT)
    for number in range(10):
        sound = np.full(PIECE, number / 100, np.float32)
        writer.add_sound(sound, number / 4, number == 0, MIDNIGHT - 3600 * number)
    writer.close()
    first = [line[0] for line in map(lines, sorted(tmp_path.glob("*.jsonl")))]
    assert [line["part"] for line in first] == list(range(1, len(first) + 1))
    assert len(first) > 2


def test_the_session_is_the_same_in_all_parts_and_another_in_the_next_run(
    tmp_path: Path, small: Plan
) -> None:
    for _ in range(2):
        writer = RecordingWriter(tmp_path / "k.wav", "mic", small, lambda: MIDNIGHT)
        for number in range(8):
            writer.add_sound(np.full(PIECE, 0.1, np.float32), number / 4, False, MIDNIGHT + number)
        writer.close()
    sessions = [lines(each)[0]["session"] for each in tmp_path.glob("*.jsonl")]
    assert sorted(map(sessions.count, set(sessions))) == [len(sessions) // 2] * 2


def test_both_forms_hold_the_same(tmp_path: Path) -> None:
    played = Played(tmp_path, Plan(("jsonl", "sqlite")))
    played.sound(2)
    for each in (emotion(0, 0.245), change(1, 0.245), status(2)):
        played.event(each)
    (content,) = played.end()
    (path,) = tmp_path.glob("*.sqlite")
    database = sqlite3.connect(path)
    assert database.execute("SELECT type, seq FROM events ORDER BY id").fetchall() == [
        (line["type"], line["seq"]) for line in content[1:]
    ]
    database.close()


def test_nothing_is_overwritten_whatever_lies_there(tmp_path: Path) -> None:
    (tmp_path / "k.sqlite-wal").write_bytes(b"of somebody")
    writer = RecordingWriter(tmp_path / "k.wav", "mic", Plan(("sqlite",)), lambda: MIDNIGHT)
    assert writer.path.name == "k-2.wav"
    writer.close()
    assert [each.name for each in tmp_path.iterdir()] == ["k.sqlite-wal"]


def test_a_file_that_cannot_be_made_leaves_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts, "WavWriter", full)
    with pytest.raises(OSError, match="No space"):
        RecordingWriter(tmp_path / "k.wav", "mic", Plan(("jsonl", "sqlite")), lambda: MIDNIGHT)
    assert list(tmp_path.iterdir()) == []
