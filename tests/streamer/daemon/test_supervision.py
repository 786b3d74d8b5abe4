"""What the daemon tells systemd. The socket of the tests stands for the manager."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from emotiond.streamer.daemon.supervision import Supervisor, state_line
from tests.support.daemon import running_daemon

PATIENCE_SECONDS = 20


class Manager:
    """A socket that receives what a service tells."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(PATIENCE_SECONDS)

    def next(self) -> Mapping[str, str]:
        """The assignments of the next message."""
        lines = self._socket.recv(65_536).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def until(self, name: str) -> str:
        """The next value of a variable."""
        while True:
            if (value := self.next().get(name)) is not None:
                return value

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with contextlib.closing(Manager(str(tmp_path / "notify"))) as manager:
        yield manager


@pytest.fixture
def notify(tmp_path: Path, manager: Manager) -> str:
    return str(tmp_path / "notify")


def test_without_a_manager_nothing_is_sent_and_nothing_watched() -> None:
    supervisor = Supervisor({})
    supervisor.tell("READY=1")
    asyncio.run(supervisor.watch(lambda: pytest.fail("no state is asked for")))


@pytest.mark.parametrize("abstract", [False, True])
def test_a_message_reaches_the_manager(abstract: bool, tmp_path: Path) -> None:
    name = f"emotiond-test-{tmp_path.name}"
    bound = f"\0{name}" if abstract else str(tmp_path / "s")
    with contextlib.closing(Manager(bound)) as manager:
        Supervisor({"NOTIFY_SOCKET": f"@{name}" if abstract else bound}).tell("READY=1", "STATUS=x")
        assert manager.next() == {"READY": "1", "STATUS": "x"}


def test_a_manager_that_has_gone_is_no_error(tmp_path: Path) -> None:
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")


def watched(environment: Mapping[str, str], states: Any, manager: Manager, count: int) -> list[Any]:
    async def run() -> list[Any]:
        watching = asyncio.ensure_future(Supervisor(environment).watch(states))
        messages = [await asyncio.to_thread(manager.next) for _ in range(count)]
        watching.cancel()
        return messages

    return asyncio.run(run())


def test_a_watchdog_hears_within_half_of_its_limit(notify: str, manager: Manager) -> None:
    environment = {"NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "200000"}
    began = asyncio.new_event_loop().time()
    messages = watched(environment, lambda: "fine", manager, 6)
    assert asyncio.new_event_loop().time() - began < 0.2 * 6
    assert messages == [{"STATUS": "fine", "WATCHDOG": "1"}, *[{"WATCHDOG": "1"}] * 5]


@pytest.mark.parametrize("limit", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}])
def test_without_a_watchdog_each_new_state_is_told_once(
    limit: Mapping[str, str], notify: str, manager: Manager
) -> None:
    states = iter(["one", "one", "two"])
    messages = watched({"NOTIFY_SOCKET": notify, **limit}, lambda: next(states, "two"), manager, 2)
    assert messages == [{"STATUS": "one"}, {"STATUS": "two"}]


@pytest.mark.parametrize(
    ("health", "line"),
    [
        ({"failures": [], "microphone": "on"}, "listening to mic, radio"),
        ({"failures": [], "microphone": "muted"}, "muted"),
        ({"failures": ["no sound", "a\nb"], "microphone": "on"}, "no sound; a b"),
    ],
)
def test_a_state_is_one_line(health: dict[str, Any], line: str) -> None:
    assert state_line({"streams": {"mic": {}, "radio": {}}, **health}) == line


def test_the_daemon_tells_that_it_is_ready_how_it_is_and_that_it_ends(
    notify: str, manager: Manager
) -> None:
    environment = {**os.environ, "NOTIFY_SOCKET": notify, "WATCHDOG_USEC": "20000000"}
    with running_daemon("--source", "radio=demo", environment=environment) as daemon:
        told: dict[str, str] = {}
        while "READY" not in told or told.get("STATUS") != "listening to radio":
            told.update(manager.next())
        assert manager.until("WATCHDOG") == "1"
        assert daemon.stop() == 0
        assert manager.until("STOPPING") == "1"


def test_a_missing_microphone_is_a_state_and_no_failure(notify: str, manager: Manager) -> None:
    environment = {**os.environ, "NOTIFY_SOCKET": notify, "PULSE_SERVER": "unix:/nowhere"}
    with running_daemon(
        "--source", "mic", "--device", "no such", environment=environment
    ) as daemon:
        told: dict[str, str] = {}
        while "READY" not in told or "microphone" not in told.get("STATUS", ""):
            told.update(manager.next())
        assert daemon.process.poll() is None
