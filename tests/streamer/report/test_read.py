"""Results and sessions are read, whole or cut off; anything else is one line with a remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ReportError
from emotiond.streamer.report.read import describe, read
from emotiond.streamer.report.track import STATUSES, Piece, index_of
from tests.support.report import emotion, result, spoken, write_lines


def status(name: str, stream: str = "mic") -> dict[str, Any]:
    return {"type": "status", "seq": 0, "stream": stream, "status": name, "detail": ""}


def test_each_whole_file_is_a_track(tmp_path: Path) -> None:
    lines = [result(name, spoken("happy", "sad")) for name in ("a.wav", "b.wav", "a.wav")]
    found = read(write_lines(tmp_path / "results.jsonl", *lines))
    assert [track.name for track in found.tracks] == ["a.wav", "b.wav", "a.wav"]
    assert [len(track.rows) for track in found.tracks] == [16, 16, 16]
    assert found.remark is None


def test_segments_of_a_speaker_in_a_file_share_a_track(tmp_path: Path) -> None:
    lines = [
        result("a.wav", spoken("happy"), start=0.0, end=2.0, speaker="Anna"),
        result("a.wav", spoken("sad", first=8), start=2.0, end=4.0, speaker="Berta"),
        result("a.wav", spoken("calm", first=16), start=4.0, end=6.5, speaker="Anna"),
    ]
    tracks = read(write_lines(tmp_path / "results.jsonl", *lines)).tracks
    assert [(t.speaker, len(t.rows), t.duration_seconds) for t in tracks] == [
        ("Anna", 16, 6.5),
        ("Berta", 8, 4.0),
    ]


def test_channels_are_apart(tmp_path: Path) -> None:
    lines = [result("a.wav", spoken("happy"), channel=channel) for channel in (1, 2)]
    tracks = read(write_lines(tmp_path / "results.jsonl", *lines)).tracks
    assert [track.channel for track in tracks] == [1, 2]


def test_a_session_has_a_track_for_each_stream_and_each_start_of_the_daemon(tmp_path: Path) -> None:
    change = {"type": "change", "seq": 9, "stream": "mic", "at": 2.0, "from": None, "to": "happy"}
    lines = [
        {"type": "hello", "protocol": 1},
        emotion(0),
        emotion(0, stream="desk"),
        change,
        emotion(1),
        emotion(0),
    ]
    tracks = read(write_lines(tmp_path / "mic.jsonl", *lines)).tracks
    assert [(t.name, len(t.rows)) for t in tracks] == [("mic", 2), ("desk", 1), ("mic", 1)]
    assert tracks[0].sound == str(tmp_path / "mic.wav")


def test_a_session_keeps_the_status_of_its_source_and_where_its_sound_lies(tmp_path: Path) -> None:
    piece = {"type": "recording", "stream": "mic", "file_seconds": 0.25, "stream_seconds": 9.0}
    lines = [emotion(0), status("stalled"), emotion(1), status("running"), piece, emotion(36)]
    (track,) = read(write_lines(tmp_path / "mic.jsonl", *lines)).tracks
    found = [STATUSES[value] for value in track.table()[:, index_of("status")]]
    assert found == ["running", "stalled", "running"]
    assert track.pieces == [Piece(0.25, 9.0)]


@pytest.mark.parametrize("rest", [b'{"type":"emo', b"\0\0\0\0", b"\xff"])
def test_a_session_that_was_cut_off_is_read_up_to_there(tmp_path: Path, rest: bytes) -> None:
    path = write_lines(tmp_path / "mic.jsonl", emotion(0), emotion(1))
    path.write_bytes(path.read_bytes() + rest)
    found = read(path)
    assert len(found.tracks[0].rows) == 2
    assert describe(path, found) == f"{path}: its last line, 3, is cut off: what it held is missing"


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emotiond.streamer.report.read._LONGEST_LINE_BYTES", 1000)
    path = tmp_path / "zeros.jsonl"
    path.write_bytes(bytes(1001))
    with pytest.raises(ReportError, match="line 1 is far too long"):
        read(path)


def test_a_last_line_needs_no_end(tmp_path: Path) -> None:
    path = tmp_path / "mic.jsonl"
    path.write_text(json.dumps(emotion(0)))
    assert read(path).remark is None


@pytest.mark.parametrize(
    "content",
    [
        b"file,duration,label\n",
        b"RIFF\0\0\0\0WAVE",
        b"[]\n",
        b"null\n",
        b'{"file": "a.wav"}\n',
        b'{"file": 1, "duration": 1.0, "events": []}\n',
        b'{"file": "a.wav", "duration": "long", "events": []}\n',
        b'{"file": "a.wav", "duration": -1, "events": []}\n',
        b'{"file": "a.wav", "duration": 1.0, "events": [{"type": "emotion"}]}\n',
        b'{"file": "a.wav", "duration": 1.0, "events": [3]}\n',
        b'{"file": "a.wav", "duration": 1.0, "events": 3}\n',
        b'{"type": "status"}\n',
        b'{"type": "recording", "stream": "mic"}\n',
        b"[" * 100_000 + b"\n",
        b"\0\0\0\n",
    ],
)
def test_other_files_are_refused_by_their_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=r"line 1 is no result and no event of a session\. Make"):
        read(path)


def test_rows_of_another_level_are_named(tmp_path: Path) -> None:
    row = {"file": "a.wav", "start": 0.0, "end": 1.0, "label": "happy", "confidence": 0.8}
    path = write_lines(tmp_path / "segments.jsonl", row)
    with pytest.raises(ReportError, match=r"line 1 is a segment or a stride\. .* --level files"):
        read(path)


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "mic.jsonl", emotion(0))
    path.write_bytes(path.read_bytes() + b"{\n" + path.read_bytes())
    with pytest.raises(ReportError, match="line 2 is no result"):
        read(path)


def test_a_file_is_of_one_kind(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "both.jsonl", emotion(0), result("a.wav", spoken("sad")))
    with pytest.raises(ReportError, match=r"both results and a session, from line 2 on\. Put them"):
        read(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("\n")
    with pytest.raises(ReportError, match="there is nothing in it"):
        read(tmp_path / "none")


@pytest.mark.parametrize("name", ["missing.jsonl", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportError, match=r"cannot read .+ \(.+\)\. Name a file of results"):
        read(tmp_path / name)
