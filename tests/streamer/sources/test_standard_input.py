"""Raw PCM on standard input, as recorders pipe it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.conftest import DATA
from tests.support.daemon import COMMAND, DEMO, running_daemon
from tests.support.sound_files import encoded, mp2_frame

RUN = (*COMMAND, "run", "--source", "-", "--once", "--json", "--model", "lite", "--port", "0")


def demo_pcm() -> bytes:
    samples, _ = soundfile.read(DEMO, dtype="int16")
    return bytes(samples.astype("<i2").tobytes())


def events_of(data: bytes, *arguments: str) -> list[dict[str, Any]]:
    ended = subprocess.run(
        [*RUN, "--zmq", "off", "--speed", "max", *arguments],
        input=data,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_pcm_gives_the_events_of_the_same_sound_in_a_file() -> None:
    events = events_of(demo_pcm())
    ended = subprocess.run(
        [*COMMAND, "analyze", str(DEMO), "--model", "lite", "--format", "json"],
        capture_output=True,
        check=True,
    )
    labels = [event["label"] for event in events if event["type"] == "emotion"]
    expected = json.loads(ended.stdout)["events"]
    assert labels == [event["label"] for event in expected if event["type"] == "emotion"]


@pytest.mark.parametrize("data", [b"", b"\x01"])
def test_an_empty_input_ends_normally(data: bytes) -> None:
    events = events_of(data)
    assert [event.get("status") for event in events] == ["running", "ended"]


def test_half_a_sample_at_the_end_is_left_out() -> None:
    events = events_of(b"\x00\x10" * 8000 + b"\x01")
    assert [event["end"] for event in events if event["type"] == "emotion"] == [0.245, 0.495]


def test_another_rate_is_resampled() -> None:
    tone = (np.sin(np.arange(96_000) * 0.05) * 8000).astype("<i2")
    events = events_of(tone.tobytes(), "--rate", "48000")
    emotions = [event for event in events if event["type"] == "emotion"]
    assert emotions[-1]["end"] == pytest.approx(2, abs=0.02)
    assert emotions[-1]["level_dbfs"] == pytest.approx(-15.3, abs=0.3)


def test_a_recorder_sets_the_pace() -> None:
    with running_daemon(
        *("--source", "-", "--model", "lite", "--json", "--once"), stdin=subprocess.PIPE
    ) as daemon:
        assert daemon.process.stdin is not None
        pipe = daemon.process.stdin.buffer
        events = daemon.events()
        assert next(events)["status"] == "running"
        for _ in range(3):  # one stride in, one event out, while the pipe stays open
            pipe.write(bytes(8000))
            pipe.flush()
            event = next(events)
            assert event["type"] == "emotion"
            assert event["age_ms"] is not None
        pipe.close()
        assert next(events)["status"] == "ended"
        assert daemon.process.wait(timeout=60) == 0


def test_a_live_wav_stream_of_another_rate_is_late_by_a_constant_that_its_age_counts() -> None:
    silence = encoded(np.zeros(8000, np.float32), "WAV", 8000, subtype="PCM_16")
    header, stride_bytes, delay_bytes = silence[: silence.index(b"data") + 8], 4000, 2 * 320
    with running_daemon("--source", "-", "--json", stdin=subprocess.PIPE) as daemon:
        assert daemon.process.stdin is not None
        pipe, events = daemon.process.stdin.buffer, daemon.events()
        pipe.write(header + bytes(delay_bytes))
        assert next(events)["status"] == "running"
        for _ in range(3):  # the delay is 30 ms, and not up to 115
            pipe.write(bytes(stride_bytes))
            pipe.flush()
            event = next(events)
            assert event["age_ms"] >= 30


TINY = ("--model", str(DATA / "tiny.tflite"))
INTEGERS, _ = soundfile.read(DEMO, dtype="int16", frames=96_000)
KINDS = {
    "u8": lambda x: (x // 256 + 128).astype("u1"),
    "s16le": lambda x: x.astype("<i2"),
    "s16be": lambda x: x.astype(">i2"),
    "s32le": lambda x: x.astype("<i4") * 65536,
    "f32le": lambda x: (x / 32768).astype("<f4"),
    "f64be": lambda x: (x / 32768).astype(">f8"),
}


def summary(data: bytes, *arguments: str) -> list[tuple[float, str | None, float]]:
    events = [event for event in events_of(data, *TINY, *arguments) if event["type"] == "emotion"]
    return [(event["end"], event["state"], round(event["level_dbfs"])) for event in events]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_raw_samples_of_any_format_are_heard_alike(name: str, channels: int) -> None:
    sound = np.repeat(KINDS[name](INTEGERS), channels)
    found = summary(sound.tobytes(), "--format", name, "--channels", str(channels))
    expected = summary(INTEGERS.astype("<i2").tobytes())
    assert [end for end, *_ in found] == [end for end, *_ in expected]
    loud = [(one, other) for one, other in zip(found, expected, strict=True) if other[2] > -35]
    assert all(abs(one[2] - other[2]) <= 1 for one, other in loud)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2)])
def test_the_header_of_a_wav_stream_is_honoured(subtype: str, rate: int, channels: int) -> None:
    seconds = np.arange(6 * rate) / rate
    sound = np.interp(seconds * 16_000, np.arange(INTEGERS.size), INTEGERS / 32768)
    stream = bytearray(encoded(np.stack([sound] * channels, 1), "WAV", rate, subtype=subtype))
    at = stream.index(b"data") + 4
    stream[at : at + 4] = b"\xff\xff\xff\xff"  # as a recorder writes it that cannot go back
    found, expected = summary(bytes(stream)), summary(INTEGERS.astype("<i2").tobytes())
    assert len(found) == pytest.approx(len(expected), abs=1)
    loud = [(a, b) for a, b in zip(found[1:-1], expected[1:-1], strict=False) if b[2] > -35]
    assert loud
    assert all(abs(a[2] - b[2]) <= 2 for a, b in loud)


COMPRESSED = {
    "Ogg": lambda: encoded(INTEGERS[:16_000] / 32768, "OGG"),
    "FLAC": lambda: encoded(INTEGERS[:16_000] / 32768, "FLAC"),
    "AIFF": lambda: encoded(INTEGERS[:16_000] / 32768, "AIFF"),
    "MP3": lambda: encoded(INTEGERS[:16_000] / 32768, "MP3"),
    "MP2": lambda: mp2_frame(64) * 10,
}


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_container_ends_it_with_the_remedy(name: str) -> None:
    ended = subprocess.run(
        [*RUN, *TINY, "--zmq", "off", "--speed", "max"],
        input=COMPRESSED[name](), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    *_, last = (json.loads(line) for line in ended.stdout.splitlines())
    assert last["status"] == "ended"
    assert f"is {name}, and no raw sound. Decode it: ffmpeg" in last["detail"]
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("name", "hint"), [("f32le", "looks like 32-bit floats: use --format f32le"), ("s16le", None)]
)
def test_what_looks_like_another_format_is_told_once(name: str, hint: str | None) -> None:
    """See test_raw.py. The silence before it says nothing."""
    data = bytes(2 * 6 * 16_000) + np.tile(KINDS[name](INTEGERS), 3).tobytes()
    ended = subprocess.run(
        [*RUN, *TINY, "--zmq", "off", "--speed", "max"],
        input=data, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    told = [e["detail"] for e in events if e.get("status") == "running" and e["detail"]]
    assert len(told) == ended.stderr.count(b"looks like") == (hint is not None)
    assert hint is None or hint in told[0]
