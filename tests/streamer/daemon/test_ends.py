"""However and whenever the daemon is ended: no traceback, no hang, and it can start again."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.conftest import DATA
from tests.support.daemon import COMMAND, DEMO, PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.free_port import free_port

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="needs signals"),
    pytest.mark.usefixtures("hang_ups"),
]

TINY = ("--model", str(DATA / "tiny.tflite"))
SLOW = ("--model", str(DATA / "slow.tflite"), "--stride", "0.1")
PLAY = ("--source", str(DEMO), "--json")

Wait = Callable[[Daemon, ExitStack], None]


def nothing(daemon: Daemon, stack: ExitStack) -> None:
    """It has only just announced its address."""


def inferring(daemon: Daemon, stack: ExitStack) -> None:
    next(event for event in daemon.events() if event["type"] == "emotion")


def overloaded(daemon: Daemon, stack: ExitStack) -> None:
    next(event for event in daemon.events() if event.get("status") == "overload")


def with_clients(daemon: Daemon, stack: ExitStack) -> None:
    """One client reads, one does not, one is not greeted yet, and one sends audio."""
    for _ in range(2):
        stack.enter_context(connect(daemon.websocket_url, max_queue=1, close_timeout=0)).recv()
    half, sender = (connect(daemon.websocket_url, close_timeout=0) for _ in range(2))
    stack.enter_context(half)
    stack.enter_context(sender)
    start = {"type": "start", "purpose": "file", "sample_rate": 16_000, "format": "s16le"}
    sender.send(json.dumps(start))
    sender.send(b"\x01\x02" * 16_000)
    next(text for text in sender if json.loads(text)["type"] == "emotion")


def unread(daemon: Daemon, stack: ExitStack) -> None:
    """Its lines have filled the pipe, which the test does not read."""
    stack.enter_context(connect(daemon.websocket_url)).recv()


STATES: dict[str, tuple[tuple[str, ...], Wait]] = {
    "just opened": ((*PLAY, *TINY), nothing),
    "waiting for clients": ((*PLAY, *TINY, "--wait-clients", "9"), nothing),
    "inferring": ((*PLAY, *TINY), inferring),
    "overloaded": ((*PLAY, *SLOW), overloaded),
    "as fast as it goes": ((*PLAY, *TINY, "--speed", "max"), inferring),
    "with all kinds of clients": ((*PLAY, *TINY), with_clients),
    "held up by its reader": ((*PLAY, *TINY, "--speed", "max"), unread),
    "recording": ((*PLAY, *TINY, "--record", "kept.wav"), inferring),
}


@pytest.fixture(params=STATES, ids=lambda name: name.replace(" ", "-"))
def ended(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Brings a daemon into a state, and ends it with a signal."""
    arguments, wait = STATES[request.param]
    with ExitStack() as stack:

        def end(number: signal.Signals, *more: str) -> Daemon:
            environment = {**os.environ, "XDG_DATA_HOME": "data"}
            daemon = stack.enter_context(
                running_daemon(*arguments, *more, cwd=tmp_path, environment=environment)
            )
            wait(daemon, stack)
            daemon.process.send_signal(number)
            daemon.process.wait(timeout=PATIENCE_SECONDS)
            return daemon

        yield end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_any_state_without_a_complaint(
    ended: Callable[..., Daemon], number: signal.Signals
) -> None:
    daemon = ended(number)
    assert daemon.process.returncode == 0, daemon.stderr
    assert "Traceback" not in daemon.stderr


def test_after_a_kill_in_any_state_the_port_is_free_at_once(ended: Callable[..., Daemon]) -> None:
    same = ("--port", str(free_port()), "--zmq", f"tcp://127.0.0.1:{free_port()}")
    killed = ended(signal.SIGKILL, *same)
    with running_daemon(*PLAY, *TINY, *same) as daemon:
        assert daemon.port == killed.port
        assert daemon.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_it_from_the_first_instant_to_the_last(number: signal.Signals) -> None:
    """The second one comes while it starts, runs, or ends already."""
    for step in range(6):
        with subprocess.Popen(
            [*COMMAND, "run", *PLAY, *TINY, "--port", "0", "--zmq", "off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            deadline = time.monotonic() + PATIENCE_SECONDS
            try:
                while not handles(process.pid, number):  # Python itself has started
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.25 * step)  # wherever in its start this is
                while process.poll() is None:
                    assert time.monotonic() < deadline
                    process.send_signal(number)
                    time.sleep(0.005)
            finally:
                process.kill()
            assert process.returncode == 0
            assert "Traceback" not in process.stderr.read()


needs_a_namespace = pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="needs a namespace of processes"
)


