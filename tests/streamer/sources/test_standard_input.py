"""Raw PCM on standard input, as recorders pipe it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.daemon import COMMAND, DEMO, running_daemon

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
        assert daemon.process.wait(timeout=10) == 0
