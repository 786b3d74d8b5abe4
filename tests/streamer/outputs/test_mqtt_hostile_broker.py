"""A broker that breaks the protocol, or is flooded by others: memory and log stay bounded."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Sequence

import pytest
from paho.mqtt.client import Client

from emotiond.streamer.outputs import mqtt_client, mqtt_link
from emotiond.streamer.outputs.mqtt_broker import Broker
from emotiond.streamer.outputs.mqtt_discovery import Discovery
from emotiond.streamer.outputs.mqtt_link import Link
from emotiond.streamer.outputs.mqtt_topics import Publication, Topics
from tests.support.port import run, until

CONNACK = b"\x20\x02\0\0"
PINGREQ, PUBACK, PUBREC, PUBREL = b"\xc0\0", b"\x40\x02\0\1", b"\x50\x02\0\1", b"\x62\x02\0\1"


def packet(kind: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while rest > 127:
        length.append(128 | rest & 127)
        rest >>= 7
    return bytes([kind, *length, rest]) + body


def publish(topic: str, content: bytes, qos: int = 0) -> bytes:
    name = topic.encode()
    identity = b"\0\1" if qos else b""
    body = struct.pack(">H", len(name)) + name + identity + content
    return packet(0x30 | qos << 1, body)


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
async def linked(*sent: bytes, reads: bool = True) -> AsyncIterator[tuple[Link, Listener]]:
    """Link to a broker that greets, sends these bytes to its first client, and then listens."""
    scripts: list[Sequence[bytes]] = [sent]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(1000)
            writer.writelines((CONNACK, *(scripts.pop() if scripts else ())))
            while reads and await reader.read(65_536):
                pass
        await ended.wait()
        writer.close()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    port = server.sockets[0].getsockname()[1]
    listener = Listener()
    place = Broker(f"mqtt://127.0.0.1:{port}", "127.0.0.1", port)
    link = Link(place, Publication("will", ""), listener)
    link.start()
    try:
        yield link, listener
    finally:
        ended.set()
        await link.close(None, 1.0)
        server.close()


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
    [CONNACK, PINGREQ, PUBACK, PUBREC, PUBREL, publish("a", b"x", 1), publish("a", b"x", 2)],
    ids=["connack", "pingreq", "puback", "pubrec", "pubrel", "qos 1", "qos 2"],
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
            assert link.unsent <= 50

    run(play)


def test_only_the_daemon_s_own_discovery_messages_can_be_of_former_streams() -> None:
    discovery = Discovery(Topics("den"), 0.25, takes_commands=False)
    assert discovery.is_of_it(discovery.of_stream("attic").topic)
    for topic in ("a", "homeassistant/device/emotiond-den/a/b/config", "emotiond/den/x"):
        assert not discovery.is_of_it(topic)
