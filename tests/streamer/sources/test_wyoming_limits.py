"""What a Wyoming client that means harm can cost: the door is opened in this process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, cast

import pytest
from wyoming.error import Error
from wyoming.event import read_event
from wyoming.ping import Pong

from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import StreamStatus
from emotiond.streamer.sources import wyoming_client, wyoming_door
from emotiond.streamer.sources.wyoming_client import WyomingClient
from emotiond.streamer.sources.wyoming_door import MOST_CLIENTS, WyomingDoor
from tests.support.free_port import free_port

PATIENCE_SECONDS = 30.0
RATE = 16_000


class CountingRing(Ring):
    """Counts its cuts."""

    cuts = 0

    def skip(self, samples: int, lost: bool = True) -> None:
        self.cuts += 1
        super().skip(samples, lost)


class Door:
    """An open door, what it has reported, and its ring."""

    def __init__(self) -> None:
        self.port = free_port()
        self.statuses: list[StreamStatus] = []
        self.ring = CountingRing(10 * RATE, 1, RATE)
        self.source = WyomingDoor("127.0.0.1", self.port, announces=False)
        self.source.start(self.ring, lambda status, _detail: self.statuses.append(status))

    def connect(self, receive_bytes: int | None = None) -> socket.socket:
        client = socket.socket()
        if receive_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.settimeout(PATIENCE_SECONDS)
        client.connect(("127.0.0.1", self.port))
        return client


@contextlib.contextmanager
def door() -> Iterator[Door]:
    opened = Door()
    try:
        yield opened
    finally:
        opened.source.stop()


def event(kind: str, data: Mapping[str, Any] | None = None, payload: bytes = b"") -> bytes:
    line = {"type": kind, "data": data or {}, "payload_length": len(payload)}
    return json.dumps(line).encode() + b"\n" + payload


def form(rate: int = RATE) -> Mapping[str, int]:
    return {"rate": rate, "width": 2, "channels": 1}


def sound(rate: int = RATE) -> bytes:
    return event("audio-chunk", form(rate), bytes(2))


START, STOP, PING = event("audio-start", form()), event("audio-stop"), event("ping")


def is_answered(client: socket.socket) -> bool:
    client.sendall(PING)
    with client.makefile("rb", buffering=0) as answers:
        answer = read_event(cast(BinaryIO, answers))
    return answer is not None and Pong.is_type(answer.type)


def is_busy(client: socket.socket) -> bool:
    with client.makefile("rb", buffering=0) as answers:
        answer = read_event(cast(BinaryIO, answers))
    return answer is not None and Error.from_event(answer).code == "busy"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # the source has no event for this


def test_streams_that_begin_too_often_wait_whoever_begins_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wyoming_door, "SEAMS_AT_ONCE", 4)
    monkeypatch.setattr(wyoming_door, "SEAMS_PER_SECOND", 0.001)
    with door() as opened:
        with opened.connect() as first:
            first.sendall((START + sound() + STOP) * 2)
            wait_until(lambda: opened.statuses.count("running") == 2)
        with opened.connect() as second, opened.connect() as other:
            second.sendall((START + sound() + STOP) * 20)
            wait_until(lambda: opened.statuses.count("running") == 4)
            for _ in range(20):
                assert is_answered(other)
            assert opened.statuses.count("running") == 4
            assert opened.statuses.count("stalled") <= 5


def test_changes_of_the_form_are_streams_that_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wyoming_door, "SEAMS_AT_ONCE", 3)
    monkeypatch.setattr(wyoming_door, "SEAMS_PER_SECOND", 0.001)
    with door() as opened, opened.connect() as client, opened.connect() as other:
        client.sendall((sound(8000) + sound(RATE)) * 20)
        wait_until(lambda: opened.ring.cuts == 2)
        for _ in range(20):
            assert is_answered(other)
        assert opened.ring.cuts == 2


def test_events_that_come_too_often_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wyoming_client, "EVENTS_AT_ONCE", 5)
    monkeypatch.setattr(wyoming_client, "EVENTS_PER_SECOND", 0.001)
    with door() as opened, opened.connect() as client, opened.connect() as other:
        client.sendall(PING * 50)
        with client.makefile("rb", buffering=0) as answers:
            for _ in range(5):
                assert read_event(cast(BinaryIO, answers)) is not None
        for _ in range(5):
            assert is_answered(other)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)


def test_who_says_much_and_streams_nothing_loses_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wyoming_door, "STREAMING_SECONDS", 0.3)
    with door() as opened, opened.connect() as client:
        client.sendall(START + sound())
        with contextlib.suppress(ConnectionError):
            while is_answered(client):
                client.sendall(START)
        with opened.connect() as other:
            assert is_answered(other)


@pytest.mark.parametrize(
    "silent", [START, event("audio-chunk", form())], ids=["a start", "a chunk without samples"]
)
def test_who_announces_sound_and_sends_none_keeps_nobody_from_it(silent: bytes) -> None:
    with door() as opened, opened.connect() as client, opened.connect() as other:
        client.sendall(silent)
        assert is_answered(client)
        other.sendall(START + sound())
        wait_until(lambda: "running" in opened.statuses)
        assert is_answered(other)
        client.sendall(silent)
        assert is_busy(client)


def test_a_newcomer_takes_the_place_of_who_is_idle_longest_and_of_nobody_who_streams(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with door() as opened, contextlib.ExitStack() as stack:
        speaker, oldest, *others = [
            stack.enter_context(opened.connect()) for _ in range(MOST_CLIENTS)
        ]
        for client in (speaker, oldest, *others):
            assert is_answered(client)
        speaker.sendall(START + sound())
        wait_until(lambda: "running" in opened.statuses)
        newcomer = stack.enter_context(opened.connect())
        assert is_answered(newcomer)
        assert oldest.recv(1) == b""
        for client in (speaker, *others):
            assert is_answered(client)
    (line,) = [each.getMessage() for each in caplog.records if "Wyoming" in each.getMessage()]
    assert f"made room for a new one: {MOST_CLIENTS} were connected" in line


def test_what_a_client_leaves_unread_keeps_no_connection_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wyoming_client, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(wyoming_client, "EVENTS_PER_SECOND", 1e6)
    with door() as opened, opened.connect(receive_bytes=2048) as client:
        long = event("ping", {"text": "x" * 15_000})
        with pytest.raises(ConnectionError):  # no timeout: the connection is gone
            for _ in range(2000):
                client.sendall(long)


def new_since(before: Collection[threading.Thread]) -> Sequence[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread not in before]


def test_in_mid_flood_it_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wyoming_door, "SEAMS_PER_SECOND", 1e6)
    monkeypatch.setattr(wyoming_client, "EVENTS_PER_SECOND", 1e6)
    before = {*threading.enumerate()}  # other tests of this process may have left some
    with door() as opened, opened.connect() as client:
        flood = (sound(8000) + sound(44_100)) * 100

        def send() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client.sendall(flood)

        sending = threading.Thread(target=send)
        sending.start()
        wait_until(lambda: opened.ring.cuts > 100)
        opened.source.stop()
        wait_until(lambda: not [t for t in new_since(before) if "wyoming" in t.name])
        sending.join(PATIENCE_SECONDS)
        assert not sending.is_alive()
    assert not caplog.records


@pytest.fixture
def no_collection() -> Iterator[None]:
    """What refers to itself stays to be looked at."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_client_that_resets_what_it_does_not_read_leaves_no_error_for_the_log(
    monkeypatch: pytest.MonkeyPatch, no_collection: None
) -> None:
    """asyncio logs an error that nobody has taken whenever the collector comes to it."""
    gone = threading.Event()
    hang_up = WyomingClient.hang_up

    def noted(client: WyomingClient) -> None:
        hang_up(client)
        gone.set()

    monkeypatch.setattr(WyomingClient, "hang_up", noted)
    with door() as opened:
        client = opened.connect(receive_bytes=2_304)
        client.settimeout(1.0)
        with contextlib.suppress(TimeoutError):  # the door waits until its answers are read
            for _ in range(400):
                client.sendall(event("ping", {"text": "x" * 15_000}))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert gone.wait(PATIENCE_SECONDS)
    left = [each for each in gc.get_objects() if isinstance(each, asyncio.Future)]
    resets = [each for each in left if "ConnectionResetError" in repr(each)]
    assert not [each for each in resets if each._log_traceback]
