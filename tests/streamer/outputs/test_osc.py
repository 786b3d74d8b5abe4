"""OSC: the datagrams, the output alone, its setting, and the daemon with it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import queue
import re
import socket
import string
import sys
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_server import BlockingOSCUDPServer

from emotiond.exceptions import ConfigError, ServeError
from emotiond.inference.card import LABELS
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.osc import OSC, OscSettings
from emotiond.streamer.outputs.osc_messages import MOST_BYTES, datagrams, segment
from emotiond.streamer.outputs.osc_sender import MOST_WAITING, OscSender
from emotiond.streamer.protocol.events import Change, Event, Status
from emotiond.streamer.protocol.names import LONGEST_STREAM_NAME
from emotiond.streamer.settings.exposure import exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.daemon import DEMO, PATIENCE_SECONDS, emotiond, running_daemon
from tests.support.port import EMOTION, run

PLAY = ("--source", f"desk={DEMO}", "--model", str(DATA / "tiny.tflite"))
SCORES = {label: index / 32 for index, label in enumerate(LABELS)}
HAPPY = dataclasses.replace(
    EMOTION, state="speech", label="happy", confidence=0.75, scores=SCORES, level_dbfs=-20.5
)
ROOM = Status(2, "voice", "muted", "a detail", "a device", 1.5, False)
CHANGED = Change(3, "voice", 1.0, None, "happy", 2.5)
NO_WAY = "255.255.255.255:9"  # the system sends there only if it is asked for broadcasts


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE_SECONDS)
        yield receiver


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection that is full after a few datagrams, which a connection of UDP never is."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        sender.setblocking(False)
        receiver.settimeout(PATIENCE_SECONDS)
        yield sender, receiver


def place_of(receiver: socket.socket) -> str:
    return f"127.0.0.1:{receiver.getsockname()[1]}"


def read(datagram: bytes) -> list[tuple[Any, ...]]:
    """The messages of a bundle, each as address and values, as python-osc reads them."""
    return [(content.address, *content.params) for content in OscBundle(datagram)]


def messages(event: Event) -> list[tuple[Any, ...]]:
    (datagram,) = datagrams(event)
    return read(datagram)


async def opened(place: str) -> OscSender:
    opener = OSC.prepare(OscSettings(place))
    assert opener is not None
    around: Any = None  # it needs nothing of the daemon
    sender = await opener(around)
    assert isinstance(sender, OscSender)
    return sender


# What an event becomes.


def test_an_emotion_has_an_address_for_each_score_and_value() -> None:
    assert messages(HAPPY) == [
        *((f"/emotiond/voice/score/{label}", score) for label, score in SCORES.items()),
        ("/emotiond/voice/label", "happy"),
        ("/emotiond/voice/confidence", 0.75),
        ("/emotiond/voice/state", "speech"),
        ("/emotiond/voice/level", -20.5),
    ]


def test_in_silence_all_scores_are_zero_and_the_label_is_none() -> None:
    assert messages(EMOTION) == [
        *((f"/emotiond/voice/score/{label}", 0.0) for label in LABELS),
        ("/emotiond/voice/label", "none"),
        ("/emotiond/voice/confidence", 0.0),
        ("/emotiond/voice/state", "silence"),
        ("/emotiond/voice/level", -120.0),
    ]


def test_a_replay_is_marked() -> None:
    assert messages(dataclasses.replace(HAPPY, replay=True))[-1] == ("/emotiond/voice/replay", 1)


def test_the_demo_is_marked() -> None:
    assert messages(dataclasses.replace(HAPPY, demo=True))[-1] == ("/emotiond/voice/demo", 1)


def test_a_change_and_a_status_have_an_address_each() -> None:
    assert messages(CHANGED) == [("/emotiond/voice/change", "none", "happy", 2.5)]
    assert messages(ROOM) == [("/emotiond/voice/status", "muted")]


@pytest.mark.parametrize("event", [HAPPY, dataclasses.replace(HAPPY, demo=True), CHANGED, ROOM])
def test_all_values_are_floats_integers_of_32_bits_or_strings(event: Event) -> None:
    for _, *values in messages(event):
        assert {type(value) for value in values} <= {float, int, str}
    (datagram,) = datagrams(event)
    types = re.findall(rb"\0,([^\0]+)\0", datagram)
    assert types
    assert set(b"".join(types)) <= set(b"fis")


@given(st.text(min_size=1), st.text(min_size=1))
@example("a/b", "a%2Fb")
@example("Küche", "Kuche")
@example("\ud800", "?")
def test_each_name_has_an_address_of_its_own_without_characters_of_patterns(
    one: str, other: str
) -> None:
    assert set(segment(one)) <= set(string.ascii_letters + string.digits + "-._~%")
    assert (segment(one) == segment(other)) == (one == other)


@given(st.text(min_size=1, max_size=LONGEST_STREAM_NAME))
@example("\N{GRINNING FACE}" * LONGEST_STREAM_NAME)
def test_no_datagram_is_larger_than_the_least_mtu_and_none_is_empty(name: str) -> None:
    event = dataclasses.replace(HAPPY, stream=name)
    bundles = datagrams(event)
    assert all(16 < len(bundle) <= MOST_BYTES for bundle in bundles)
    found = [message for bundle in bundles for message in read(bundle)]
    assert [value for _, value in found] == [value for _, value in messages(HAPPY)]


# The output alone: what it sends, what it drops, how it waits, how it ends.


@pytest.mark.skipif(sys.platform != "linux", reason="other systems report no refused datagram")
def test_an_address_that_nobody_listens_to_is_counted_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()

    async def play() -> None:
        sender = await opened(f"127.0.0.1:{address[1]}")
        for _ in range(3):
            sender.send(Message(ROOM, ""))
        assert sender.dropped == sender.about().health["osc"]["unheard"] > 0
        assert (sender.failure, sender.about().disconnected) == (None, None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
            back.bind(address)
            back.settimeout(PATIENCE_SECONDS)
            sender.send(Message(CHANGED, ""))
            assert read(back.recv(2000))[0][0] == "/emotiond/voice/change"
        await sender.close(0.1)

    run(play)
    (record,) = caplog.records
    assert "nobody listens to OSC at 127.0.0.1" in record.getMessage()


@pytest.mark.skipif(os.name != "posix", reason="needs sockets of Unix")
def test_beyond_its_queue_the_oldest_datagrams_are_dropped_and_a_lossless_stream_waits(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    sender, receiver = pair
    output = OscSender("here", sender)
    events = [dataclasses.replace(ROOM, stream=str(number)) for number in range(1000)]
    for event in events:
        output.send(Message(event, ""))
    sent = output.about().health["osc"]["sent"]
    assert output.dropped == 1000 - sent - MOST_WAITING

    async def play() -> None:
        draining = asyncio.ensure_future(output.drained(wholly=True))
        for event in [*events[:sent], *events[-MOST_WAITING:]]:
            (found,) = read(await asyncio.to_thread(receiver.recv, 2000))
            assert found == (f"/emotiond/{event.stream}/status", "muted")
        await draining

    run(play)


@pytest.mark.skipif(os.name != "posix", reason="needs sockets of Unix")
def test_closing_waits_for_no_longer_than_its_time(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    output = OscSender("here", pair[0])
    for _ in range(MOST_WAITING * 10):
        output.send(Message(ROOM, ""))
    run(lambda: output.close(0.1))
    assert pair[0].fileno() == -1


@pytest.mark.parametrize("place", [NO_WAY, "a..b:9"])
def test_a_broadcast_and_a_name_that_cannot_be_are_refused_when_it_is_opened(place: str) -> None:
    with pytest.raises(ServeError, match=r"cannot send OSC to .*Use --osc HOST:PORT or off"):
        asyncio.run(opened(place))


# Its setting.


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert OSC.prepare(make_config({}, {}).settings_of(OSC)) is None


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("nonsense", "Use --osc HOST:PORT"),
        (":9", "Use --osc HOST:PORT"),
        ("::1:9", "Use --osc HOST:PORT"),
        ("here:0", "Use --osc HOST:PORT"),
        ("here:65536", "Use --osc HOST:PORT"),
        ("osc.udp://here:9", "Use --osc HOST:PORT"),
        ("", "osc cannot be empty"),
    ],
)
def test_places_that_cannot_be_are_refused(place: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_config({"osc": place}, {})


@pytest.mark.parametrize("place", ["192.0.2.1:9", "[2001:db8::1]:9", "name:9", "239.1.2.3:9"])
def test_beyond_this_machine_it_is_refused_without_consent(place: str) -> None:
    for flags in ({}, {"token_file": "token"}):
        with pytest.raises(ConfigError, match=r"OSC knows no encryption.*--insecure; --osc 127"):
            refuse_exposure(make_config({"osc": place, **flags}, {}))
    allowed = make_config({"osc": place, "insecure": True}, {})
    refuse_exposure(allowed)
    assert any("by OSC, without encryption" in warning for warning in exposure_warnings(allowed))


@pytest.mark.parametrize("place", ["off", "127.0.0.1:9", "localhost:9", "[::1]:9"])
def test_on_this_machine_it_needs_no_consent(place: str) -> None:
    config = make_config({"osc": place}, {})
    refuse_exposure(config)
    assert exposure_warnings(config) == []


# The daemon with it, as a process.


def health_of(page_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{page_url}healthz", timeout=60) as response:  # noqa: S310
        found: dict[str, Any] = json.load(response)
    return found


def test_python_osc_gets_the_events_of_the_daemon() -> None:
    found: queue.Queue[tuple[Any, ...]] = queue.Queue()
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda *message: found.put(message))
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_address[1]}"
        with running_daemon(*PLAY, "--osc", place) as daemon:
            assert f", OSC {place})" in daemon.stderr
            wanted = {f"/emotiond/desk/score/{label}" for label in LABELS}
            wanted |= {f"/emotiond/desk/{value}" for value in ("label", "state", "level", "status")}
            while wanted:
                wanted.discard(found.get(timeout=PATIENCE_SECONDS)[0])
            health = health_of(daemon.page_url)
            assert health["osc"]["sent"] > 0
            assert health["osc"]["unheard"] == health["dropped"]["osc_datagrams"] == 0
        server.shutdown()


def test_played_as_fast_as_possible_every_event_is_sent(receiver: socket.socket) -> None:
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    flags = ("--once", "--speed", "max", "--json", "--port", "0", "--zmq", "off")
    ended = emotiond("run", *PLAY, *flags, "--osc", place_of(receiver))
    assert ended.returncode == 0
    for line in ended.stdout.splitlines():
        (address, *_), *_ = read(receiver.recv(2000))
        kind = {"emotion": "score/neutral"}.get(json.loads(line)["type"], json.loads(line)["type"])
        assert address == f"/emotiond/desk/{kind}"


def test_what_refuses_it_ends_the_daemon_with_one_line() -> None:
    flags = ("--port", "0", "--zmq", "off", "--osc", NO_WAY, "--insecure")
    ended = emotiond("run", *PLAY, *flags)
    assert ended.returncode == 1
    assert "cannot send OSC to 255.255.255.255" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("flag", "module", "package"),
    [(("--osc", "127.0.0.1:9"), "pythonosc", "python-osc"), (("--lsl",), "pylsl", "pylsl")],
)
def test_without_its_package_the_daemon_says_how_to_install_it(
    flag: tuple[str, ...], module: str, package: str
) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from emotiond.__main__ import main; "
    code += "sys.exit(main())"
    command = (sys.executable, "-c", code)
    ended = emotiond("run", *PLAY, "--port", "0", "--zmq", "off", *flag, command=command)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(f"-m pip install {package}.")
