"""The files that ``--record`` writes, while the daemon runs and after it is killed."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from websockets.sync.client import connect

from emotiond.exceptions import RecordError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.outputs.recorder import parse_records
from emotiond.streamer.outputs.recorder_thread import Recorder
from emotiond.streamer.protocol.events import position_of_event, to_json
from emotiond.streamer.recordings.plan import Plan
from emotiond.streamer.recordings.session import Session
from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon
from tests.support.disks import make_read_only, needs_disks, small_disk
from tests.support.sound_server import SoundServer

TINY = ("--model", str(DATA / "tiny.tflite"))
PORTS = ("--port", "0", "--zmq", "off")
FAST = (*TINY, "--speed", "max", "--once", "--json", *PORTS)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def health(daemon: Daemon) -> Any:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
        return json.load(response)


def until_recorded(events: Iterator[Any], daemon: Daemon, seconds: float) -> None:
    """Wait for the daemon's events until so much of the first recording is written."""
    for _ in events:
        (about,) = health(daemon)["recordings"].values()
        if about["seconds"] >= seconds:
            return


def test_a_file_is_recorded_as_it_is_with_all_its_events(tmp_path: Path) -> None:
    path = tmp_path / "kept.wav"
    ended = emotiond("run", "--source", str(DEMO), "--record", str(path), *FAST)
    assert ended.returncode == 0, ended.stderr
    assert str(path) in ended.stderr
    original, kept = (soundfile.read(file, dtype="int16")[0] for file in (DEMO, path))
    np.testing.assert_array_equal(kept, original)
    written = lines(path.with_suffix(".jsonl"))
    (bearing,) = (line for line in written if line["type"] == "recording")
    written.remove(bearing)
    assert written == [json.loads(line) for line in ended.stdout.splitlines()]
    assert (bearing["file_seconds"], bearing["stream_seconds"]) == (0, 0)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_only_the_user_may_read_a_recording_and_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "kept.wav").symlink_to(elsewhere)
    before = os.umask(0)
    try:
        record = ("--record", str(tmp_path / "kept.wav"))
        ended = emotiond("run", "--source", str(DEMO), *record, *FAST)
    finally:
        os.umask(before)
    assert ended.returncode == 0, ended.stderr
    assert not elsewhere.exists()
    for suffix in (".wav", ".jsonl"):
        assert (tmp_path / f"kept-2{suffix}").stat().st_mode & 0o777 == 0o600


def test_a_recording_gives_the_same_events_again(tmp_path: Path) -> None:
    path = tmp_path / "demo.wav"
    first, again = (
        emotiond("run", "--source", f"a={source}", *record, *FAST).stdout
        for source, record in ((DEMO, ("--record", str(path))), (path, ()))
    )
    events = [
        [{**json.loads(line), "time": 0} for line in output.splitlines()]
        for output in (first, again)
    ]
    assert events[0] == events[1]


def test_only_the_named_streams_are_recorded(tmp_path: Path) -> None:
    sources = ("--source", f"a={DEMO}", "--source", f"b={DEMO}", "--source", f"c={DEMO}")
    records = ("--record", f"c={tmp_path / 'c.wav'}", "--record", str(tmp_path / "first.wav"))
    assert emotiond("run", *sources, *records, *FAST).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        *("c.wav", "c.jsonl", "first.wav", "first.jsonl")
    }
    for name, stream in (("c", "c"), ("first", "a")):
        assert {line["stream"] for line in lines(tmp_path / f"{name}.jsonl")} == {stream}


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["mci=a.wav"], "Choose one of: mic, radio"),
        (["a.flac"], "FILE.wav"),
        (["a.wav", "mic=b.wav"], "recorded already"),
    ],
)
def test_an_invalid_recording_is_refused(texts: list[str], reason: str) -> None:
    with pytest.raises(RecordError, match=reason):
        parse_records(texts, ["mic", "radio"])


def test_a_path_may_hold_an_equals_sign_behind_a_slash() -> None:
    assert parse_records(["./a=b.wav"], ["mic"]) == {"mic": Path("a=b.wav")}


def test_nothing_is_overwritten_when_the_daemon_starts_again(tmp_path: Path) -> None:
    arguments = ("run", "--source", str(DEMO), "--record", str(tmp_path / "a.wav"), *FAST)
    for _ in range(3):
        assert emotiond(*arguments).returncode == 0
    assert sorted(path.stem for path in tmp_path.glob("*.wav")) == ["a", "a-2", "a-3"]
    assert len({path.read_bytes() for path in tmp_path.glob("*.wav")}) == 1


