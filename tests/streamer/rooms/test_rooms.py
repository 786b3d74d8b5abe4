"""Following, in this process, against servers that are no good daemons."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from unittest.mock import Mock

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from emotiond.streamer.daemon.health import health as health_of
from emotiond.streamer.protocol.names import likeness
from emotiond.streamer.protocol.requests import AskRooms
from emotiond.streamer.rooms import link, rooms
from emotiond.streamer.rooms.addresses import parse_address
from emotiond.streamer.rooms.followed import Followed
from emotiond.streamer.rooms.received import MOST_STREAMS
from emotiond.streamer.rooms.rooms import Rooms
from tests.streamer.rooms.test_received import CHANGE, EMOTION, HELLO, STATUS
from tests.support.schema import check

Object = dict[str, Any]
Script = Callable[[ServerConnection], Awaitable[None]]

TOKEN = "0123456789abcdef"  # noqa: S105 - no secret
PATIENCE_SECONDS = 30.0


class Page:
    """A client of this daemon that has asked for rooms. It keeps what it gets."""

    def __init__(self) -> None:
        self.received: list[Object] = []
        self.is_full = False
        self._news = asyncio.Event()

    def send_text(self, text: str) -> None:
        message = json.loads(text)
        check("daemon", message)
        self.received.append(message)
        self._news.set()

    def offer_frame(self, frame: bytes, spare_bytes: int = 0) -> bool:
        if self.is_full:
            return False
        short = frame[1]
        assert frame[0] == 0x81
        self.send_text(frame[{126: 4, 127: 10}.get(short, 2) :].decode())
        return True

    async def caught_up(self) -> None:
        pass

    async def until(self, condition: Callable[[Object], bool]) -> Object:
        """Wait for a message; those before it are looked at, too."""

        async def found() -> Object:
            seen = 0
            while True:
                for message in self.received[seen:]:
                    seen += 1
                    if condition(message):
                        return message
                self._news.clear()
                await self._news.wait()

        return await asyncio.wait_for(found(), PATIENCE_SECONDS)

    async def state(self, state: str, index: int = 0) -> Object:
        """Wait until a room is in a state."""

        def has(message: Object) -> bool:
            return message["type"] == "rooms" and message["rooms"][index]["state"] == state

        room: Object = (await self.until(has))["rooms"][index]
        return room


def dropped_of(rooms: Mapping[str, Any]) -> object:
    """Return what ``/healthz`` of the daemon says of their events among what was dropped."""
    hub = Mock(dropped_messages=0, last_emotion={})
    outputs: Any = {}
    health = health_of("desk", "tiny", 1.0, "off", [], [], Mock(), hub, rooms, outputs, [], [])
    return health["dropped"]["room_events"]


def frame_of(message: Object) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=False)


@contextlib.asynccontextmanager
async def following(
    *ports: int, own: tuple[str, ...] = ("mic",), name: str = "desk", token: str | None = None
) -> AsyncIterator[tuple[Rooms, Page]]:
    followed = [Followed(parse_address(f"ws://127.0.0.1:{port}"), token) for port in ports]
    here = Rooms(followed, name, "me", lambda: own)
    page = Page()
    await here.handlers[AskRooms](page, AskRooms())  # type: ignore[arg-type]
    here.start()
    try:
        yield here, page
    finally:
        await here.close()


@contextlib.asynccontextmanager
async def serving(script: Script, **options: Any) -> AsyncIterator[int]:
    async with serve(script, "127.0.0.1", 0, **options) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("steps", range(5))
def test_it_ends_also_as_a_hello_comes(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Whatever step of the loop it is: then ``wait_for`` may forget that it was cancelled."""
    monkeypatch.setattr(rooms, "_AGAIN_SECONDS", 0.05)

    async def test() -> None:
        said = asyncio.get_running_loop().create_future()
        never = asyncio.Event()

        class Connection:
            async def recv(self) -> str:
                if said.done():
                    await never.wait()
                return str(await said)

        @contextlib.asynccontextmanager
        async def linked(_: Followed) -> AsyncIterator[Connection]:
            yield Connection()

        monkeypatch.setattr(rooms, "linked", linked)
        async with following(1):
            for _ in range(10):  # it waits for what is said first
                await asyncio.sleep(0)
            said.set_result(json.dumps(HELLO))
            for _ in range(steps):
                await asyncio.sleep(0)

    run(test())


