"""Five thousand connections, and clients that do not read, at a running daemon."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.port import HANDSHAKE

PLAY = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--json")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there, the system's limit holds")


class Follower:
    """Reads the daemon's events in a thread, so that nothing else has to."""

    def __init__(self, daemon: Daemon) -> None:
        self.numbers: list[int] = []
        self._grown = threading.Condition()
        threading.Thread(target=self._run, args=(daemon.events(),), daemon=True).start()

    def wait_for(self, more: int) -> None:
        """So many more events."""
        with self._grown:
            wanted = len(self.numbers) + more
            assert self._grown.wait_for(lambda: len(self.numbers) >= wanted, timeout=30)

    def _run(self, events: Iterator[dict[str, Any]]) -> None:
        for event in events:
            with self._grown:
                self.numbers.append(event["seq"])
                self._grown.notify_all()


def health(daemon: Daemon) -> Any:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=30) as response:  # noqa: S310
        return json.load(response)


def test_the_connection_limit_holds_and_the_stream_goes_on() -> None:
    limit, together, waves = 400, 500, 4

    async def connect(port: int, kept: list[asyncio.StreamWriter]) -> str:
        """Connect, send the whole handshake, half of it or nothing, and stay."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HANDSHAKE[: (len(HANDSHAKE), 40, 0)[len(kept) % 3]])
            kept.append(writer)
            return (await asyncio.wait_for(reader.readline(), 2)).decode().strip()[9:12]
        except asyncio.TimeoutError:
            return "held"
        except ConnectionError:
            return "reset"

    async def storm(port: int) -> Counter[str]:
        kept: list[asyncio.StreamWriter] = []
        answers: Counter[str] = Counter()
        for _ in range(waves):
            answers.update(await asyncio.gather(*(connect(port, kept) for _ in range(together))))
        for writer in kept:
            writer.transport.abort()
        return answers

    with running_daemon(*PLAY, "--max-connections", str(limit)) as daemon:
        follower = Follower(daemon)
        follower.wait_for(4)
        answers = asyncio.run(storm(daemon.port))
        assert answers.total() == together * waves
        assert answers["503"] > together * waves / 2, answers
        assert answers["101"] > 0
        follower.wait_for(4)
        assert follower.numbers == list(range(len(follower.numbers)))
        while (connections := health(daemon)["connections"])["open"] > 1:
            assert connections["limit"] == limit
        assert connections["refused"] >= answers["503"]
        assert daemon.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux reports it")
@pytest.mark.parametrize("receive_bytes", [2048, 10**6])
def test_clients_that_never_read_cost_less_than_a_megabyte_each(receive_bytes: int) -> None:
    unreading = 50
    with running_daemon(*PLAY, "--stride", "0.01") as daemon:
        follower = Follower(daemon)
        follower.wait_for(20)
        process = psutil.Process(daemon.process.pid)
        before = process.memory_info().rss
        clients = []
        for _ in range(unreading):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            client.connect(("127.0.0.1", daemon.port))
            client.sendall(HANDSHAKE)
            clients.append(client)
        most = before
        for _ in range(40):
            follower.wait_for(20)
            most = max(most, process.memory_info().rss)
        assert most - before < unreading * 1_000_000
        assert follower.numbers == list(range(len(follower.numbers)))
        if receive_bytes < 10_000:  # clients with small buffers are dropped in time
            while health(daemon)["dropped"]["websocket_clients"] < unreading:
                follower.wait_for(20)
        for client in clients:
            client.close()
        assert daemon.stop() == 0
