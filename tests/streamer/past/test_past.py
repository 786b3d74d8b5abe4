"""The kept past of real daemons: what is asked, erased, refused, and never kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import connect

from emotiond.streamer.hub import Message
from emotiond.streamer.past import past as past_module
from emotiond.streamer.past.past import PIECE_EVENTS, Past
from emotiond.streamer.server.limits import Limits
from tests.conftest import DATA
from tests.support.caller import Caller, Object, calling, pcm
from tests.support.daemon import Daemon, emotiond, running_daemon
from tests.support.port import EMOTION, LIMITS, port, run
from tests.support.signals import demo

TINY = str(DATA / "tiny.tflite")
VOICE = pcm(demo()[:48_000])


def daemon_with(
    *flags: str, source: str = "demo", **options: Any
) -> AbstractContextManager[Daemon]:
    fixed = ("--source", source, "--model", TINY, "--history", "off")
    return running_daemon(*fixed, *flags, **options)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Plays a file of some pieces, as fast as it can, and stays there: standard input is open."""
    path = tmp_path_factory.mktemp("sound") / "long.wav"
    seconds = (2.5 * PIECE_EVENTS) / 4
    soundfile.write(path, np.resize(demo(), round(seconds * 16_000)), 16_000)
    flags = ("--source", "-", "--speed", "max", "--once", "--wait-clients", "1")
    with daemon_with(*flags, source=f"voice={path}", stdin=subprocess.PIPE) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def sent(daemon: Daemon) -> list[Object]:
    """The events that a client received that listened from the start to the end."""
    with calling(daemon.websocket_url) as caller:
        caller.until("status", stream="voice", status="ended")
        return [event for event in caller.events("voice") if event["type"] == "emotion"]


def emotions(caller: Caller) -> list[Object]:
    return [message for message in caller.received if message["type"] == "emotion"]


def piece(caller: Caller, stream: str = "voice", before: int | None = None) -> Object:
    caller.say("past", stream=stream, before=before)
    return caller.until("past", stream=stream)


def as_events(piece: Object) -> list[Object]:
    fields: dict[str, list[Any]] = piece["events"]
    return [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]


def test_a_new_visitor_gets_the_events_as_sent(daemon: Daemon, sent: list[Object]) -> None:
    with calling(daemon.websocket_url) as caller:
        first = piece(caller, before=sent[-1]["seq"] + 1)
        second = piece(caller, before=first["events"]["seq"][0])
    found = as_events(second) + as_events(first)
    expected = sent[-2 * PIECE_EVENTS :]
    assert len(found) == 2 * PIECE_EVENTS
    for event, original in zip(found, expected, strict=True):
        for name, value in event.items():
            known = original[name]
            assert value == (list(known.values()) if isinstance(known, dict) else known), name
    assert (first["hours"], first["more"], first["demo"]) == (2.0, True, False)


def test_hello_has_nothing_of_the_past(daemon: Daemon, sent: list[Object]) -> None:
    with calling(daemon.websocket_url) as caller:
        assert len(json.dumps(caller.hello)) < 2500
        assert sum(m["type"] == "emotion" for m in caller.received) == 0


def test_a_piece_is_far_below_the_unread_limit(daemon: Daemon, sent: list[Object]) -> None:
    with calling(daemon.websocket_url) as caller:
        assert len(json.dumps(piece(caller))) < Limits().unread_bytes / 4


@pytest.mark.parametrize("name", ["", "nowhere", "client-1", "x" * 10_000, "\ud800"])
def test_a_stream_that_is_not_there_is_refused(daemon: Daemon, name: str) -> None:
    with calling(daemon.websocket_url) as caller:
        for kind in ("past", "erase"):
            caller.say(kind, stream=name)
            error = caller.until("error")
            assert (error["error"], error["about"]) == ("unknown-stream", kind)
            assert len(error["detail"]) < 200


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"past"}',
        '{"type":"past","stream":1}',
        '{"type":"past","stream":"voice","before":-1}',
        '{"type":"past","stream":"voice","before":1.5}',
        '{"type":"past","stream":"voice","before":1e400}',
        '{"type":"past","stream":"voice","hours":1}',
        '{"type":"erase"}',
        '{"type":"erase","stream":"voice","all":true}',
    ],
)
def test_a_request_that_makes_no_sense_is_refused(daemon: Daemon, text: str) -> None:
    with calling(daemon.websocket_url) as caller:
        caller.connection.send(text)
        assert caller.until("error")["error"] == "bad-message"