def saying(*messages: object) -> Script:
    """A server that says this, and then waits."""

    async def script(client: ServerConnection) -> None:
        for message in messages:
            await client.send(message if isinstance(message, str) else json.dumps(message))
        await client.wait_closed()

    return script


async def why_not(script: Script, **options: Any) -> str:
    """Return why a server cannot be followed."""
    async with serving(script, **options) as port, following(port) as (_, page):
        return str((await page.state("unreachable"))["detail"])


def run(test: Awaitable[None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(test, 2 * PATIENCE_SECONDS)

    asyncio.run(bounded())


def test_streams_come_under_the_daemons_name() -> None:
    async def test() -> None:
        script = saying(
            {**HELLO, "last": EMOTION}, STATUS, CHANGE, {**EMOTION, "seq": 43, "time": 1.0}
        )
        async with serving(script) as port, following(port) as (here, page):
            await page.until(lambda message: message.get("seq") == 43)
            assert [(m["type"], m["stream"]) for m in page.received if "seq" in m] == [
                ("emotion", "kitchen/mic"),
                ("status", "kitchen/mic"),
                ("change", "kitchen/mic"),
                ("emotion", "kitchen/mic"),
            ]
            health = here.health()["kitchen"]
            assert (health["state"], health["received"], health["losses"]) == ("connected", 4, 0)
            assert health["streams"]["kitchen/mic"]["label"] == "happy"
            assert health["clock_seconds"] is not None

    run(test())


def test_a_page_that_comes_later_gets_the_last_events_in_order_and_once() -> None:
    async def test() -> None:
        script = saying({**HELLO, "last": EMOTION}, STATUS, CHANGE)
        async with serving(script) as port, following(port) as (here, page):
            await page.until(lambda message: message["type"] == "change")
            late = Page()
            for _ in range(2):
                await here.handlers[AskRooms](late, AskRooms())  # type: ignore[arg-type]
            assert [m["type"] for m in late.received] == [
                "rooms", "status", "emotion", "change", "rooms",
            ]  # fmt: skip

    run(test())


def test_nobody_serves() -> None:
    async def test() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            async with following(free.getsockname()[1]) as (_, page):
                assert (await page.state("unreachable"))["detail"] == "no program listens there"

    run(test())


def test_a_web_server_is_no_daemon() -> None:
    def answer(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(200, "<title>it works</title>")

    async def test() -> None:
        why = await why_not(saying(), process_request=answer)
        assert why == "what answers there is no emotiond (HTTP status 200)"

    run(test())


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (["hi"], "what answers there sends no messages of emotiond"),
        ([EMOTION], "what answers there sends no messages of emotiond"),
        ([{**HELLO, "streams": "x" * 70_000}], "it sends too much"),
        ([HELLO, "x" * 70_000], "it sends too much"),
        ([HELLO, HELLO] * 6, "what answers there sends no messages of emotiond"),
        ([HELLO, *["nonsense"] * 10], "what answers there sends no messages of emotiond"),
        ([{**HELLO, "protocol": 2}], "it speaks another version of the protocol"),
        ([{**HELLO, "instance": "me"}], "that is this daemon itself; leave this --follow out"),
    ],
)
def test_what_speaks_otherwise_is_no_daemon(messages: list[object], reason: str) -> None:
    async def test() -> None:
        assert (await why_not(saying(*messages))).startswith(reason)

    run(test())


def test_a_wrong_token_is_said_and_not_repeated() -> None:
    async def script(client: ServerConnection) -> None:
        await client.close(4401, "the token 0123 is wrong")

    async def test() -> None:
        why = await why_not(script)
        assert why == "it wants a token, or another one; --follow-token-file FILE has it"

    run(test())


def test_a_token_goes_nowhere_but_to_its_daemon() -> None:
    headers: list[str] = []

    def note(_: ServerConnection, request: Request) -> None:
        headers.append(request.headers.get("Authorization", ""))

    async def test() -> None:
        async with serving(saying(HELLO), process_request=note) as elsewhere:

            def redirect(connection: ServerConnection, request: Request) -> Response:
                note(connection, request)
                response = connection.respond(302, "")
                response.headers["Location"] = f"ws://127.0.0.1:{elsewhere}/ws"
                return response

            async with (
                serving(saying(), process_request=redirect) as port,
                following(port, token=TOKEN) as (_, page),
            ):
                room = await page.state("unreachable")
                assert "(HTTP status 302)" in room["detail"]
        assert set(headers) == {f"Bearer {TOKEN}"}
        assert TOKEN not in json.dumps(page.received)

    run(test())


def test_one_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "OPEN_SECONDS", 0.2)

    async def test() -> None:
        assert await why_not(saying()) == "it does not answer"

    run(test())


