"""The other side is the protocol's own client, or a plain socket where that would be too polite."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

import numpy as np
import pytest
from websockets.sync.client import connect
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, read_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.settings.exposure import exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources.factory import SourceSpec, kind_of, parse_specs
from emotiond.streamer.sources.source import Playback
from emotiond.streamer.sources.wyoming import WYOMING, WyomingSettings
from emotiond.streamer.sources.wyoming_door import WyomingDoor
from emotiond.streamer.sources.wyoming_events import (
    MOST_BODY_BYTES,
    MOST_DATA_BYTES,
    MOST_LINE_BYTES,
)
from tests.conftest import DATA
from tests.support.daemon import PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.free_port import free_port
from tests.support.links import HERE, THERE, link, needs_links
from tests.support.mdns import claiming_every_name, look_for
from tests.support.signals import demo

MODEL = ("--model", str(DATA / "tiny.tflite"))
RATE = 16_000
SOUND = (demo()[: 3 * RATE] * 32_767).astype("<i2").tobytes()
START = AudioStart(rate=RATE, width=2, channels=1)
CHUNK = AudioChunk(rate=RATE, width=2, channels=1, audio=SOUND[: 2 * RATE // 10])

Events = Iterator[dict[str, Any]]


@contextlib.contextmanager
def kitchen(*more: str) -> Iterator[tuple[Daemon, int]]:
    port = free_port()
    source = f"kitchen=wyoming://127.0.0.1:{port}"
    with running_daemon("--source", source, *MODEL, "--json", *more) as daemon:
        yield daemon, port


def statuses_of(daemon: Daemon) -> Iterator[tuple[str, str]]:
    return (
        (event["status"], event["detail"]) for event in daemon.events() if event["type"] == "status"
    )


def is_served(client: socket.socket) -> bool:
    """Exchange ping and pong."""
    client.sendall(b'{"type":"ping"}\n')
    with client.makefile("rb", buffering=0) as answers:
        answer = read_event(cast(BinaryIO, answers))
    return answer is not None and Pong.is_type(answer.type)


async def stream(port: int, *events: Event, answers: int = 0) -> Sequence[Event]:
    """Send events by the protocol's own client, and return so many answers."""
    async with AsyncTcpClient("127.0.0.1", port) as client:
        for event in events:
            await client.write_event(event)
        return [
            answer
            for _ in range(answers)
            if (answer := await asyncio.wait_for(client.read_event(), PATIENCE_SECONDS)) is not None
        ]


def spoken(sound: bytes = SOUND, piece: int = 2 * 1024) -> Sequence[Event]:
    chunks = [
        AudioChunk(rate=RATE, width=2, channels=1, audio=sound[at : at + piece]).event()
        for at in range(0, len(sound), piece)
    ]
    return [START.event(), *chunks, AudioStop().event()]


def test_sound_of_a_client_becomes_events_under_the_name_of_the_source() -> None:
    with kitchen() as (daemon, port):
        place = f"wyoming://127.0.0.1:{port}"
        assert "; every user of this machine can stream into kitchen" in daemon.stderr
        events = daemon.events()
        first = next(events)
        assert (first["stream"], first["device"]) == ("kitchen", place)
        assert (first["status"], first["detail"]) == (
            "stalled",
            f"no Wyoming client streams to {place}",
        )
        asyncio.run(stream(port, *spoken()))
        running = next(events)
        assert (running["status"], running["detail"]) == ("running", "")
        levels, statuses, end = [], [], 0.0
        while end < 2.97 or not statuses:  # the last label may come after the status
            event = next(events)
            if event["type"] == "emotion":
                end = event["end"]
                levels.append(event["level_dbfs"])
            elif event["type"] == "status":
                statuses.append(event["status"])
        assert statuses == ["stalled"]
        assert end == pytest.approx(3.0, abs=0.03)
        assert max(levels) > -40


