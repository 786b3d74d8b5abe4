"""The tests of an example output. The tests of a new output look like these."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ConfigError, ServeError
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import kinds
from emotiond.streamer.settings.exposure import exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.beacon import BEACON, GOOD_BYE, MOST_WAITING, Beacon, BeaconSettings
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.port import EMOTION, run

# A real output is in the table of ``emotiond``. Its tests need neither these two nor the fixture.
COMMAND = (sys.executable, "-m", "tests.support.beacon")
ROOT = Path(__file__).parents[3]

PLAY = ("--source", str(DEMO), "--model", str(DATA / "tiny.tflite"))
ELSEWHERE = "192.0.2.1:9"
NO_WAY = "255.255.255.255:9"  # the system sends there only if it is asked for broadcasts

Way = Callable[[str, Path], tuple[tuple[str, ...], dict[str, str]]]
"""Makes arguments and variables that point the beacon to a place."""

WAYS: dict[str, Way] = {
    "flag": lambda place, _: (("--beacon", place), {}),
    "file": lambda place, folder: (("--config", _file(place, folder)), {}),
    "environment": lambda place, _: ((), {"EMOTIOND_BEACON": place}),
}


def _file(place: str, folder: Path) -> str:
    path = folder / "emotiond.toml"
    path.write_text(f'beacon = "{place}"')
    return str(path)


@pytest.fixture(autouse=True)
def with_beacon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "OUTPUTS", (*kinds.OUTPUTS, BEACON))
    monkeypatch.chdir(ROOT)  # for COMMAND


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE_SECONDS)
        yield receiver


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection that is full after a few packets, which a connection of UDP never is."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        sender.setblocking(False)
        receiver.settimeout(PATIENCE_SECONDS)
        yield sender, receiver


def place_of(receiver: socket.socket) -> str:
    return f"127.0.0.1:{receiver.getsockname()[1]}"


def message(text: str) -> Message:
    return Message(EMOTION, text)


def get(daemon: Daemon, path: str) -> bytes:
    with urllib.request.urlopen(daemon.page_url + path, timeout=60) as response:  # noqa: S310
        content: bytes = response.read()
    return content


async def opened(place: str) -> Beacon:
    opener = BEACON.prepare(BeaconSettings(place))
    assert opener is not None
    around: Any = None  # it needs nothing of the daemon
    beacon = await opener(around)
    assert isinstance(beacon, Beacon)
    return beacon


# The output alone: what it sends, what it drops, how it waits, how it ends.


def test_each_event_is_a_packet_and_the_last_one_says_good_bye(receiver: socket.socket) -> None:
    async def play() -> None:
        beacon = await opened(place_of(receiver))
        for text in ("1", "2"):
            beacon.send(message(text))
        assert beacon.about().health == {"beacon": {"sent": 2}}
        await beacon.close(1.0)

    run(play)
    assert [receiver.recv(100) for _ in range(3)] == [b"1", b"2", GOOD_BYE]


def test_a_packet_that_is_too_large_is_counted_and_costs_no_other(receiver: socket.socket) -> None:
    async def play() -> None:
        beacon = await opened(place_of(receiver))
        for text in ("x" * 65_536, "2"):
            beacon.send(message(text))
        assert (beacon.dropped, beacon.failure) == (1, None)
        await beacon.close(1.0)

    run(play)
    assert receiver.recv(100) == b"2"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems report no refused packet")
def test_a_refused_packet_is_counted_and_costs_no_other() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()

    async def play() -> None:
        beacon = await opened(f"127.0.0.1:{address[1]}")
        beacon.send(message("1"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
            back.bind(address)
            back.settimeout(PATIENCE_SECONDS)
            for text in ("2", "3"):
                beacon.send(message(text))
            assert [back.recv(100), back.recv(100)] == [b"2", b"3"]
        assert beacon.dropped == 1
        assert beacon.about().health == {"beacon": {"sent": 2}}
        await beacon.close(0.1)

    run(play)


@pytest.mark.skipif(os.name != "posix", reason="needs sockets of Unix")
def test_beyond_its_queue_the_oldest_packets_are_dropped(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    sender, receiver = pair
    beacon = Beacon("here", sender)
    for number in range(1000):
        beacon.send(message(str(number)))
    sent = beacon.about().health["beacon"]["sent"]
    assert beacon.dropped == 1000 - sent - MOST_WAITING

    async def play() -> None:
        draining = asyncio.ensure_future(beacon.drained(wholly=True))
        received = [
            await asyncio.to_thread(receiver.recv, 100) for _ in range(1000 - beacon.dropped)
        ]
        assert received[:sent] == [str(number).encode() for number in range(sent)]
        assert received[sent:] == [str(number).encode() for number in range(900, 1000)]
        await draining

    run(play)


@pytest.mark.skipif(os.name != "posix", reason="needs sockets of Unix")
def test_a_lossless_stream_waits_until_half_of_the_queue_is_free(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    sender, receiver = pair
    beacon = Beacon("here", sender)

    async def play() -> None:
        for number in range(MOST_WAITING):
            beacon.send(message(str(number)))
            await beacon.drained()
        draining = asyncio.ensure_future(beacon.drained(wholly=True))
        received = [await asyncio.to_thread(receiver.recv, 100) for _ in range(MOST_WAITING)]
        assert received == [str(number).encode() for number in range(MOST_WAITING)]
        await draining
        assert beacon.dropped == 0

    run(play)


@pytest.mark.skipif(os.name != "posix", reason="needs sockets of Unix")
def test_closing_waits_for_no_longer_than_its_time(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    beacon = Beacon("here", pair[0])
    for number in range(MOST_WAITING):
        beacon.send(message(str(number)))
    run(lambda: beacon.close(0.1))
    assert pair[0].fileno() == -1


@pytest.mark.parametrize("place", [NO_WAY, "a..b:9"])
def test_a_place_that_cannot_be_reached_is_refused_when_it_is_opened(place: str) -> None:
    with pytest.raises(ServeError, match=r"cannot send to .*Use --beacon HOST:PORT or off"):
        asyncio.run(opened(place))


# Its settings.


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert BEACON.prepare(make_config({}, {}).settings_of(BEACON)) is None


@pytest.mark.parametrize("place", ["off", "127.0.0.1:9", "localhost:65535", "[::1]:1"])
def test_places_that_can_be_are_taken(place: str) -> None:
    assert make_config({"beacon": place}, {}).settings_of(BEACON).beacon == place


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"beacon": "nonsense"}, "Use --beacon HOST:PORT"),
        ({"beacon": ":9"}, "Use --beacon HOST:PORT"),
        ({"beacon": "::1:9"}, "Use --beacon HOST:PORT"),
        ({"beacon": "here:0"}, "Use --beacon HOST:PORT"),
        ({"beacon": "here:65536"}, "Use --beacon HOST:PORT"),
        ({"beacon": ""}, "beacon cannot be empty"),
        ({"beacon": 1}, "'beacon' must be a text"),
        ({"beacn": "off"}, "did you mean 'beacon'"),
    ],
)
def test_values_that_cannot_be_are_refused(flags: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_config(flags, {})


@pytest.mark.parametrize("place", [ELSEWHERE, "[2001:db8::1]:9", "name.example:9"])
def test_beyond_this_machine_it_is_refused_without_consent(place: str) -> None:
    with pytest.raises(ConfigError, match="events would go to another machine unprotected"):
        refuse_exposure(make_config({"beacon": place}, {}))
    with pytest.raises(ConfigError, match="another machine"):  # the token is another output's
        refuse_exposure(make_config({"beacon": place, "token_file": "token"}, {}))
    allowed = make_config({"beacon": place, "insecure": True}, {})
    refuse_exposure(allowed)
    (warning,) = exposure_warnings(allowed)
    assert "without encryption" in warning


@pytest.mark.parametrize("place", ["off", "127.0.0.1:9", "localhost:9", "[::1]:9"])
def test_on_this_machine_it_needs_no_consent(place: str) -> None:
    config = make_config({"beacon": place}, {})
    refuse_exposure(config)
    assert exposure_warnings(config) == []


# The daemon with the output, as a process.


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_daemon_configures_opens_shows_counts_and_closes_it(
    way: Way, receiver: socket.socket, tmp_path: Path
) -> None:
    arguments, variables = way(place_of(receiver), tmp_path)
    environment = {**os.environ, **variables}
    with running_daemon(*PLAY, *arguments, environment=environment, command=COMMAND) as daemon:
        assert f", beacon {place_of(receiver)})" in daemon.stderr
        events = [json.loads(receiver.recv(65_536)) for _ in range(4)]
        assert [event["seq"] for event in events] == [0, 1, 2, 3]
        health = json.loads(get(daemon, "healthz"))
        assert health["beacon"]["sent"] >= 4
        assert health["dropped"]["beacon_packets"] == 0
        metrics = get(daemon, "metrics")
        assert b'\nemotiond_dropped_total{queue="beacon_packets"} 0\n' in metrics
        assert b"\nemotiond_beacon_total " in metrics
        assert daemon.stop() == 0
    while receiver.recv(65_536) != GOOD_BYE:
        pass
    receiver.setblocking(False)
    with pytest.raises(BlockingIOError):
        receiver.recv(1)


def test_played_as_fast_as_possible_it_gets_every_event(receiver: socket.socket) -> None:
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    flags = ("--once", "--speed", "max", "--json", "--port", "0", "--zmq", "off")
    ended = emotiond("run", *PLAY, *flags, "--beacon", place_of(receiver), command=COMMAND)
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert [receiver.recv(65_536).decode() for _ in lines] == lines
    assert receiver.recv(65_536) == GOOD_BYE


def test_the_help_has_its_flag() -> None:
    help_text = emotiond("run", "--help", command=COMMAND).stdout
    assert "--beacon HOST:PORT|off" in help_text
    assert "send each event in a packet of UDP" in help_text


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (
            ("--beacon", ELSEWHERE),
            "Allow it with --insecure; --beacon 127.0.0.1:PORT keeps",
        ),
        (("--beacon", NO_WAY, "--insecure"), "cannot send to 255.255.255.255, port 9"),
    ],
)
def test_what_refuses_it_ends_the_daemon_with_one_line(flags: tuple[str, ...], reason: str) -> None:
    ended = emotiond("run", *PLAY, "--port", "0", "--zmq", "off", *flags, command=COMMAND)
    assert ended.returncode == 1
    assert reason in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
