"""A broker that breaks the protocol, or is flooded by others: memory and log stay bounded."""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from emotiond.streamer.outputs import mqtt_client, mqtt_link, mqtt_outbox
from emotiond.streamer.outputs.mqtt_broker import Broker
from emotiond.streamer.outputs.mqtt_discovery import Discovery
from emotiond.streamer.outputs.mqtt_link import Link
from emotiond.streamer.outputs.mqtt_publisher import MQTTPublisher
from emotiond.streamer.outputs.mqtt_topics import Publication, Topics
from tests.support.port import run, until

CONNACK = b"\x20\x02\0\0"
PINGRESP, DISCONNECT = b"\xd0\0", b"\xe0"  # the latter's kind
PINGREQ, PUBACK, PUBREC, PUBREL = b"\xc0\0", b"\x40\x02\0\1", b"\x50\x02\0\1", b"\x62\x02\0\1"


def packet(kind: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while rest > 127:
        length.append(128 | rest & 127)
        rest >>= 7
    return bytes([kind, *length, rest]) + body


def publish(topic: str, content: bytes, qos: int = 0, is_kept: bool = False) -> bytes:
    name = topic.encode()
    identity = b"\0\1" if qos else b""
    body = struct.pack(">H", len(name)) + name + identity + content
    return packet(0x30 | qos << 1 | is_kept, body)


class Listener:
    """Notes what comes."""

    def __init__(self) -> None:
        self.connections = self.losses = 0
        self.topics: list[str] = []

    def on_connected(self) -> None:
        self.connections += 1

    def on_lost(self) -> None:
        self.losses += 1

    def on_received(self, topic: str, content: bytes, is_kept: bool) -> None:
        self.topics.append(topic)


@contextlib.asynccontextmanager
async def linked(
    *sent: bytes, reads: bool = True, **options: float
) -> AsyncIterator[tuple[Link, Listener]]:
    """Link to a broker that greets, sends these bytes to its first client, and then listens."""
    async with lying_broker(*sent, reads=reads) as place:
        listener = Listener()
        link = Link(place, Publication("will", ""), listener, **options)
        link.start()
        try:
            yield link, listener
        finally:
            await link.close(None, 1.0)


@contextlib.asynccontextmanager
async def lying_broker(*sent: bytes, reads: bool = True) -> AsyncIterator[Broker]:
    """Serve as a broker that greets, sends these bytes to its first client, and then listens."""
    scripts: list[Sequence[bytes]] = [sent]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(1000)
            writer.writelines((CONNACK, *(scripts.pop() if scripts else ())))
            while reads and (data := await reader.read(65_536)):
                writer.write(PINGRESP * data.count(PINGREQ))
        await ended.wait()
        writer.close()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Broker(f"mqtt://127.0.0.1:{port}", "127.0.0.1", port)
    finally:
        ended.set()
        server.close()


@contextlib.asynccontextmanager
async def publishing(*sent: bytes) -> AsyncIterator[MQTTPublisher]:
    """Publish as the daemon ``den`` to such a broker."""
    stream = SimpleNamespace(name="voice", stride_seconds=0.25)
    microphone = SimpleNamespace(state="off", can_be_muted=False)
    around = SimpleNamespace(name="den", streams=[stream], lossless=False, microphone=microphone)
    async with lying_broker(*sent) as place:
        publisher = MQTTPublisher(place, cast(Any, around), takes_commands=False)
        await publisher.ready()
        try:
            yield publisher
        finally:
            await publisher.close(1.0)


def state(publisher: MQTTPublisher) -> object:
    return cast(Any, publisher.about().health)["mqtt"]["state"]


def test_a_message_that_is_far_too_long_is_read_over_and_the_next_one_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt_client, "MOST_PACKET_BYTES", 1000)

    async def play() -> None:
        long = publish("long", bytes(100_000))
        async with linked(long, publish("short", b"x")) as (_, listener):
            await until(lambda: bool(listener.topics))
            assert (listener.topics, listener.losses) == (["short"], 0)

    run(play)


@pytest.mark.parametrize(
    "sent",
    [
        *(CONNACK, PINGREQ, PINGRESP, PUBACK, PUBREC, PUBREL),
        *(publish("a", b"x", 1), publish("a", b"x", 2)),
    ],
    ids=["connack", "pingreq", "pingresp", "puback", "pubrec", "pubrel", "qos 1", "qos 2"],
)
def test_what_no_broker_may_send_ends_the_connection_and_leaves_nothing(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        async with linked(sent, publish("b", b"x")) as (_, listener):
            await until(lambda: listener.connections == 2)
            assert (listener.topics, listener.losses) == ([], 1)

    run(play)
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("emotiond")]
    assert ["the connection is lost" in line for line in lines] == [True, False]
    assert "it is connected again" in lines[1]