def test_between_two_streams_the_clock_goes_on_and_no_sound_counts_as_lost() -> None:
    with kitchen() as (daemon, port):
        emotions = (event for event in daemon.events() if event["type"] == "emotion")
        sent_seconds, ends = [], []
        for _ in range(2):
            sent_seconds.append(time.monotonic())
            asyncio.run(stream(port, *spoken(SOUND[:RATE])))  # half a second
            last = next(event for event in emotions if event["end"] - event["start"] > 0.4)
            assert last["dropped_samples"] == 0
            ends.append(last["end"])
        assert ends[1] - ends[0] >= sent_seconds[1] - sent_seconds[0] - 0.1


@pytest.mark.parametrize(
    ("rate", "width", "channels"), [(8_000, 1, 1), (22_050, 2, 2), (48_000, 3, 1), (44_100, 4, 2)]
)
def test_any_rate_width_and_channels_will_do(rate: int, width: int, channels: int) -> None:
    times = np.arange(rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 300 * times)
    whole = np.repeat(tone[:, None], channels, axis=1)
    if width == 1:
        data = (whole * 127 + 128).astype(np.uint8).tobytes()
    else:
        wide = (whole * (2**31 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)
        data = wide[:, 4 - width :].tobytes()
    chunk = AudioChunk(rate=rate, width=width, channels=channels, audio=data)
    start = AudioStart(rate=rate, width=width, channels=channels)
    with kitchen() as (daemon, port):
        asyncio.run(stream(port, start.event(), chunk.event(), AudioStop().event()))
        emotions = (event for event in daemon.events() if event["type"] == "emotion")
        last = next(event for event in emotions if event["end"] > 0.9)
        assert last["level_dbfs"] == pytest.approx(-9.0, abs=0.3)


def test_a_client_may_ask_who_is_there() -> None:
    with kitchen() as (_, port):
        info, pong = asyncio.run(stream(port, Describe().event(), Ping("well?").event(), answers=2))
        assert Info.is_type(info.type)
        assert not any(Info.from_event(info).to_dict().values())
        assert Pong.from_event(pong).text == "well?"


def test_a_second_client_is_told_that_another_one_streams() -> None:
    async def both(port: int) -> Event | None:
        async with AsyncTcpClient("127.0.0.1", port) as first:
            for event in (START, CHUNK, Ping()):
                await first.write_event(event.event())
            assert await first.read_event() is not None  # it has the stream
            (answer,) = await stream(port, *spoken(), answers=1)  # it sends all, then reads
            await first.write_event(CHUNK.event())
            await first.write_event(Ping().event())
            assert await first.read_event() is not None
            return answer

    with kitchen() as (daemon, port):
        answer = asyncio.run(both(port))
        assert answer is not None
        assert Error.from_event(answer).code == "busy"
        assert "another one streams" in daemon.error_line("turned away")


NO_SOUND = (
    b'{"type":"audio-start","data":{"rate":1,"width":2,"channels":1}}\n',
    b'{"type":"audio-start","data":{"rate":16000.0,"width":2,"channels":1}}\n',
    b'{"type":"audio-start","data":{"rate":true,"width":true,"channels":true}}\n',
    b'{"type":"audio-start","data":{"rate":16000,"width":5,"channels":1}}\n',
    b'{"type":"audio-start","data":{"rate":16000,"width":2,"channels":0}}\n',
    b'{"type":"audio-start"}\n',
    b'{"type":"audio-chunk","data":{"rate":16000,"width":2,"channels":2},"payload_length":3}\nabc',
    b'{"type":"audio-chunk","payload_length":%d}\n' % (MOST_BODY_BYTES + 1),
    b'{"type":"audio-chunk","data_length":%d}\n' % (MOST_DATA_BYTES + 1),
    b'{"type":"x","payload_length":"y"}\n',
    b'{"type":5}\n',
    b'{"type":"ping","data":[]}\n',
    b"[1]\n",
    b"null\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\xff\xfe\n",
    b"x" * (MOST_LINE_BYTES + 1),
)


def test_who_sends_no_sound_loses_the_connection_and_one_line_says_so() -> None:
    with kitchen() as (daemon, port):
        for sent in NO_SOUND:
            with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client:
                client.sendall(sent)
                answer = b""
                with contextlib.suppress(ConnectionResetError):  # it had sent more than was read
                    while piece := client.recv(1000):
                        answer += piece
                assert b'"invalid"' in answer or not answer
        asyncio.run(stream(port, *spoken(SOUND[:RATE])))
        events = daemon.events()
        assert next(event for event in events if event["type"] == "emotion")["stream"] == "kitchen"
        assert daemon.stop() == 0
        lines = [line for line in daemon.stderr.splitlines() if "WARNING" in line]
        (line,) = [line for line in daemon.stderr.splitlines() if "Wyoming" in line]
        assert "sent what is no Wyoming sound" in line
        assert "HTTP" not in "".join(lines)


def test_sound_that_comes_faster_than_it_is_spoken_waits_for_its_turn() -> None:
    with kitchen() as (daemon, port):
        asyncio.run(stream(port, *spoken(SOUND[:RATE] * 4, piece=RATE * 4)))
        emotions = (event for event in daemon.events() if event["type"] == "emotion")
        last = next(event for event in emotions if event["end"] > 1.9)
        assert last["dropped_samples"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_mute_closes_the_socket_and_its_connections_and_unmute_opens_it() -> None:
    with kitchen() as (daemon, port), connect(daemon.websocket_url) as listener:
        statuses = statuses_of(daemon)
        assert next(statuses)[0] == "stalled"
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client:
            assert is_served(client)
            listener.send('{"type":"mute","muted":true}')
            assert next(statuses) == ("muted", WyomingDoor.muted_detail)
            assert client.recv(1) == b""
        with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
            health = json.load(response)
        assert (health["microphone"], health["status"]) == ("muted", "ok")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        daemon.process.send_signal(signal.SIGUSR1)
        assert next(statuses)[0] == "stalled"
        asyncio.run(stream(port, *spoken(SOUND[:RATE])))
        assert next(statuses)[0] == "running"


def test_the_daemon_ends_at_once_though_clients_are_connected() -> None:
    with kitchen() as (daemon, port), contextlib.ExitStack() as stack:
        for sent in (
            b"",
            b"{",
            b'{"type":"ping"}\n',
            b'{"type":"audio-chunk","payload_length":9}\n',
        ):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(sent)
        assert is_served(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
        assert daemon.stop() == 0
        assert "internal error" not in daemon.stderr


def test_a_place_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        value = f"wyoming://127.0.0.1:{other.getsockname()[1]}"
        ended = emotiond("run", "--source", value, *MODEL, "--port", "0", "--zmq", "off")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert f"cannot listen at {value} (Address already in use)" in ended.stderr


@pytest.mark.parametrize(
    "value",
    [
        "wyoming://",
        "wyoming://127.0.0.1",
        "wyoming://:10700",
        "wyoming://127.0.0.1:0",
        "wyoming://127.0.0.1:65536",
        "wyoming://127.0.0.1:x",
        "wyoming://user@127.0.0.1:10700",
        "wyoming://127.0.0.1:10700/kitchen",
        "wyoming://[::1:10700",
    ],
)
def test_a_value_without_a_place_is_refused(value: str) -> None:
    with pytest.raises(SourceError, match="names no place to listen at"):
        refuse_exposure(make_config({"source": [value]}, {}))
    with pytest.raises(SourceError, match="names no place to listen at"):
        WYOMING.open(value, WyomingSettings(), Playback(realtime=True, loop=False))


def test_it_is_known_by_its_scheme_and_named() -> None:
    value = "wyoming://127.0.0.1:10700"
    assert kind_of(value) is WYOMING
    assert parse_specs([value, f"kitchen={value}"]) == [
        SourceSpec("wyoming", value),
        SourceSpec("kitchen", value),
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "kitchen.example"])  # noqa: S104
def test_beyond_this_machine_it_needs_consent_and_says_what_it_gives_away(host: str) -> None:
    value = f"wyoming://{host}:10700"
    with pytest.raises(ConfigError, match=r"stream sound into the daemon.*--insecure"):
        refuse_exposure(make_config({"source": [value]}, {}))
    config = make_config({"source": [value], "insecure": True}, {})
    refuse_exposure(config)
    assert any(value in warning for warning in exposure_warnings(config))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_on_this_machine_it_needs_none_but_cannot_be_announced(host: str) -> None:
    value = f"wyoming://{host}:{free_port()}"
    refuse_exposure(make_config({"source": [value]}, {}))
    with pytest.raises(SourceError, match="cannot be announced"):
        WYOMING.open(value, WyomingSettings(True), Playback(realtime=True, loop=False))


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emotiond.streamer.sources.wyoming_door", None)
    with pytest.raises(SourceError, match="pip install wyoming zeroconf"):
        WYOMING.open(
            "wyoming://127.0.0.1:10700", WyomingSettings(), Playback(realtime=True, loop=False)
        )


@needs_links
def test_announced_it_is_found_in_the_network_and_takes_that_back_at_its_end() -> None:
    with link() as cable:
        command = cable.command(HERE, sys.executable, "-m", "emotiond")
        source = f"kitchen=wyoming://{HERE}:10700"
        options = ("--source", source, "--insecure", "--wyoming-announce", *MODEL, "--json")
        with running_daemon(*options, command=command) as daemon:
            kind = "_wyoming._tcp.local."
            (found,) = cable.on(THERE, lambda: look_for(kind, until=bool)).values()
            assert found is not None
            assert (found.parsed_addresses(), found.port) == ([HERE], 10700)
            assert found.name.startswith("emotiond on ")
            with cable.connect(10700) as client:
                assert is_served(client)
            assert daemon.stop() == 0


@needs_links
def test_others_that_claim_every_name_do_not_hold_up_a_mute() -> None:
    kind = "_wyoming._tcp.local."
    with link() as cable, claiming_every_name(cable, kind) as has_claimed:
        command = cable.command(HERE, sys.executable, "-m", "emotiond")
        source = f"kitchen=wyoming://{HERE}:10700"
        options = ("--source", source, "--insecure", "--wyoming-announce", *MODEL)
        with running_daemon(*options, command=command) as daemon, cable.connect(10700) as client:
            assert is_served(client)
            assert has_claimed.wait(20)
            daemon.process.send_signal(signal.SIGUSR1)
            while client.recv(4096):  # the end comes
                pass
            assert daemon.stop() == 0


@needs_links
def test_a_network_that_goes_while_it_is_announced_is_no_traceback() -> None:
    kind = "_wyoming._tcp.local."
    with link() as cable:
        command = cable.command(HERE, sys.executable, "-m", "emotiond")
        source = f"kitchen=wyoming://{HERE}:10700"
        options = ("--source", source, "--insecure", "--wyoming-announce", *MODEL)
        with running_daemon(*options, command=command) as daemon:
            assert cable.on(THERE, lambda: look_for(kind, until=bool))
            unplug = cable.command(HERE, "ip", "link", "set", "cable", "down")
            subprocess.run(unplug, check=True)
            assert daemon.stop() == 0  # which takes the announcement back
        assert "Errno" not in daemon.stderr
        assert "Traceback" not in daemon.stderr


@needs_links
def test_where_no_network_carries_the_announcement_one_line_says_so() -> None:
    with link() as cable:
        address = ("ip", "address", "add", "fd87::1/64", "dev", "cable", "nodad")
        subprocess.run(cable.command(HERE, *address), check=True)
        command = cable.command(HERE, sys.executable, "-m", "emotiond")
        source = "kitchen=wyoming://[fd87::1]:10700"
        options = ("--source", source, "--insecure", "--wyoming-announce", *MODEL)
        with running_daemon(*options, command=command) as daemon:
            assert "the Wyoming source" in daemon.error_line("it needs a network with IPv4")
            assert daemon.stop() == 0
