"""Sound that clients send over the WebSocket, against running daemons."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import zmq

from tests.conftest import DATA
from tests.support.caller import Caller, Object, calling, pcm
from tests.support.daemon import PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.mono import CANCELLING
from tests.support.signals import demo, tone

TINY = str(DATA / "tiny.tflite")
VOICE = pcm(demo()[: 4 * 16_000])
ONLY_HERE = ("time", "stream", "age_ms", "speech_seconds")


def read(daemon: Daemon, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def without(events: Sequence[Object], names: Sequence[str]) -> Sequence[Object]:
    return [{k: v for k, v in event.items() if k not in names} for event in events]


def test_hello_says_what_may_be_sent(caller: Caller) -> None:
    assert caller.hello["client_streams"] == {
        "max": 4, "max_file_seconds": 1800.0, "max_message_bytes": 65_536, "history": True,
    }  # fmt: skip


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_file_has_the_result_that_analyze_has(tmp_path: Path, rate: int, subtype: str) -> None:
    path = tmp_path / "clip.wav"
    seconds = np.arange(round(8.3 * rate)) / rate
    soundfile.write(
        path, np.interp(seconds * 16_000, np.arange(demo().size), demo()), rate, subtype
    )
    kind, form = ("int16", "s16le") if subtype == "PCM_16" else ("float32", "f32le")
    samples, _ = soundfile.read(path, dtype=kind)
    expected = json.loads(
        emotiond("analyze", "--model", "lite", "--format", "json", str(path)).stdout
    )
    with (
        running_daemon("--source", "demo", "--model", "lite", "--history", "off") as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        analysis = caller.analysis(samples.tobytes(), sample_rate=rate, format=form, name="clip")
    events = [e for e in caller.events(analysis["stream"]) if e["type"] != "status"]
    assert expected["label"] is not None
    assert without(events, ONLY_HERE) == without(expected["events"], ONLY_HERE)
    assert {event["age_ms"] for event in events if event["type"] == "emotion"} == {None}
    for name in ("duration", "label", "confidence", "scores"):
        assert analysis[name] == expected[name]
    assert analysis["events"] == len(expected["events"])
    assert analysis["id"] is None  # no history is kept here


@pytest.mark.parametrize("form", ["s16le", "f32le"])
def test_channels_that_cancel_are_mixed_as_by_analyze(
    caller: Caller, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "clip.wav"
    sound = CANCELLING["two of four"]
    integers = np.round(sound * 32767).astype("<i2")
    soundfile.write(path, integers, 16_000)
    expected = json.loads(
        emotiond("analyze", "--model", TINY, "--format", "json", str(path)).stdout
    )
    data = integers if form == "s16le" else (integers / np.float32(32768)).astype("<f4")
    analysis = caller.analysis(data.tobytes(), format=form, channels=4)
    assert expected["label"] is not None
    for name in ("duration", "label", "confidence", "scores"):
        assert analysis[name] == expected[name]


def test_floats_at_the_scale_of_integers_are_refused(caller: Caller) -> None:
    caller.start(format="f32le")
    caller.send((32_767 * demo()[:16_000]).astype("<f4").tobytes())
    detail = caller.until("error", error="bad-audio")["detail"]
    assert "scaled as integers" in detail
    assert "Divide them by 32768" in detail


def test_a_message_that_ends_in_the_middle_of_the_channels_is_refused(caller: Caller) -> None:
    caller.start(channels=3)
    caller.send(bytes(8))
    assert "of 3 channels" in caller.until("error", error="bad-audio")["detail"]


def test_the_pieces_do_not_matter(caller: Caller) -> None:
    results = []
    for sizes in ((65_536,), (2, 4098, 12_000), (30_002, 4096)):
        caller.start()
        rest = VOICE
        while rest:
            for size in sizes:
                caller.connection.send(rest[:size])
                rest = rest[size:]
        caller.say("end")
        stream = caller.until("analysis")["stream"]
        results.append(without(caller.events(stream), ONLY_HERE))
    assert results[0] == results[1] == results[2]


def test_its_events_are_numbered_without_holes_from_running_to_ended(caller: Caller) -> None:
    stream = caller.analysis(VOICE)["stream"]
    events = caller.events(stream)
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert [e["status"] for e in events if e["type"] == "status"] == ["running", "ended"]
    assert events[-1]["type"] == "status"
    ends = [event["end"] for event in events if event["type"] == "emotion"]
    assert all(after > before for before, after in pairwise(ends))
    assert {event["dropped_samples"] for event in events if event["type"] == "emotion"} == {0}


def test_several_files_may_follow_one_another(caller: Caller) -> None:
    first, second = caller.analysis(VOICE), caller.analysis(VOICE)
    assert first["stream"] != second["stream"]
    assert second["id"] == first["id"] + 1
    same = ("duration", "label", "confidence", "scores", "events")
    assert [first[name] for name in same] == [second[name] for name in same]


def test_a_file_without_speech_or_without_sound_has_no_label(tmp_path: Path) -> None:
    with (
        running_daemon("--source", "demo", "--model", "lite", "--history", "off") as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        silent = caller.analysis(bytes(64_000))
        empty = caller.analysis(b"")
    for analysis, duration in ((silent, 2.0), (empty, 0.0)):
        assert analysis["duration"] == duration
        assert (analysis["label"], analysis["confidence"], analysis["scores"]) == (None,) * 3


def test_live_audio_is_analysed_as_it_comes(caller: Caller) -> None:
    stream = caller.start(purpose="live", sample_rate=48_000, format="f32le")
    caller.send(tone(200, 1, rate=48_000).tobytes())
    event = caller.until("emotion", stream=stream)
    assert event["age_ms"] >= 0
    caller.say("end")
    caller.until("status", stream=stream, status="ended")
    caller.say("history")
    caller.until("history")
    assert not [message for message in caller.received if message["type"] == "analysis"]


def test_live_sound_that_comes_too_fast_loses_the_oldest_and_says_so(caller: Caller) -> None:
    stream = caller.start(purpose="live", sample_rate=8_000)
    for _ in range(40):
        caller.connection.send(bytes(65_536))
    caller.say("end")
    caller.until("status", stream=stream, status="ended")
    assert caller.events(stream)[-2]["dropped_samples"] > 0


def test_a_private_stream_is_nowhere_else(tmp_path: Path) -> None:
    with (
        running_daemon(
            *("--source", "demo", "--model", TINY, "--history", "off", "--json"),
            *("--record", str(tmp_path / "kept.wav")),
        ) as daemon,
        calling(daemon.websocket_url) as other,
        calling(daemon.websocket_url) as caller,
        zmq.Context() as context,
        context.socket(zmq.SUB) as subscriber,
    ):
        subscriber.subscribe(b"")
        subscriber.connect(daemon.zeromq_endpoint)
        assert subscriber.poll(PATIENCE_SECONDS * 1000)
        stream = caller.start(purpose="live", name="Tagebuch")
        caller.send(VOICE)
        caller.until("change", stream=stream)
        with calling(daemon.websocket_url) as late:
            late.until("emotion", stream="demo")
            late.until("emotion", stream="demo")
        pages = read(daemon, "/metrics") + read(daemon, "/healthz")
        caller.say("end")
        caller.until("status", stream=stream, status="ended")
        caller.start(purpose="file", name="Tagebuch")
        caller.send(VOICE)
        caller.say("end")
        other.until("emotion", seq=caller.until("emotion", stream="demo")["seq"])
        seen = json.dumps([other.received, late.received])
        frames = []
        while subscriber.poll(500 if not frames else 0):
            frames += subscriber.recv_multipart()
        assert daemon.stop() == 0
        lines = list(daemon.events())
        kept = (tmp_path / "kept.jsonl").read_text("utf-8")
        sent = pages + seen + b"".join(frames).decode() + json.dumps(lines) + daemon.stderr
        outside = kept + sent
    assert "demo" in outside
    assert lines
    assert frames
    assert "client-" not in outside
    assert "Tagebuch" not in outside


def test_a_published_stream_keeps_its_name_everywhere() -> None:
    with (
        running_daemon("--source", "demo", "--model", TINY, "--json") as daemon,
        calling(daemon.websocket_url) as other,
        calling(daemon.websocket_url) as caller,
        zmq.Context() as context,
        context.socket(zmq.SUB) as subscriber,
    ):
        subscriber.subscribe(b"change")
        subscriber.connect(daemon.zeromq_endpoint)
        assert caller.start(purpose="live", publish=True, name="kitchen") == "kitchen"
        caller.send(VOICE)
        assert other.until("emotion", stream="kitchen")["seq"] > 0
        while json.loads(subscriber.recv_multipart()[1])["stream"] != "kitchen":
            pass
        assert 'stream="kitchen"' in read(daemon, "/metrics")
        with calling(daemon.websocket_url) as late:
            assert late.hello["streams"] == ["demo", "kitchen"]
        assert next(event for event in daemon.events() if event["stream"] == "kitchen")


def test_one_name_never_stands_for_two_streams(daemon: Daemon) -> None:
    live = {"purpose": "live", "sample_rate": 16_000, "format": "s16le", "publish": True}
    with calling(daemon.websocket_url) as first, calling(daemon.websocket_url) as second:
        first.start(purpose="live", publish=True, name="hall")
        for name in ("hall", first.hello["streams"][0]):
            second.say("start", **live, name=name)
            error = second.until("error")
            assert (error["error"], error["about"]) == ("name-taken", "start")
            assert repr(name) in error["detail"]
        assert second.start(name="hall") != "hall"  # a private one has no public name
        second.say("cancel")
        first.say("end")
        second.until("status", stream="hall", status="ended")
        assert second.start(purpose="live", publish=True, name="hall") == "hall"
        second.say("cancel")  # and at once again
        assert second.start(purpose="live", publish=True, name="hall") == "hall"


def test_a_numbered_name_that_a_client_has_taken_is_left_out(daemon: Daemon) -> None:
    with calling(daemon.websocket_url) as first, calling(daemon.websocket_url) as second:
        number = int(first.start().removeprefix("client-"))
        first.say("cancel")
        taken = f"client-{number + 1}"
        assert first.start(purpose="live", publish=True, name=taken) == taken
        assert second.start() == f"client-{number + 2}"


@pytest.mark.parametrize("name", ["DEMO", "d\u0435mo", "d em\u00f3", "dem0"], ids=ascii)
def test_a_name_that_looks_like_another_stream_s_is_taken(name: str, daemon: Daemon) -> None:
    live = {"purpose": "live", "sample_rate": 16_000, "format": "s16le", "publish": True}
    with calling(daemon.websocket_url) as caller:
        assert caller.hello["streams"][0] == "demo"
        caller.say("start", **live, name=name)
        assert "looks like it" in caller.until("error", error="name-taken")["detail"]


@pytest.mark.parametrize("name", ["", "  "])
def test_a_published_stream_without_a_name_gets_a_number(name: str, daemon: Daemon) -> None:
    with calling(daemon.websocket_url) as caller:
        stream = caller.start(purpose="live", publish=True, name=name)
        assert stream.startswith("client-")


@pytest.mark.parametrize("name", ["a\x1b[2J", "two\nlines", "mic\u200b", "\u202ecim"])
def test_a_name_that_cannot_be_shown_is_not_published(name: str, daemon: Daemon) -> None:
    with calling(daemon.websocket_url) as caller:
        start = {"type": "start", "purpose": "live", "sample_rate": 16_000, "format": "s16le"}
        caller.connection.send(json.dumps({**start, "name": name, "publish": True}))
        assert "no control" in caller.until("error", error="bad-message")["detail"]
        assert caller.start(name=name).startswith("client-")


def test_a_published_stream_reaches_all_clients_until_it_ends(daemon: Daemon) -> None:
    with calling(daemon.websocket_url) as other, calling(daemon.websocket_url) as caller:
        stream = caller.start(purpose="live", publish=True)
        caller.send(VOICE)
        emotion = caller.until("emotion", stream=stream)
        assert other.until("emotion", stream=stream) == emotion
        assert f'emotiond_label{{stream="{stream}",label="happy"}} ' in read(daemon, "/metrics")
        assert json.loads(read(daemon, "/healthz"))["last"][stream]["age_seconds"] >= 0
        with calling(daemon.websocket_url) as late:
            assert stream in late.hello["streams"]
            late.until("emotion", stream=stream)
        caller.say("end")
        other.until("status", stream=stream, status="ended")
        caller.until("status", stream=stream, status="ended")
        caller.say("history")
        caller.until("history")
        assert stream not in read(daemon, "/metrics") + read(daemon, "/healthz")
        with calling(daemon.websocket_url) as late:
            assert stream not in late.hello["streams"]
            late.until("emotion", stream="demo")
            late.until("emotion", stream="demo")
        assert not late.events(stream)
        numbers = [event["seq"] for event in caller.events(stream)]
        assert numbers == list(range(len(numbers)))  # each of them once


def test_a_published_file_reaches_all_clients_without_loss(daemon: Daemon) -> None:
    with calling(daemon.websocket_url) as other, calling(daemon.websocket_url) as caller:
        stream = caller.analysis(VOICE, publish=True)["stream"]
        other.until("status", stream=stream, status="ended")
        assert other.events(stream) == caller.events(stream)