def test_before_the_first_event_there_is_nothing(daemon: Daemon, sent: list[Object]) -> None:
    with calling(daemon.websocket_url) as caller:
        empty = piece(caller, before=0)
        assert (empty["more"], empty["events"]["seq"]) == (False, [])
        assert len(piece(caller, before=2**53)["events"]["seq"]) == PIECE_EVENTS


def test_live_events_come_in_time_while_many_ask(sent: list[Object], daemon: Daemon) -> None:
    ended = threading.Event()

    def ask_without_end() -> None:
        with connect(daemon.websocket_url) as connection:
            while not ended.is_set():
                connection.send('{"type":"past","stream":"voice"}')
                connection.recv()

    threads = [threading.Thread(target=ask_without_end) for _ in range(4)]
    with calling(daemon.websocket_url) as talker:
        stream = talker.start(purpose="live")
        for thread in threads:
            thread.start()
        waits = []
        for first in range(0, len(VOICE), 8000):  # a stride at a time, at the speed of life
            talker.send(VOICE[first : first + 8000])
            time.sleep(0.25)
            begun = time.monotonic()
            talker.say("ping")
            talker.until("pong")
            waits.append(time.monotonic() - begun)
        assert len(talker.events(stream)) >= len(VOICE) / 8000
    ended.set()
    for thread in threads:
        thread.join()
    assert sorted(waits)[len(waits) // 2] < 1  # some milliseconds, on an idle machine


def test_one_that_asks_and_never_reads_is_dropped_and_delays_no_other(
    daemon: Daemon, sent: list[Object]
) -> None:
    with calling(daemon.websocket_url) as reader, calling(daemon.websocket_url) as silent:
        for _ in range(150):
            silent.say("past", stream="voice")
        begun = time.monotonic()
        piece(reader)
        assert time.monotonic() - begun < 60


def test_all_that_have_asked_are_told_of_an_erasure() -> None:
    with (
        daemon_with() as daemon,
        calling(daemon.websocket_url) as first,
        calling(daemon.websocket_url) as second,
    ):
        while len(emotions(first)) < 8:
            first.next()
        assert len(piece(first, "demo")["events"]["seq"]) >= 7
        assert piece(second, "demo")["demo"] is True
        first.say("erase", stream="demo")
        for caller in (first, second):
            caller.until("erased", stream="demo")
        with calling(daemon.websocket_url) as third:
            assert len(piece(third, "demo")["events"]["seq"]) <= 2


def test_an_erasure_leaves_no_label_of_a_stream_that_sends_nothing(tmp_path: Path) -> None:
    """A new visitor is greeted with the last event, however old it is: that is erased as well."""
    path = tmp_path / "voice.wav"
    soundfile.write(path, demo()[:48_000], 16_000)
    flags = ("--source", "-", "--once", "--keep-hours", "0")
    with (
        daemon_with(*flags, source=f"voice={path}", stdin=subprocess.PIPE) as daemon,
        calling(daemon.websocket_url) as first,
        calling(daemon.websocket_url) as second,
    ):
        first.until("status", stream="voice", status="ended")
        assert any(event["label"] for event in emotions(first))
        piece(second)
        first.say("erase", stream="voice")
        for caller in (first, second):
            caller.until("erased", stream="voice")
        with calling(daemon.websocket_url) as visitor:
            piece(visitor)
            assert visitor.received[0]["last"] is None
            kinds = {message["type"] for message in visitor.received}
            assert kinds == {"hello", "status", "past"}
        with urllib.request.urlopen(f"{daemon.page_url}healthz") as answer:  # noqa: S310
            assert json.load(answer)["last"] == {}
        with urllib.request.urlopen(f"{daemon.page_url}metrics") as answer:  # noqa: S310
            assert 'emotiond_label_age_seconds{stream="voice"}' not in answer.read().decode()


def test_erasures_of_all_clients_together_have_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "PAUSE_SECONDS", 0.2)

    async def test() -> None:
        past = Past(1.0, {"mic": False})
        async with port(handlers=past.handlers) as at, contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connect_async(at.url)) for _ in range(4)]
            began = asyncio.get_running_loop().time()
            for client in clients:
                await client.recv()
                await client.send(json.dumps({"type": "erase", "stream": "mic"}))
            for client in clients:
                assert json.loads(await client.recv())["type"] == "erased"
            assert asyncio.get_running_loop().time() - began >= 3 * 0.2
        past.close()

    run(test)


