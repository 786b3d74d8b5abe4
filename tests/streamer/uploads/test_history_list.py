"""The list of the history goes out no more often than it must, and drops no slow follower."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from emotiond.streamer.server.limits import Limits
from emotiond.streamer.uploads.archive import PART_EVENTS, EventLog
from emotiond.streamer.uploads.history import PIECE_EVENTS, History
from emotiond.streamer.uploads.sqlite_archive import SqliteArchive
from tests.support.port import HANDSHAKE, LIMITS, Port, frame, port, run, until


@dataclass
class Kept:
    """A server that keeps a history of files."""

    at: Port
    numbers: Sequence[int]
    """Those of the files."""
    history: History
    readings: list[int]
    """The number of files in each list that was read."""


@contextlib.asynccontextmanager
async def kept(path: Path, files: int, limits: Limits = LIMITS) -> AsyncIterator[Kept]:
    archive, readings = SqliteArchive(path), list[int]()
    numbers = [archive.add({"name": f"file {i}"}, EventLog()) for i in range(files)]

    class Counted(SqliteArchive):
        def results(self) -> Any:
            found = super().results()
            readings.append(len(found))
            return found

    history = History(Counted(path))
    try:
        async with port(limits, handlers=history.handlers, on_leave=history.leave) as at:
            yield Kept(at, numbers, history, readings)
    finally:
        history.close()


async def ask(client: ClientConnection, **request: object) -> list[int]:
    """Return the numbers in the list that answers."""
    await client.send(json.dumps(request))
    return await listed(client)


async def listed(client: ClientConnection) -> list[int]:
    while (message := json.loads(await client.recv()))["type"] != "history":
        assert message["type"] == "hello"
    return [file["id"] for file in message["files"]]


async def gets_nothing_more(client: ClientConnection) -> bool:
    await client.send('{"type":"ping"}')
    return json.loads(await client.recv())["type"] == "pong"


def test_a_removal_of_nothing_is_answered_to_its_client_alone(tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            kept(tmp_path / "history", 3) as place,
            connect(place.at.url) as follower,
            connect(place.at.url) as client,
        ):
            await ask(follower, type="history")
            for _ in range(3):
                assert len(await ask(client, type="forget", ids=[12_345])) == 3
            assert await gets_nothing_more(follower)
            assert len(await ask(client, type="forget", ids=[place.numbers[0]])) == 2
            assert len(await listed(follower)) == 2

    run(test)


def test_removals_at_one_time_are_answered_by_a_few_lists(tmp_path: Path) -> None:
    async def test() -> None:
        async with kept(tmp_path / "history", 12) as place, contextlib.AsyncExitStack() as stack:
            follower, *clients = [
                await stack.enter_async_context(connect(place.at.url)) for _ in range(13)
            ]
            await ask(follower, type="history")
            answers = await asyncio.gather(
                *(
                    ask(client, type="forget", ids=[number])
                    for client, number in zip(clients, place.numbers, strict=True)
                )
            )
            for number, answer in zip(place.numbers, answers, strict=True):
                assert number not in answer
            seen = 12
            while seen:
                seen = len(await listed(follower))
            assert len(place.readings) < 8

    run(test)


def test_what_a_client_removes_goes_though_it_leaves_at_once(tmp_path: Path) -> None:
    """The removal waits for its turn meanwhile: another client is just being answered."""

    async def test() -> None:
        async with (
            kept(tmp_path / "history", 2) as place,
            connect(place.at.url) as asking,
            connect(place.at.url) as leaving,
        ):
            async with place.history._turn:
                await leaving.send(json.dumps({"type": "forget", "ids": [place.numbers[0]]}))
                await until(lambda: bool(place.history._unwanted))
                await leaving.close()
                await until(lambda: not place.history._asking)
            await until(lambda: place.readings == [1])
            assert await ask(asking, type="history") == [place.numbers[1]]

    run(test)


def test_a_slow_follower_gets_the_last_list_alone_and_stays(tmp_path: Path) -> None:
    async def test() -> None:
        tight = replace(LIMITS, unasked_bytes=1)
        async with (
            kept(tmp_path / "history", 8, tight) as place,
            connect(place.at.url, max_queue=1) as follower,
            connect(place.at.url) as client,
        ):
            await ask(follower, type="history")
            for number in place.numbers[:6]:  # while the follower reads nothing
                await ask(client, type="forget", ids=[number])
            lists = [await listed(follower)]
            while lists[-1] != [*reversed(place.numbers[6:])]:
                lists.append(await listed(follower))
            assert len(lists) < 6
            assert place.at.server.offences.total() == 0

    run(test)


def test_a_file_that_is_removed_while_it_is_recalled_ends_with_an_error(tmp_path: Path) -> None:
    class Forgetting(SqliteArchive):
        def part(self, number: int, first: int) -> Any:
            events = super().part(number, first)
            self.forget([number])
            return events

    async def test() -> None:
        log = EventLog()
        for number in range(2 * PART_EVENTS):
            log.add(f'{{"seq":{number}}}')
        async with kept(tmp_path / "history", 0) as place, connect(place.at.url) as client:
            number = SqliteArchive(tmp_path / "history").add({"name": "a"}, log)
            place.history._archive = Forgetting(tmp_path / "history")
            await client.recv()
            await client.send(json.dumps({"type": "recall", "id": number}))
            first, second = [json.loads(await client.recv()) for _ in range(2)]
            assert (first["total"], len(first["events"])) == (2 * PART_EVENTS, PIECE_EVENTS)
            assert (second["error"], second["about"]) == ("unknown-file", "recall")
            await client.send(json.dumps({"type": "recall", "id": number}))
            assert json.loads(await client.recv())["error"] == "unknown-file"

    run(test)


def test_who_recalls_a_file_and_reads_slowly_gets_all_of_it_and_stays(tmp_path: Path) -> None:
    """Each piece waits until the one before is read: no time limit, and little to be unread."""

    async def test() -> None:
        log = EventLog()
        for number in range(3 * PART_EVENTS):
            log.add(json.dumps({"seq": number, "filler": "x" * 800}))
        tight = replace(LIMITS, unread_bytes=64 * 1024)
        async with kept(tmp_path / "history", 0, tight) as place:
            number = SqliteArchive(tmp_path / "history").add({"name": "a"}, log)
            slow = await place.at.raw(receive_bytes=4096)
            async with connect(place.at.url, sock=slow, max_queue=1) as client:
                await client.recv()
                await client.send(json.dumps({"type": "recall", "id": number}))
                numbers: list[int] = []
                while len(numbers) < 3 * PART_EVENTS:
                    await asyncio.sleep(0.02)
                    piece = json.loads(await client.recv())
                    assert piece["first"] == len(numbers)
                    numbers += [event["seq"] for event in piece["events"]]
                assert numbers == [*range(3 * PART_EVENTS)]
            assert place.at.server.offences.total() == 0

    run(test)


def test_who_recalls_a_file_and_leaves_leaves_no_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        log = EventLog()
        for number in range(3 * PART_EVENTS):
            log.add(json.dumps({"seq": number, "filler": "x" * 4000}))
        async with kept(tmp_path / "history", 0) as place:
            number = SqliteArchive(tmp_path / "history").add({"name": "a"}, log)
            client = await place.at.raw(receive_bytes=4096)
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await until(lambda: place.at.server.client_count == 1)
            recall = json.dumps({"type": "recall", "id": number}).encode()
            await asyncio.get_running_loop().sock_sendall(client, frame(1, recall))
            await asyncio.get_running_loop().sock_recv(client, 2048)
            # A reset: the daemon waits for room at that moment.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            await until(lambda: place.at.server.client_count == 0)

    run(test)
    assert caplog.records == []


def test_a_history_that_cannot_be_read_is_an_error_for_each_that_asks(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with kept(tmp_path / "history", 1) as place, contextlib.AsyncExitStack() as stack:
            (tmp_path / "history").write_bytes(b"no database at all, but some bytes" * 100)
            clients = [await stack.enter_async_context(connect(place.at.url)) for _ in range(3)]
            for client in clients:
                await client.recv()
                await client.send('{"type":"history"}')
            for client in clients:
                assert json.loads(await client.recv())["error"] == "history-failed"
            assert place.at.server.client_count == 3

    run(test)