def test_one_that_only_accepts_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "OPEN_SECONDS", 0.3)

    async def test() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with server, following(server.sockets[0].getsockname()[1]) as (_, page):
            assert (await page.state("unreachable"))["detail"] == "it does not answer"

    run(test())


def test_a_half_open_connection_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PING_SECONDS", 0.2)

    async def test() -> None:
        is_over = asyncio.Event()

        async def deaf(client: ServerConnection) -> None:
            await client.send(json.dumps(HELLO))
            client.transport.pause_reading()
            await is_over.wait()

        async with serving(deaf) as port, following(port) as (_, page):
            room = await page.state("unreachable")
            is_over.set()
        assert room["detail"] == "it does not answer any more"

    run(test())


def test_an_address_of_a_kind_that_the_system_lacks_does_not_keep_it_from_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> None:
        async with serving(saying(HELLO)) as port:
            place, stream = ("127.0.0.1", port), socket.SOCK_STREAM
            found = [(-7, stream, 0, "", place), (socket.AF_INET, stream, 0, "", place)]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
            async with following(port) as (_, page):
                await page.state("connected")

    run(test())


@pytest.mark.parametrize("kind", ["events", "pings", "fragments", "long messages"])
def test_one_that_floods_is_left(kind: str) -> None:
    async def flood(client: ServerConnection) -> None:
        await client.send(json.dumps(HELLO))
        one = {
            "events": frame_of(EMOTION),
            "pings": Frame(Opcode.PING, b"").serialize(mask=False),
            "fragments": Frame(Opcode.TEXT, b"", fin=False).serialize(mask=False),
            "long messages": frame_of({"type": "later", "numbers": [1e308] * 7_000}),
        }[kind]
        if kind == "fragments":
            client.transport.write(one)
            one = Frame(Opcode.CONT, b"", fin=False).serialize(mask=False)
        long_ones = max(1, len(one) // link.FRAME_BYTES)
        client.transport.write(one * ((link.FRAMES_AT_ONCE + 1000) // long_ones))
        await client.wait_closed()

    async def test() -> None:
        async with serving(flood) as port, following(port) as (here, page):
            assert (await page.state("unreachable"))["detail"] == "it sends too much"
            assert here.health()["kitchen"]["received"] <= 1

    run(test())


def test_of_thousands_of_streams_a_few_are_shown() -> None:
    async def script(client: ServerConnection) -> None:
        await client.send(json.dumps({**HELLO, "streams": [f"a{n}" for n in range(5000)]}))
        for number in range(100):
            await client.send(json.dumps({**EMOTION, "stream": f"b{number}"}))
        await client.send(json.dumps({**EMOTION, "stream": "a0"}))
        await client.wait_closed()

    async def test() -> None:
        async with serving(script) as port, following(port) as (here, page):
            await page.until(lambda message: message.get("stream") == "kitchen/a0")
            health = here.health()["kitchen"]
            assert len(health["streams"]) == MOST_STREAMS
            assert health["refused"]["stream"] == 100

    run(test())


def test_other_work_goes_on_while_messages_wait() -> None:
    turns, at = 0, []

    class Noting(Page):
        def send_text(self, text: str) -> None:
            super().send_text(text)
            if "seq" in self.received[-1]:
                at.append(turns)

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def script(client: ServerConnection) -> None:
        events = [frame_of({**EMOTION, "seq": number}) for number in range(100)]
        client.transport.write(frame_of(HELLO) + b"".join(events))
        await client.wait_closed()

    async def test() -> None:
        async with serving(script) as port, following(port) as (here, _):
            page = Noting()
            await here.handlers[AskRooms](page, AskRooms())  # type: ignore[arg-type]
            turning = asyncio.ensure_future(turn())
            await page.until(lambda message: message.get("seq") == 99)
            turning.cancel()
        assert len(set(at)) == 100

    run(test())


def test_events_of_unknown_streams_compare_no_names_anew() -> None:
    async def script(client: ServerConnection) -> None:
        names = [f"\uac01{number}" for number in range(MOST_STREAMS)]
        await client.send(json.dumps({**HELLO, "streams": names}))
        for number in range(100):
            await client.send(json.dumps({**EMOTION, "seq": number, "stream": "one more"}))
        await client.send(json.dumps({**EMOTION, "stream": names[0]}))
        await client.wait_closed()

    async def test() -> None:
        async with serving(script) as port, following(port) as (here, page):
            await page.state("connected")
            before = likeness.cache_info().misses
            await page.until(lambda message: message["type"] == "emotion")
            health = here.health()
            assert health["kitchen"]["refused"]["stream"] == 100
            assert dropped_of(health) == 100
            assert likeness.cache_info().misses == before

    run(test())


def test_no_followed_stream_looks_like_one_of_this_daemon_or_like_another() -> None:
    async def test() -> None:
        hello = {**HELLO, "streams": ["mic", "MIC", "ｍｉｃ", "radio"]}
        script = saying(hello, {**EMOTION, "stream": "MIC"}, {**EMOTION, "stream": "radio"})
        own = ("mic", "Kitchen/Radio")
        async with serving(script) as port, following(port, own=own) as (here, page):
            await page.state("connected")
            while here.health()["kitchen"]["refused"]["stream"] < 2:
                await asyncio.sleep(0.01)
            assert [*here.health()["kitchen"]["streams"]] == ["kitchen/mic"]

    run(test())


def test_two_daemons_of_one_name_are_numbered(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with (
            serving(saying(HELLO)) as one,
            serving(saying({**HELLO, "name": "KITCHEN", "instance": "b"})) as two,
            following(one, two, name="Desk") as (here, page),
        ):
            await page.state("connected", 0)
            await page.state("connected", 1)
            assert {name.lower() for name in here.health()} == {"kitchen", "kitchen 2"}
            assert sum("calls itself" in line for line in caplog.messages) == 1

    run(test())


def test_one_with_another_name_each_time_is_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "LONGEST_PAUSE_SECONDS", 0.0)

    async def test() -> None:
        names = (f"name {number}" for number in itertools.count())

        async def rename(there: ServerConnection) -> None:
            await there.send(json.dumps(HELLO | {"name": next(names)}))

        async with serving(rename) as port, following(port) as (here, _page):
            while here.health().get("name 0", {"losses": 0})["losses"] < 5:
                await asyncio.sleep(0)
            assert sum("it calls itself name" in line for line in caplog.messages) == 1

    run(test())


def test_a_daemon_called_like_this_one_is_numbered() -> None:
    async def test() -> None:
        async with serving(saying(HELLO)) as port, following(port, name="Kitchen") as (here, page):
            await page.state("connected")
            assert [*here.health()] == ["kitchen 2"]

    run(test())


def test_one_daemon_at_two_addresses_is_followed_once() -> None:
    async def test() -> None:
        async with (
            serving(saying(HELLO)) as one,
            serving(saying(HELLO)) as two,
            following(one, two) as (here, page),
        ):
            for index in (0, 1):
                await page.until(
                    lambda m, i=index: (
                        m["type"] == "rooms" and m["rooms"][i]["state"] != "connecting"
                    )  # type: ignore[misc]
                )
            details = sorted(room["detail"] for room in here.health().values())
            assert details[0] == ""
            assert details[1].startswith("it is followed already, at ws://127.0.0.1")

    run(test())


def test_a_stream_that_a_client_had_published_goes_when_it_ends() -> None:
    async def test() -> None:
        ended = {**STATUS, "stream": "phone", "status": "ended", "seq": 9}
        script = saying(HELLO, {**EMOTION, "stream": "phone"}, ended, {**STATUS, "status": "ended"})
        async with serving(script) as port, following(port) as (here, page):
            await page.until(lambda m: m.get("stream") == "kitchen/mic")
            assert [*here.health()["kitchen"]["streams"]] == ["kitchen/mic"]
            names = [m["rooms"][0]["streams"] for m in page.received if m["type"] == "rooms"]
            assert ["kitchen/mic", "kitchen/phone"] in names
            assert names[-1] == ["kitchen/mic"]

    run(test())


def test_a_loss_and_a_return_are_one_line_each_and_pauses_grow(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(rooms, "FIRST_PAUSE_SECONDS", 0.01)
    visits: list[float] = []

    async def script(client: ServerConnection) -> None:
        visits.append(asyncio.get_running_loop().time())
        await client.send(json.dumps({**HELLO, "instance": str(len(visits))}))
        if len(visits) == 6:
            await client.wait_closed()

    async def test() -> None:
        async with serving(script) as port, following(port) as (here, _):
            while len(visits) < 6:
                await asyncio.sleep(0.01)
            pauses = [late - early for early, late in itertools.pairwise(visits)]
            assert [pause >= 0.01 * 2**n for n, pause in enumerate(pauses)] == [True] * 5
            while here.health()["kitchen"]["state"] != "connected":
                await asyncio.sleep(0.01)
            assert here.health()["kitchen"]["losses"] == 5

    run(test())
    assert sum("kitchen is lost" in line for line in caplog.messages) == 1
    assert sum("kitchen is followed" in line for line in caplog.messages) == 1


def test_a_page_that_is_behind_misses_events_but_hears_of_the_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "_RETRY_SECONDS", 0.01)

    async def test() -> None:
        async with serving(saying(HELLO, EMOTION)) as port, following(port) as (here, page):
            page.is_full = True
            while here.health().get("kitchen", {}).get("received", 0) < 1:
                await asyncio.sleep(0.01)
            page.is_full = False
            await page.state("connected")
            assert not [m for m in page.received if m["type"] == "emotion"]
            assert here.health()["kitchen"]["missed"] == 1
            assert dropped_of(here.health()) == 1
            assert "emotiond_room_missed_total" in str(here.metrics())

    run(test())


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_end_is_not_held_up_by_a_name_that_is_never_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, may_end = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[Any]:
        asked.set()
        may_end.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def test() -> None:
        here = Rooms([Followed(parse_address("ws://localhost:9"))], "desk", "me", list)
        here.start()
        while not asked.is_set():
            await asyncio.sleep(0.01)
        await here.close()  # the lookup still hangs

    asyncio.run(test())
    threads = [each for each in threading.enumerate() if each.name == "emotiond-background"]
    may_end.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)


@pytest.mark.parametrize("ahead_seconds", [-90.0, 0.0, 90.0])
def test_the_clock_of_the_other_is_compared(ahead_seconds: float) -> None:
    async def test() -> None:
        event = {**EMOTION, "time": time.time() + ahead_seconds - 0.0142}
        async with serving(saying(HELLO, event)) as port, following(port) as (here, page):
            await page.until(lambda message: message["type"] == "emotion")
            found = here.health()["kitchen"]["clock_seconds"]
            assert ahead_seconds - 20 < found <= ahead_seconds + 0.1

    run(test())
