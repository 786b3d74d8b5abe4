"""Measures how old the events of a live stream get while an output is broken."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from benchmarks.support.daemon import Daemon, running_daemon
from benchmarks.support.harness import Section
from benchmarks.support.programs import free_port, program, wait_for_broker
from benchmarks.support.stamped_client import StampedClient

_STREAM = f"voice-{os.getpid()}"  # LSL's inlets search the whole machine
_SOUND = ("--source", f"{_STREAM}=demo", "--model", "lite", "--stride", "0.1", "--history", "off")
_MOST_ABOVE_P50_MS, _MOST_ABOVE_P99_MS = 0.5, 5.0
_PATIENCE_SECONDS = 20.0
_INLET = f"""
import time, pylsl
found = pylsl.resolve_byprop("name", "emotiond/{_STREAM}", timeout={_PATIENCE_SECONDS})
inlet = pylsl.StreamInlet(found[0])
inlet.open_stream()
print("open", flush=True)
time.sleep(3600)
"""

_SUBSCRIBER = """
import sys, time, zmq
subscriber = zmq.Context().socket(zmq.SUB)
subscriber.setsockopt(zmq.CONFLATE, 1)
subscriber.setsockopt(zmq.RCVBUF, 4096)
subscriber.setsockopt(zmq.SUBSCRIBE, b"")
subscriber.connect(sys.argv[1])
subscriber.recv()
print("open", flush=True)
time.sleep(3600)
"""

Way = Callable[[contextlib.ExitStack], contextlib.AbstractContextManager[Daemon]]
"""Runs a daemon whose output is broken when it is yielded."""


@dataclass(frozen=True)
class _Pair:
    """Ages of all rounds in ms, of daemons that ran at the same time."""

    whole: list[float] = field(default_factory=list)
    broken: list[float] = field(default_factory=list)


def measure(quick: bool) -> Section:
    """Break each output in turn, while a daemon without outputs runs beside it.

    Raises:
        RuntimeError: mosquitto is missing, or an output did not come about.
    """
    rounds, seconds = (1, 4.0) if quick else (3, 30.0)
    pairs = {name: _Pair() for name in _WAYS}
    for _ in range(rounds):
        for name, way in _WAYS.items():
            with contextlib.ExitStack() as stack:
                broken = stack.enter_context(way(stack))
                whole = stack.enter_context(running_daemon(*_SOUND))
                urls = (whole.websocket_url, broken.websocket_url)
                with ThreadPoolExecutor(len(urls)) as threads:
                    of_whole, of_broken = threads.map(_ages_ms, urls, [seconds] * len(urls))
                pairs[name].whole.extend(of_whole)
                pairs[name].broken.extend(of_broken)
    return _section(pairs)


def _ages_ms(url: str, seconds: float) -> list[float]:
    with contextlib.closing(StampedClient(url)) as client:
        return [each.age_ms for each in client.arrivals(seconds)]


def _section(pairs: Mapping[str, _Pair]) -> Section:
    rows = []
    for name, pair in pairs.items():
        p50_ms, p99_ms = np.percentile(pair.broken, [50, 99])
        whole_p50_ms, whole_p99_ms = np.percentile(pair.whole, [50, 99])
        rows.append(
            [
                *(name, str(len(pair.broken))),
                *(f"{p50_ms:.1f}", f"{p50_ms - whole_p50_ms:+.1f}"),
                *(f"{p99_ms:.1f}", f"{p99_ms - whole_p99_ms:+.1f}"),
            ]
        )
    most = (f"{_MOST_ABOVE_P50_MS:+g}", f"{_MOST_ABOVE_P99_MS:+g}")
    rows.append(["*target*", "–", "–", most[0], "–", most[1]])
    return Section(
        title="A live stream beside a broken output",
        header=[
            *("broken output", "events", "age p50, ms", "p50 beside none, ms"),
            *("age p99, ms", "p99 beside none, ms"),
        ],
        rows=rows,
        note="`lite`, stride of 0.1 s, the demo. A daemon without outputs runs at the same time as "
        "the one with a broken output, so that other load on the machine affects both. The outputs "
        "take turns in rounds, each with new daemons. *Age*: from the capture of a window's last "
        "sample to the moment when the kernel has the event for a WebSocket client. Target: the "
        f"median within {_MOST_ABOVE_P50_MS:g} ms, and p99 within {_MOST_ABOVE_P99_MS:g} ms, of "
        "the daemon without outputs. *None* shows what chance alone does.",
    )


@contextlib.contextmanager
def _nothing(_stack: contextlib.ExitStack) -> Iterator[Daemon]:
    with running_daemon(*_SOUND) as daemon:
        yield daemon


@contextlib.contextmanager
def _frozen_broker(stack: contextlib.ExitStack) -> Iterator[Daemon]:
    port = free_port(socket.SOCK_STREAM)
    broker = stack.enter_context(program("mosquitto", "-p", str(port)))
    with running_daemon(*_SOUND, "--mqtt", f"mqtt://127.0.0.1:{port}") as daemon:
        wait_for_broker(daemon)
        broker.send_signal(signal.SIGSTOP)
        yield daemon


@contextlib.contextmanager
def _nobody(_stack: contextlib.ExitStack) -> Iterator[Daemon]:
    port = free_port(socket.SOCK_DGRAM)
    with running_daemon(*_SOUND, "--osc", f"127.0.0.1:{port}") as daemon:
        yield daemon


@contextlib.contextmanager
def _stuck_inlet(stack: contextlib.ExitStack) -> Iterator[Daemon]:
    with running_daemon(*_SOUND, "--lsl") as daemon:
        _freeze_once_open(stack, "LSL: the inlet", "-c", _INLET)
        yield daemon


@contextlib.contextmanager
def _stuck_subscriber(stack: contextlib.ExitStack) -> Iterator[Daemon]:
    endpoint = f"tcp://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    with running_daemon(*_SOUND, "--zmq-latest", endpoint) as daemon:
        _freeze_once_open(stack, "ZeroMQ: the subscriber", "-c", _SUBSCRIBER, endpoint)
        yield daemon


@contextlib.contextmanager
def _unread_events(stack: contextlib.ExitStack) -> Iterator[Daemon]:
    with running_daemon(*_SOUND) as daemon:
        place = urlsplit(daemon.page_url)
        assert place.hostname is not None
        reader = stack.enter_context(socket.socket())
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((place.hostname, place.port))
        reader.sendall(f"GET /events HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        if reader.recv(12) != b"HTTP/1.1 200":
            raise RuntimeError("server-sent events: they did not come about")
        yield daemon


@contextlib.contextmanager
def _silent_server(stack: contextlib.ExitStack) -> Iterator[Daemon]:
    # The kernel accepts for it, and nobody answers.
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    with running_daemon(*_SOUND, "--webhook", url) as daemon:
        yield daemon


@contextlib.contextmanager
def _hanging_command(_stack: contextlib.ExitStack) -> Iterator[Daemon]:
    with running_daemon(*_SOUND, "--on-change", "sleep 3600") as daemon:
        yield daemon


_WAYS: Mapping[str, Way] = {
    "none": _nothing,
    "MQTT: the broker is frozen": _frozen_broker,
    "OSC: nobody listens": _nobody,
    "LSL: an inlet is frozen": _stuck_inlet,
    "ZeroMQ, the latest alone: a subscriber is frozen": _stuck_subscriber,
    "server-sent events: nobody reads them": _unread_events,
    "web hook: the server never answers": _silent_server,
    "command: it never ends": _hanging_command,
}


def _freeze_once_open(stack: contextlib.ExitStack, what: str, *arguments: str) -> None:
    """Run a program of Python, and freeze it when it has printed a line."""
    process = stack.enter_context(program(sys.executable, *arguments))
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError(f"{what} did not come about")
    process.send_signal(signal.SIGSTOP)