def test_one_that_greets_and_hangs_up_is_tried_in_growing_pauses_with_one_line_for_all(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pauses are noted, and not waited for."""
    pauses: list[int] = []

    def note_pause(client: Client, pause: int, longest: int) -> None:
        pauses.append(pause)
        delay(client, 0, longest)

    delay = Client.reconnect_delay_set
    monkeypatch.setattr(Client, "reconnect_delay_set", note_pause)

    async def play() -> None:
        greetings, over = 0, asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal greetings
            await reader.read(1000)
            writer.write(CONNACK)
            greetings += 1
            if greetings > 8:
                await over.wait()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        place = Broker(f"mqtt://127.0.0.1:{port}", "127.0.0.1", port)
        link = Link(place, Publication("will", ""), Listener())
        link.start()
        await until(lambda: greetings > 8 and link.is_connected)
        lines = [each.getMessage() for each in caplog.records if each.name.startswith("emotiond")]
        assert [line.partition(": ")[2].partition(".")[0] for line in lines] == [
            "the connection is lost", "it is connected again", "connections to it do not last",
        ]  # fmt: skip
        monkeypatch.setattr(mqtt_client, "STEADY_SECONDS", 0.0)  # this one has lasted
        monkeypatch.setattr(mqtt_link, "STEADY_SECONDS", 0.0)
        over.set()
        await until(lambda: len(pauses) > 8)
        await link.close(None, 1.0)
        server.close()

    run(play)
    assert pauses[:9] == [1, 2, 4, 8, 16, 30, 30, 30, 1]


def test_a_topic_of_a_length_that_the_daemon_has_none_of_is_ignored() -> None:
    async def play() -> None:
        async with linked(publish("a" * 5000, b"x"), publish("b", b"x")) as (_, listener):
            await until(lambda: bool(listener.topics))
            assert listener.topics == ["b"]

    run(play)


def test_what_is_told_to_a_broker_that_never_reads_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt_link, "MOST_TOLD", 50)

    async def play() -> None:
        async with linked(reads=False) as (link, listener):
            await until(lambda: listener.connections == 1)
            for _ in range(200):
                link.tell(Publication("much", "x" * 1_000_000))
            assert link.dropped > 0
            assert link.unread <= 50

    run(play)


def test_what_waits_for_one_that_does_not_read_is_dropped_unless_the_stream_waits_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt_outbox, "_LATE_SECONDS", 0.1)
    much = [Publication("much", "x" * 1_000_000)] * 400

    async def play() -> None:
        patient = linked(reads=False, most_waiting_seconds=math.inf)
        hasty = linked(reads=False, most_waiting_seconds=0.1)
        async with patient as (first, _), hasty as (second, _):
            await until(lambda: first.is_connected and second.is_connected)
            for link in (first, second):
                link.let_flow(True)
                link.send(much)
            await until(lambda: second.dropped > 0 and second.is_behind)
            assert first.dropped == 0
            assert first.is_connected
            assert second.is_connected

    run(play)


def test_one_that_reads_nothing_for_long_is_given_up_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt_link, "MOST_UNREAD_SECONDS", 0.1)

    async def play() -> None:
        async with linked(reads=False) as (link, listener):
            await until(lambda: listener.connections == 1)
            link.let_flow(True)
            link.send([Publication("much", "x" * 10_000_000)])
            await until(lambda: link.trouble == "it does not read")
            await until(lambda: listener.connections == 2)
            assert listener.losses == 1
            assert link.trouble is None

    run(play)
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("emotiond")]
    assert [line.partition(": ")[2].partition(".")[0] for line in lines] == [
        "it does not read", "it is connected again",
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def connected(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Link]:
    """Link to a broker that greets and then does as it is told. All flows."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await one_packet(reader)
            writer.write(CONNACK)
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    place = Broker(f"mqtt://127.0.0.1:{port}", "127.0.0.1", port)
    link = Link(place, Publication("will", ""), Listener())
    link.start()
    await until(lambda: link.is_connected)
    link.let_flow(True)
    try:
        yield link
    finally:
        await link.close(None, 0.1)
        server.close()


async def one_packet(reader: asyncio.StreamReader) -> bytes:
    """Read a packet, of which this returns the kind and the body."""
    kind, length, shift = await reader.readexactly(1), 0, 0
    while (byte := (await reader.readexactly(1))[0]) > 127:
        length, shift = length | (byte & 127) << shift, shift + 7
    return kind + await reader.readexactly(length | byte << shift)


def test_one_that_reads_too_slowly_has_a_second_s_messages_before_it_and_no_more() -> None:
    """Whatever the systems between would hold. This one reads less than half of what comes."""
    read: list[bytes] = []

    async def play() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                packet = await one_packet(reader)
                if packet == PINGREQ[:1]:
                    writer.write(PINGRESP)
                else:
                    read.append(packet)
                    await asyncio.sleep(0.02)

        async with connected(serve) as link:
            for number in range(600):
                link.send([Publication("n", str(number))])
                await asyncio.sleep(0.005)
                assert link.sent - len(read) <= mqtt_outbox._MOST_ON_WAY
            await until(lambda: link.dropped > 0 and link.is_behind)

    run(play)


def test_what_a_connection_does_not_take_is_dropped_and_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have ended just now."""

    async def play() -> None:
        async with connected(lambda reader, _: asyncio.wait_for(reader.read(), None)) as link:
            ended = SimpleNamespace(rc=MQTTErrorCode.MQTT_ERR_NO_CONN)
            monkeypatch.setattr(link._client, "publish", lambda *_: ended)
            link.send([Publication("a", "")] * 3)
            assert (link.sent, link.dropped) == (0, 3)

    run(play)


def test_one_that_answers_a_ping_that_has_not_left_is_cut_off() -> None:
    """It reads nothing. Without that, it could have messages pile up without bound."""

    async def play() -> None:
        asked = asyncio.Event()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asked.wait()
            writer.write(PINGRESP)
            await writer.drain()
            await ended.wait()

        ended = asyncio.Event()
        async with connected(serve) as link:
            link.send([Publication("much", "x" * 1_000_000)] * 20)  # a ping follows
            asked.set()
            await until(lambda: link.trouble == "the connection is lost")
            ended.set()

    run(play)


@pytest.mark.parametrize("connections", [1, 2])
def test_the_good_bye_comes_after_the_last_message_was_read(connections: int) -> None:
    """Also after a loss. The broker answers its last ping late: the daemon waits for that."""
    read: list[bytes] = []

    async def play() -> None:
        left = connections

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal left
            left -= 1
            while left == 0:
                read.append(await one_packet(reader))
                if read[-1] == PINGREQ[:1]:
                    writer.write(publish("availability", b"offline"))  # as to all who hear that
                    await asyncio.sleep(0.2)
                    writer.write(PINGRESP)

        async with connected(serve) as link:
            await until(lambda: left == 0 and link.is_connected)
            link.let_flow(True)
            link.send([Publication("state", "ended")])
            await link.close(Publication("availability", "offline"), 10.0)
            await until(lambda: read[-1] == DISCONNECT)
            assert cast(Listener, link._listener).topics in ([], ["availability"])

    run(play)
    words = [each for each in read if each != PINGREQ[:1]]
    assert [word[-5:] for word in words] == [b"ended", b"fline", DISCONNECT]
    assert read[-2] == PINGREQ[:1]


@pytest.mark.parametrize("wildcard", ["+", "#"])
def test_a_kept_topic_that_nobody_can_publish_does_not_hold_it_up(wildcard: str) -> None:
    async def play() -> None:
        topic = f"homeassistant/device/emotiond-den/{wildcard}/config"
        async with publishing(publish(topic, b"{}", is_kept=True)) as publisher:
            await until(lambda: state(publisher) == "connected")

    run(play)


@pytest.mark.parametrize(("is_kept", "then"), [(True, "connected"), (False, "silent")])
def test_an_older_daemon_has_the_name_only_while_it_says_so(is_kept: bool, then: str) -> None:
    async def play() -> None:
        mark = publish("emotiond/den/instance", b"0" * 20 + b"-" + b"0" * 16, is_kept=is_kept)
        async with publishing(mark) as publisher:
            await until(lambda: state(publisher) != "connecting")
            assert state(publisher) == then

    run(play)


def test_one_that_refuses_the_protocol_once_is_greeted_with_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Within one attempt, paho tries MQTT 3.1 after 3.1.1."""
    delay = Client.reconnect_delay_set
    monkeypatch.setattr(
        Client, "reconnect_delay_set", lambda client, _, most: delay(client, 0, most)
    )
    levels: list[int] = []

    async def play() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            greeting = await reader.read(1000)
            levels.append(greeting[4 + greeting[3]])  # it follows the protocol's name
            if len(levels) > 2:
                writer.write(CONNACK)
                await reader.read()
            else:
                writer.write(b"\x20\x02\0\1")
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        place = Broker(f"mqtt://127.0.0.1:{port}", "127.0.0.1", port)
        listener = Listener()
        link = Link(place, Publication("will", ""), listener)
        link.start()
        await until(lambda: listener.connections == 1)
        await link.close(None, 1.0)
        server.close()

    run(play)
    assert levels == [4, 3, 4]


def test_only_the_daemon_s_own_discovery_messages_can_be_of_former_streams() -> None:
    discovery = Discovery(Topics("den"), 0.25, takes_commands=False)
    assert discovery.is_of_it(discovery.of_stream("attic").topic)
    own = "homeassistant/device/emotiond-den/{}/config"
    things = ("", "a/b", "+", "#", "a#", "\u00e9", "a\n", "\u0661")
    for topic in ("a", "emotiond/den/x", *map(own.format, things)):
        assert not discovery.is_of_it(topic)