def test_many_parts_hold_the_same_as_one_and_the_oldest_go(tmp_path: Path) -> None:
    record = ("--record", str(tmp_path / "k.wav"), "--record-events", "both")
    divided = ("--record-rotate", "1MB", "--record-quota", "2MB")
    sources = ("--source", f"mic={DEMO}", "--source", f"other={DEMO}")  # 2 MB of sound
    with running_daemon(*sources, *record, *divided, *TINY, "--json", "--speed", "max") as daemon:
        events, sent = daemon.events(), list[Any]()
        while not sent or sent[-1].get("end", 0) <= 100:
            sent += [event for event in [next(events)] if event["stream"] == "mic"]
        about = health(daemon)["recordings"]["mic"]
        metrics = urllib.request.urlopen(f"{daemon.page_url}metrics", timeout=60).read()  # noqa: S310
        daemon.process.kill()
        assert daemon.process.stdout is not None
        rest = [json.loads(line) for line in daemon.process.stdout if line.endswith("\n")]
        sent += [event for event in rest if event["stream"] == "mic"]
    assert about["parts"] >= 3
    assert about["deleted_files"] % 3 == 0 < about["deleted_bytes"]
    assert b'emotiond_recording_deleted_files_total{stream="mic"}' in metrics
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 2_100_000
    first, *_ = sorted(tmp_path.glob("*.wav"))
    begin = json.loads(first.with_suffix(".jsonl").open().readline())["stream_seconds"]
    for suffix in (".jsonl", ".sqlite"):
        kept = [to_json(event) for event in Session(first.with_suffix(suffix)).events()]
        last = kept[-1]["seq"]  # what is not written yet is lost with the process
        assert [event for event in kept if event in sent] == [
            event for event in sent if at(event) > begin and event["seq"] <= last
        ]
        assert len(kept) > 50
        assert [event["seq"] for event in kept] == [*range(kept[0]["seq"], last + 1)]


def at(event: Any) -> float:
    """The second of the stream of an event in JSON."""
    return float(event.get("end", event.get("at", 0)))


def test_after_a_kill_it_is_readable_to_the_last_complete_second(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    record = ("--record", str(path), "--record-events", "both")
    with running_daemon("--source", str(DEMO), *record, *TINY, "--json") as daemon:
        events, ends = daemon.events(), [0.0]
        while ends[-1] < 3:
            ends.append(next(events).get("end", ends[-1]))
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait(timeout=60)
        ends += [event["end"] for event in events if event["type"] == "emotion"]
    original, _ = soundfile.read(DEMO, dtype="int16")
    kept, _ = soundfile.read(path, dtype="int16")
    assert kept.shape[0] >= (ends[-1] - 1) * 16_000
    np.testing.assert_array_equal(kept, original[: kept.shape[0]])
    for suffix, latest in ((".jsonl", 1.0), (".sqlite", 2.0)):  # a commit each second
        recorded = [*Session(path.with_suffix(suffix)).events()]
        assert [event.seq for event in recorded] == list(range(len(recorded)))
        assert max(map(position_of_event, recorded[1:])) >= ends[-1] - latest


@needs_disks
def test_when_the_disk_is_full_the_recording_ends_and_the_daemon_goes_on(tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=128) as folder:
        arguments = ("--source", f"voice={DEMO}", "--record", str(folder / "a.wav"), *TINY)
        with (
            running_daemon(*arguments, "--json") as daemon,
            connect(daemon.websocket_url) as client,
        ):
            assert json.loads(client.recv())["recording"] == ["voice"]
            events = daemon.events()
            status = next(e for e in events if "No space left" in e.get("detail", ""))
            assert (status["type"], status["status"]) == ("status", "running")
            after = [next(events) for _ in range(4)]
            assert [event["seq"] for event in after] == list(
                range(status["seq"] + 1, status["seq"] + 5)
            )
            assert health(daemon)["status"] == "degraded"
            with connect(daemon.websocket_url) as late:
                assert json.loads(late.recv())["recording"] == []
            assert daemon.stop() == 1
        assert "voice: the recording" in daemon.stderr
        assert "Traceback" not in daemon.stderr
        original, _ = soundfile.read(DEMO, dtype="int16")
        kept, _ = soundfile.read(folder / "a.wav", dtype="int16")
        assert kept.shape[0] > 32_000
        np.testing.assert_array_equal(kept, original[: kept.shape[0]])


@needs_disks
def test_a_lossless_run_is_not_held_up_by_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=128) as folder:
        record = ("--record", str(folder / "a.wav"))
        ended = emotiond("run", "--source", str(DEMO), *record, *FAST)
    assert ended.returncode == 1
    assert json.loads(ended.stdout.splitlines()[-1])["status"] == "ended"