def test_erasures_without_end_cost_no_slow_follower_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(past_module, "PAUSE_SECONDS", 0)
    name = "€" * 64
    limits = replace(LIMITS, unasked_bytes=1024, frames_at_once=10_000)

    async def test() -> None:
        past = Past(1.0, {name: False})
        async with port(limits, handlers=past.handlers) as at:
            slow_socket = await at.raw(receive_bytes=4096)
            async with (
                connect_async(at.url, sock=slow_socket, max_queue=1) as slow,
                connect_async(at.url) as eraser,
            ):
                ask = json.dumps({"type": "past", "stream": name})
                await slow.send(ask)
                for expected in ("hello", "past"):
                    assert json.loads(await slow.recv())["type"] == expected
                await eraser.recv()
                for number in range(1500):
                    past.send(Message(replace(EMOTION, stream=name, seq=number, end=number), ""))
                    await eraser.send(json.dumps({"type": "erase", "stream": name}))
                    assert json.loads(await eraser.recv())["type"] == "erased"
                assert at.server.offences.total() == 0
                past.send(Message(replace(EMOTION, stream=name, seq=9999, end=9999), ""))
                await slow.send(ask)
                received = []
                while not received or received[-1]["type"] != "past":
                    received.append(json.loads(await slow.recv()))
                assert received[-1]["events"]["seq"] == [9999]
                assert 1 <= len(received) - 1 < 500
                await slow.send('{"type":"ping"}')
                assert json.loads(await slow.recv())["type"] == "pong"  # not told once more
        past.close()

    run(test)


def test_nothing_is_kept_with_zero_hours() -> None:
    with (
        daemon_with("--keep-hours", "0") as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        while len(emotions(caller)) < 4:
            caller.next()
        published = caller.start(purpose="live", publish=True)
        caller.until("status", stream=published)
        for stream in ("demo", published):  # it is no unknown one
            found = piece(caller, stream)
            assert (found["hours"], found["more"], found["events"]["seq"]) == (0, False, [])


def test_a_private_stream_is_never_kept_and_a_published_one_until_it_ends() -> None:
    with daemon_with() as daemon, calling(daemon.websocket_url) as caller:
        private = caller.start()
        caller.send(VOICE)
        caller.say("past", stream=private)
        assert caller.until("error")["error"] == "unknown-stream"
        caller.say("end")
        caller.until("analysis")
        published = caller.start(publish=True)
        caller.send(VOICE)
        caller.until("emotion", stream=published)
        assert piece(caller, published)["events"]["seq"] != []
        caller.say("end")
        caller.until("status", stream=published, status="ended")
        caller.say("past", stream=published)
        assert caller.until("error")["error"] == "unknown-stream"


def test_the_past_of_a_source_that_has_ended_stays(tmp_path: Path) -> None:
    short = tmp_path / "short.wav"
    soundfile.write(short, demo()[:32_000], 16_000)
    with (
        daemon_with("--once", "--source", "demo", source=f"short={short}") as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        caller.until("status", stream="short", status="ended")
        assert len(piece(caller, "short")["events"]["seq"]) >= 8


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("-1", "keep_hours cannot be -1"),
        ("nan", "'keep_hours' must be finite"),
        ("1e9", "keep_hours cannot be 1e+09"),
    ],
)
def test_hours_that_make_no_sense_are_refused(value: str, reason: str) -> None:
    done = emotiond("run", "--keep-hours", value)
    assert done.returncode == 1
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
