"""Results and sessions are read, whole or cut off; anything else is one line with a remedy."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond.exceptions import EmotiondError, ReportError, ResultError
from emotiond.streamer.batch import kept_events, kept_results
from emotiond.streamer.batch.analyst import Finding
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.kept_events import joined
from emotiond.streamer.batch.store import Store
from emotiond.streamer.protocol.checks import event_of
from emotiond.streamer.recordings.database import Database
from emotiond.streamer.recordings.position import Position
from emotiond.streamer.report.read import describe, read
from emotiond.streamer.report.track import STATUSES, Piece, index_of
from emotiond.streamer.uploads.archive import EventLog
from tests.support.report import EPOCH, emotion, result, spoken, write_lines

WITHOUT_END = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    'SELECT i || ".wav" file, NULL start, NULL "end", NULL channel, "1" key FROM n'
)


def status(name: str, stream: str = "mic") -> dict[str, Any]:
    more = {"detail": "", "device": None, "device_latency_ms": None, "demo": False}
    return {"type": "status", "seq": 0, "stream": stream, "status": name, **more}


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


def test_a_segment_counts_once_in_however_many_rows_it_stood(tmp_path: Path) -> None:
    one = result("a.wav", spoken("happy"), start=0.0, end=2.0)
    other = result("a.wav", spoken("sad", first=8), start=2.0, end=4.0)
    (track,) = read(write_lines(tmp_path / "results.jsonl", one, other, one)).tracks
    assert len(track.rows) == 16


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
    piece["time"] = EPOCH
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
    assert describe(path, found) == f"{path}: its last line is cut off: what it held is missing"


def test_a_value_that_is_far_too_long_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "results.jsonl", result("a.wav", spoken("sad")))
    path.write_text(path.read_text() + json.dumps(result("b" * 200_000, [])))
    with pytest.raises(ReportError, match="line 2 is damaged, or holds what is far too long"):
        read(path)


def test_a_last_line_needs_no_end(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(result("a.wav", spoken("sad"))))
    assert read(path).remark is None


@pytest.mark.parametrize(
    "content",
    [
        b"file,duration\n",
        b"RIFF\0\0\0\0WAVE",
        b"[]\n",
        b"null\n",
        b"fLaC\x00\xff\xfe",
        b'{"file": "a.wav"}\n',
        b'{"file": 1, "duration": 1.0, "events": []}\n',
        b'{"file": "a.wav", "duration": "long", "events": []}\n',
        b'{"file": "a.wav", "duration": 1.0, "events": [{"type": "emotion"}]}\n',
        b'{"file": "a.wav", "duration": 1.0, "events": [3]}\n',
        b'{"file": "a.wav", "duration": 1.0, "events": 3}\n',
        b"[" * 100_000 + b"\n",
        b"\0\0\0\n",
    ],
)
def test_other_files_are_refused_by_their_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=r"line 1 is no result and no event of a session\. Make"):
        read(path)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"duration": 1e10}, r"a time of 10000000000.0 s \(duration\)"),
        ({"duration": -1}, r"a time of -1 s \(duration\)"),
        ({"duration": float("nan")}, r"a time of nan s \(duration\)"),
        ({"duration": float("inf")}, r"a time of inf s \(duration\)"),
        ({"start": 1e300, "end": 2.0}, r"a time of 1e\+300 s \(start\)"),
        ({"start": 0.0, "end": float("nan")}, r"a time of nan s \(end\)"),
        ({"events": [emotion(0, start=1e7, end=1e7 + 1)]}, "an event that ends at 1e.07 s"),
        ({"events": [emotion(0, start=-9.0, end=-8.0)]}, "an event that ends at -8 s"),
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_time_that_no_recording_has_is_refused(
    tmp_path: Path, times: dict[str, Any], said: str, end: str
) -> None:
    """The page would paint marks of hours without end."""
    path = write_lines(tmp_path / "results.jsonl", result("a.wav", spoken("sad")))
    path.write_text(path.read_text() + json.dumps({**result("b.wav", []), **times}) + end)
    with pytest.raises(ReportError, match=rf"line 2 has {said}, which no recording has\. Make one"):
        read(path)


def test_more_recordings_than_a_page_can_list_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotiond.streamer.report.read.MOST_TRACKS", 2)
    path = write_lines(tmp_path / "results.jsonl", *[result("a.wav", [])] * 2)
    assert len(read(path).tracks) == 2
    write_lines(path, *[result("a.wav", [])] * 3)
    with pytest.raises(ReportError, match=r"more than 2 recordings\. Make several reports"):
        read(path)


def test_what_is_not_wanted_of_a_result_takes_no_memory(tmp_path: Path) -> None:
    """Twenty megabytes of it took 500 MB."""
    unwanted = {f"x{number}": [{}] * 5000 for number in range(300)}
    path = write_lines(tmp_path / "results.jsonl", {**result("a.wav", spoken("sad")), **unwanted})
    del unwanted
    tracemalloc.start()
    try:
        assert len(read(path).tracks[0].rows) == 8
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_rows_of_another_level_are_named(tmp_path: Path) -> None:
    row = {"file": "a.wav", "start": 0.0, "end": 1.0, "label": "happy", "confidence": 0.8}
    path = write_lines(tmp_path / "segments.jsonl", row)
    with pytest.raises(
        ReportError,
        match=r"line 1 is a segment or a stride, and segments.jsonl.sqlite, which has everything, "
        r"is not beside it. Make results: emotiond analyze --format json FILE\.",
    ):
        read(path)


def test_damage_in_a_session_is_left_out_and_told(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "mic.jsonl", emotion(0))
    rest = write_lines(tmp_path / "rest", emotion(1), {**emotion(2), "seq": -1}, emotion(3))
    path.write_bytes(path.read_bytes() + b"{\n" + rest.read_bytes())
    found = read(path)
    assert len(found.tracks[0].rows) == 3
    said = f"{path}: line 2 is left out: it is no object with a type, and 1 more"
    assert describe(path, found) == said


@pytest.mark.parametrize(
    ("odd", "remark"),
    [
        ({"seq": 10**300}, "line 1 is left out: 'seq' is far too large"),
        ({"seq": 2**40}, "1 event is left out: its numbers are out of range"),
        ({"scores": 3}, "line 1 is left out: "),
    ],
)
def test_a_session_may_begin_with_damage(tmp_path: Path, odd: dict[str, Any], remark: str) -> None:
    path = write_lines(tmp_path / "mic.jsonl", {**emotion(0), **odd}, emotion(1))
    found = read(path)
    assert len(found.tracks[0].rows) == 1
    assert (describe(path, found) or "").startswith(f"{path}: {remark}")


def test_damage_in_results_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "results.jsonl", result("a.wav", spoken("sad")))
    path.write_bytes(path.read_bytes() + b"{\n" + path.read_bytes())
    with pytest.raises(ReportError, match="line 2 is no result"):
        read(path)


def test_a_session_without_events_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "mic.jsonl", status("stalled"), {"type": "hello"})
    write_lines(tmp_path / "log.txt", emotion(0))
    path.write_text('{"type": "recording"}\n')
    with pytest.raises(
        ReportError, match=r"mic.jsonl: it holds no event \(.*\)\. Name a file that"
    ):
        read(path)
    with pytest.raises(
        ReportError, match=r"log.txt: it is no file of a session\. Name a file that"
    ):
        read(tmp_path / "log.txt")


def test_any_file_of_a_recording_names_it(tmp_path: Path) -> None:
    lines = read(write_lines(tmp_path / "mic.jsonl", emotion(0), emotion(1)))
    soundfile.write(tmp_path / "mic.wav", np.zeros(8000), 16_000)
    assert read(tmp_path / "mic.wav").tracks == lines.tracks
    database = Database(tmp_path / "other.sqlite")
    database.add_position(Position("mic", 0.0, 0.0, EPOCH))
    for each in (emotion(0), emotion(1)):
        event = event_of(each)
        assert event is not None
        database.add(event, "")
    database.close()
    (track,) = read(tmp_path / "other.sqlite").tracks
    assert (track.rows, track.pieces) == (lines.tracks[0].rows, [Piece(0.0, 0.0)])
    assert track.sound == str(tmp_path / "other.wav")


def test_a_file_is_of_one_kind(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "both.jsonl", result("a.wav", spoken("sad")), emotion(0))
    with pytest.raises(ReportError, match=r"both results and a session, from line 2 on\. Put them"):
        read(path)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """What ``analyze`` keeps of two recordings beside a table."""
    path = tmp_path / "out.csv.sqlite"
    with contextlib.closing(Store(path, {}, is_resumed=False)) as store:
        for key, (file, label) in {"1": ("b.wav", "sad"), "2": ("a\n.wav", "happy")}.items():
            log = EventLog()
            for event in spoken(label):
                log.add(json.dumps(event))
            store.put(key, (Finding({"duration": 2.0}, joined(log)),))
            store.name(Item(file), key)
            store.name(Item(f"copy {file}", 0.0, 2.0), key)
        store.finish()
    return path


def test_what_analyze_keeps_is_read(kept: Path) -> None:
    tracks = read(kept).tracks
    assert [track.name for track in tracks] == ["a\n.wav", "b.wav", "copy a\n.wav", "copy b.wav"]
    assert [len(track.rows) for track in tracks] == [8] * 4


@pytest.mark.parametrize(
    "content",
    [
        "file,duration,label,confidence\r\n",
        "file,start,end,label,confidence,speech_seconds\r\n",
        "PAR1 and so on",
        json.dumps({"file": "a.wav", "start": 0.0, "end": 1.0, "label": None}) + "\n",
    ],
)
def test_beside_any_table_all_that_is_kept_is_read(kept: Path, content: str) -> None:
    (kept.parent / "out.csv").write_text(content, newline="")
    assert len(read(kept.parent / "out.csv").tracks) == 4


def test_beside_a_folder_of_files_all_that_is_kept_is_read(kept: Path) -> None:
    (kept.parent / "labels").mkdir()
    kept.rename(kept.parent / "labels.sqlite")
    assert len(read(kept.parent / "labels").tracks) == 4
    with pytest.raises(
        ReportError, match=r"it is a folder, and .*\.sqlite, which has everything, is not beside"
    ):
        read(kept.parent)


def test_a_table_alone_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("file,duration,label,confidence\n")
    with pytest.raises(
        ReportError,
        match=r"out.csv: it is a table, which has no level and no unsmoothed score, and "
        r"out.csv.sqlite, which has everything, is not beside it. Make results: emotiond analyze",
    ):
        read(tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DROP TABLE files", "does not say which recordings .* once more, with --resume"),
        ("DELETE FROM files", "does not say which recordings"),
        ("PRAGMA user_version = 2", "is of version 2, and this emotiond knows 1"),
        ("UPDATE results SET result = '{'", "is damaged"),
        ("UPDATE results SET result = '3'", "is damaged"),
        ("UPDATE results SET result = '{}'", "is damaged"),
        ("UPDATE results SET events = x'ffffffff00'", "is damaged"),
        ("UPDATE results SET events = 7", "is damaged"),
        ("UPDATE files SET file = x'00'", "is damaged"),
        ("DROP TABLE results; CREATE VIEW results AS SELECT 1 key", "is damaged"),
        (
            f"DROP TABLE files; CREATE VIEW files AS {WITHOUT_END}",
            "more than the tables of emotiond",
        ),
    ],
)
def test_kept_results_that_are_damaged_or_another_s_are_refused(
    kept: Path, change: str, problem: str
) -> None:
    with contextlib.closing(sqlite3.connect(kept)) as database:
        database.executescript(change)
    with pytest.raises(EmotiondError, match=problem):
        read(kept)


def test_a_kept_result_with_a_time_that_no_recording_has_is_refused(kept: Path) -> None:
    with contextlib.closing(sqlite3.connect(kept)) as database, database:
        database.execute("UPDATE results SET result = '{\"duration\": 1e9}' WHERE key = '1'")
    with pytest.raises(ReportError, match=r"the result of b.wav has a time of 1000000000.0 s"):
        read(kept)


def test_a_database_of_another_program_or_a_part_of_one_is_refused(kept: Path) -> None:
    with contextlib.closing(sqlite3.connect(kept.with_name("other.sqlite"))) as database:
        database.execute("CREATE TABLE results (key)")
    content = kept.read_bytes()
    kept.with_name("part.sqlite").write_bytes(content[: len(content) // 2])
    for name in ("other", "part"):
        with pytest.raises(EmotiondError, match=rf"{name}\.sqlite"):
            read(kept.with_name(f"{name}.sqlite"))


def test_events_that_unpack_to_far_more_than_they_are_are_refused(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_events, "MOST_PART_BYTES", 1000)
    with pytest.raises(ReportError, match="is damaged"):
        read(kept)


def test_results_that_share_their_events_have_no_more_than_a_page_can_show(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand names of one result made 1.1 GB of 160 KB."""
    monkeypatch.setattr("emotiond.streamer.report.read.MOST_EVENTS", 32)
    assert len(read(kept).tracks) == 4
    with contextlib.closing(sqlite3.connect(kept)) as database, database:
        database.execute("INSERT INTO files VALUES ('c.wav', NULL, NULL, NULL, '1')")
    with pytest.raises(ReportError, match=r"more than 32 events\. Make several reports"):
        read(kept)