@needs_a_namespace
def test_a_signal_while_it_starts_ends_the_first_process_of_a_container(tmp_path: Path) -> None:
    """The system delivers no signal to such a process that it does not handle."""
    fifo = tmp_path / "settings.toml"
    os.mkfifo(fifo)  # it waits for its settings
    starting = [*COMMAND, "run", "--config", str(fifo)]
    with subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", *starting]) as process:
        try:
            with fifo.open("w"):  # returns when it reads them
                (first,) = children(process.pid)
                deadline = time.monotonic() + PATIENCE_SECONDS
                # One that comes just before the read begins is seen when the read ends.
                while process.poll() is None:
                    assert time.monotonic() < deadline
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(first, signal.SIGTERM)
                    time.sleep(0.05)
                assert process.returncode == 0
        finally:
            process.kill()


@needs_a_namespace
def test_the_first_process_of_a_container_leaves_no_zombie_of_a_child_that_crashed() -> None:
    with running_daemon(
        "--history",
        "off",
        *PLAY,
        *TINY,
        command=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *COMMAND),
    ) as daemon:
        (first,) = children(daemon.process.pid)
        (decoder, *_) = children(first)
        os.kill(decoder, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while decoder in children(first):  # a zombie stays in it
            assert time.monotonic() < deadline
            time.sleep(0.01)
        daemon.error_line("crashed (SIGKILL)")  # the stream has failed
        os.kill(first, signal.SIGTERM)
        assert daemon.process.wait(timeout=PATIENCE_SECONDS) == 1


def children(pid: int) -> list[int]:
    """The processes that one has started, zombies too."""
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal that kills others."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = [line.split()[1] for line in lines if line.startswith("SigCgt")]
    term = 1 << (signal.SIGTERM - 1)
    return bool(int(caught, 16) & term and int(caught, 16) & 1 << (number - 1))


def test_mute_signals_never_end_it() -> None:
    with running_daemon(*PLAY, *TINY) as daemon:
        daemon.process.send_signal(signal.SIGUSR2)
        daemon.process.send_signal(signal.SIGUSR1)
        next(daemon.events())
        assert daemon.stop(signal.SIGHUP) == 0


def test_under_nohup_a_hang_up_does_not_end_it() -> None:
    with running_daemon(*PLAY, *TINY, command=("nohup", *COMMAND)) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        next(daemon.events())
        assert daemon.stop() == 0


CLOCK = """
import time
real = time.time
time.time = lambda: real() + float(open({file!r}).read())
"""


def test_a_clock_that_is_set_back_moves_the_time_of_events_and_nothing_else(
    tmp_path: Path,
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(file=str(offset)))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with running_daemon(*PLAY, *TINY, environment=environment) as daemon:
        emotions = (event for event in daemon.events() if event["type"] == "emotion")
        before = [next(emotions) for _ in range(4)]
        for seconds in (-86_400, 86_400):
            offset.write_text(str(seconds))
            moved = next(e for e in emotions if abs(e["time"] - before[0]["time"] - seconds) < 3600)
            after = [moved, *itertools.islice(emotions, 3)]
            ends = [event["end"] for event in after]
            assert [round(b - a, 2) for a, b in itertools.pairwise(ends)] == [0.25] * 3
            assert all(0 < event["age_ms"] < 10_000 for event in after)
            assert after[-1]["dropped_samples"] == 0
        assert daemon.stop() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_a_model_that_is_exchanged_while_it_is_used_changes_nothing(tiny: Path) -> None:
    with running_daemon(*PLAY, "--model", str(tiny)) as daemon:
        events = daemon.events()
        next(event for event in events if event.get("scores"))
        tiny.write_bytes(b"no model at all")
        tiny.with_suffix(".json").unlink()
        again = [next(event for event in events if event.get("scores")) for _ in range(4)]
        assert all(sum(event["scores"].values()) == pytest.approx(1, abs=1e-3) for event in again)
        with connect(daemon.websocket_url) as client:  # nor for a stream that begins now
            start = {"type": "start", "purpose": "file", "sample_rate": 16_000, "format": "s16le"}
            client.send(json.dumps(start))
            client.send(b"\x01\x02" * 16_000)
            client.send('{"type":"end"}')
            assert next(e for e in map(json.loads, client) if e["type"] == "analysis")
        assert daemon.stop() == 0


def test_a_name_that_hangs_at_the_start_does_not_hold_up_the_end() -> None:
    hanging = """
import socket, sys, threading
found = socket.getaddrinfo
def hang(host, *more, **named):
    if host != "studio.invalid":
        return found(host, *more, **named)
    print("asked", flush=True)
    threading.Event().wait()
socket.getaddrinfo = hang
from emotiond.streamer.cli import main
sys.exit(main())
"""
    command = [sys.executable, "-c", hanging, "run", "--port", "0", "--zmq", "off", *PLAY, *TINY]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    osc = ("--osc", "studio.invalid:9000", "--insecure")
    with subprocess.Popen([*command, *osc], text=True, **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "asked\n"
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=PATIENCE_SECONDS)
            assert (process.returncode, errors.count("\n")) == (0, 1)  # that it goes by OSC
        finally:
            process.kill()