@needs_disks
def test_a_disk_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=128) as folder:
        make_read_only(folder)
        ended = emotiond("run", "--source", str(DEMO), "--record", str(folder / "a.wav"), *FAST)
    assert ended.returncode == 1
    assert "Read-only" in ended.stderr
    assert "--record" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="needs limits of file sizes")
def test_a_file_that_may_not_grow_ends_the_recording_alone(tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    arguments = ("--source", str(DEMO), "--record", str(tmp_path / "a.wav"), *TINY, "--json")
    with running_daemon(*arguments, preexec_fn=limit) as daemon:
        events = daemon.events()
        next(event for event in events if "File too large" in event.get("detail", ""))
        assert next(event for event in events if event["type"] == "emotion")["end"] > 2
    assert soundfile.info(tmp_path / "a.wav").frames == pytest.approx(49_000, abs=4000)


def test_a_folder_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "a.wav"
    ended = emotiond("run", "--source", str(DEMO), "--record", str(path), *FAST)
    assert ended.returncode == 1
    assert str(path) in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_refused_recording_leaves_no_file(tmp_path: Path) -> None:
    sources = ("--source", f"one={DEMO}", "--source", f"two={DEMO}")
    records = ("--record", "one=one.wav", "--record", "two=missing/two.wav")
    ports = ("--port", "0", "--zmq", "off")
    ended = emotiond(*sources, *records, *TINY, *ports, cwd=tmp_path)
    assert ended.returncode == 1
    assert "missing" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_daemon_that_ends_before_there_is_anything_to_record_leaves_no_file(
    tmp_path: Path,
) -> None:
    failures: list[str] = []
    recorder = Recorder(tmp_path / "a.wav", "a", Ring(16_000, 1, 16_000), failures.append, Plan())
    assert {path.name for path in tmp_path.iterdir()} == {"a.wav", "a.jsonl"}
    recorder.close(10)
    assert not [*tmp_path.iterdir()]
    assert not failures


@pytest.mark.system
def test_a_muted_time_is_noted_and_not_recorded_as_silence(
    microphone: SoundServer, tmp_path: Path
) -> None:
    path = tmp_path / "mic.wav"
    arguments = ("--source", "mic", "--record", str(path), *TINY, "--json")
    with running_daemon(*arguments, environment=microphone.environment) as daemon:
        events = daemon.events()
        until_recorded(events, daemon, 1.0)
        for status in ("muted", "running"):
            daemon.process.send_signal(signal.SIGUSR1)
            next(event for event in events if event.get("status") == status)
        until_recorded(events, daemon, 2.0)
        assert daemon.stop() == 0
    first, *_, second = [e for e in lines(path.with_suffix(".jsonl")) if e["type"] == "recording"]
    file_seconds = second["file_seconds"] - first["file_seconds"]
    stream_seconds = second["stream_seconds"] - first["stream_seconds"]
    assert 1.0 <= file_seconds < stream_seconds
    assert second["time"] - first["time"] == pytest.approx(stream_seconds, abs=0.3)


def test_client_streams_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    arguments = ("--source", str(DEMO), "--record", str(path), *TINY, "--json")
    with running_daemon(*arguments) as daemon, connect(daemon.websocket_url) as client:
        client.send('{"type":"start","purpose":"live","sample_rate":16000,"format":"s16le"}')
        client.send(b"\x11\x11" * 16_000)
        client.send('{"type":"end"}')
        private = next(e for e in map(json.loads, client) if e.get("type") == "started")["stream"]
        next(e for e in map(json.loads, client) if e.get("status") == "ended")
        until_recorded(daemon.events(), daemon, 2.0)
        daemon.stop()
    assert private not in {line["stream"] for line in lines(path.with_suffix(".jsonl"))}
    kept, _ = soundfile.read(path, dtype="int16")
    assert not (kept == 0x1111).any()