def test_nothing_is_made_beside_kept_results(kept: Path) -> None:
    read(kept)
    assert [*kept.parent.iterdir()] == [kept]


def test_results_that_a_run_begins_to_write_meanwhile_are_in_use(kept: Path) -> None:
    results = kept_results.read_kept(kept)
    next(results)
    with (
        contextlib.closing(Store(kept, {}, is_resumed=True)),
        pytest.raises(ResultError, match=r"is in use by a run\. Wait for its end"),
    ):
        assert list(results)


@pytest.mark.skipif(not hasattr(sqlite3.Connection, "setlimit"), reason="needs Python 3.11")
def test_a_row_that_is_far_too_large_is_refused(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_results, "MOST_RESULT_BYTES", 2000)
    assert read(kept).tracks
    with contextlib.closing(sqlite3.connect(kept)) as database, database:
        database.execute("UPDATE results SET events = zeroblob(2001)")
    with pytest.raises(ResultError, match="is damaged"):
        read(kept)


def test_results_of_a_run_that_still_goes_on_are_in_use(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.sqlite"
    with (
        contextlib.closing(Store(path, {}, is_resumed=False)),
        pytest.raises(ResultError, match=r"is in use by a run\. Wait for its end"),
    ):
        read(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("\n")
    with pytest.raises(ReportError, match="there is nothing in it"):
        read(tmp_path / "none")


@pytest.mark.parametrize("name", ["missing.jsonl", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReportError, match=r"cannot read .+ \(.+\)\. Name a file of results"):
        read(tmp_path / name)
