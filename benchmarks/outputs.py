"""Measures what an event costs the daemon in each output, with a real listener."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from benchmarks.support.conversation import STRIDE_SECONDS, conversation
from benchmarks.support.daemon import Daemon, running_daemon
from benchmarks.support.harness import Section, spread
from benchmarks.support.programs import free_port, metric_of, program, wait_for_broker

_EVENTS_PER_SECOND = 400
_CHANGE_EVERY = 20  # events
_WARM_SECONDS = 1.0  # before the measurement
_NOBODY = "nobody"
_DELIVERED = '_total{result="delivered"}'

_READER = """
import socket, sys
host, port, head = sys.argv[1:]
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(head.encode())
    print(connection.recv(12).decode(), flush=True)
    while connection.recv(65_536):
        pass
"""
_SUBSCRIBER = """
import sys, zmq
subscriber = zmq.Context().socket(zmq.SUB)
subscriber.subscribe(b"")
subscriber.connect(sys.argv[1])
subscriber.recv_multipart()
print("open", flush=True)
while True:
    subscriber.recv_multipart()
"""
_INLET = """
import sys, pylsl
inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", sys.argv[1], timeout=20)[0])
inlet.open_stream()
print("open", flush=True)
while True:
    inlet.pull_chunk(timeout=1.0)
"""

Way = Callable[[contextlib.ExitStack, Sequence[str]], Daemon]
"""Runs a daemon with these flags and with one listener, until the stack ends."""


class Cost(NamedTuple):
    """Processor time of a daemon in a while."""

    loop_seconds: float
    """Of the thread of the event loop."""
    all_seconds: float
    """Of all threads."""
    seconds: float
    """How long the while was."""
    events: float
    """Their number, or that of those that the output has delivered."""


def measure(quick: bool) -> Section:
    """Play a recorded session to each output in turn.

    Raises:
        RuntimeError: mosquitto is missing, or a listener did not come about.
    """
    rounds, seconds = (1, 3.0) if quick else (5, 6.0)
    costs: dict[str, list[Cost]] = {name: [] for name in _WAYS}
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder) / "session.jsonl"
        _write_session(session, 60 * _EVENTS_PER_SECOND)
        speed = _EVENTS_PER_SECOND * STRIDE_SECONDS
        play = ("--source", f"voice=session:{session}", "--speed", f"{speed:g}", "--history", "off")
        for _ in range(rounds):
            for name, (way, counter) in _WAYS.items():
                with contextlib.ExitStack() as stack:
                    costs[name].append(_cost(way(stack, play), counter, seconds))
    return Section(
        title="Outputs",
        header=["output", "µs of the event loop", "µs of all threads"],
        rows=[_row(name, costs) for name in costs],
        note="Processor time of the daemon for one event, while it plays a recorded session of "
        f"{_EVENTS_PER_SECOND} events a second to one listener that reads everything. *{_NOBODY}*: "
        "to read the session, and to make the JSON; the others say what comes on top. Web hook "
        "and command: for each change that they got. The time of the command is not in it. The "
        "outputs take turns in rounds, each with a new daemon.",
    )


def _write_session(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for event in conversation(count):
            file.write(f"{json.dumps(event)}\n")
            if event["seq"] % _CHANGE_EVERY == 0:
                change = {key: event[key] for key in ("seq", "stream")}
                change |= {"type": "change", "at": event["end"], "from": "calm", "to": "happy"}
                file.write(f"{json.dumps({**change, 'held_seconds': 5.0})}\n")


def _cost(daemon: Daemon, counter: str, seconds: float) -> Cost:
    time.sleep(_WARM_SECONDS)
    before = _now(daemon, counter)
    time.sleep(seconds)
    return Cost(*(after - b for after, b in zip(_now(daemon, counter), before, strict=True)))


def _now(daemon: Daemon, counter: str) -> Cost:
    count = metric_of(daemon, counter)
    threads = psutil.Process(daemon.pid).threads()
    spent = {each.id: float(each.user_time + each.system_time) for each in threads}
    return Cost(spent[daemon.pid], sum(spent.values()), time.monotonic(), count)


def _row(name: str, costs: Mapping[str, Sequence[Cost]]) -> Sequence[str]:
    loop, every = [], []
    for cost, nobody in zip(costs[name], costs[_NOBODY], strict=True):
        share = 0.0 if name == _NOBODY else cost.seconds / nobody.seconds
        loop.append((cost.loop_seconds - share * nobody.loop_seconds) / cost.events * 1e6)
        every.append((cost.all_seconds - share * nobody.all_seconds) / cost.events * 1e6)
    return [name, spread(loop, 0), spread(every, 0)]


def _alone(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    return stack.enter_context(running_daemon(*play))


def _websocket(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    daemon = _alone(stack, play)
    _read(stack, daemon, "/ws", f"Upgrade: websocket\r\nConnection: Upgrade\r\n{key}")
    return daemon


def _server_sent_events(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    daemon = _alone(stack, play)
    _read(stack, daemon, "/events", "")
    return daemon


def _zeromq(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    daemon = _alone(stack, play)
    _listen(stack, "ZeroMQ: the subscriber", _SUBSCRIBER, daemon.zeromq_endpoint)
    return daemon


def _zeromq_latest(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    endpoint = f"tcp://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    daemon = _alone(stack, (*play, "--zmq-latest", endpoint))
    _listen(stack, "ZeroMQ: the subscriber", _SUBSCRIBER, endpoint)
    return daemon


def _mqtt(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    port = free_port(socket.SOCK_STREAM)
    stack.enter_context(program("mosquitto", "-p", str(port)))
    daemon = _alone(stack, (*play, "--mqtt", f"mqtt://127.0.0.1:{port}"))
    wait_for_broker(daemon)
    return daemon


def _osc(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))  # what is not read is thrown away by the kernel
    return _alone(stack, (*play, "--osc", f"127.0.0.1:{receiver.getsockname()[1]}"))


def _lsl(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    daemon = _alone(stack, (*play, "--lsl"))
    _listen(stack, "LSL: the inlet", _INLET, "emotiond/voice")
    return daemon


def _webhook(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hook))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return _alone(stack, (*play, "--webhook", f"http://127.0.0.1:{server.server_port}/"))


def _command(stack: contextlib.ExitStack, play: Sequence[str]) -> Daemon:
    return _alone(stack, (*play, "--on-change", "true"))


class _Hook(http.server.BaseHTTPRequestHandler):
    """A server that takes everything."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _read(stack: contextlib.ExitStack, daemon: Daemon, path: str, headers: str) -> None:
    """Read, in a process of its own, what the daemon sends after a request."""
    place = urlsplit(daemon.page_url)
    head = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\n{headers}\r\n"
    _listen(stack, path, _READER, str(place.hostname), str(place.port), head)


def _listen(stack: contextlib.ExitStack, what: str, code: str, *arguments: str) -> None:
    """Run a listener, and wait until it says that it has begun."""
    process = stack.enter_context(program(sys.executable, "-c", code, *arguments))
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError(f"{what} did not come about")


_EVENTS = "emotiond_events_total"
_WAYS: Mapping[str, tuple[Way, str]] = {
    _NOBODY: (_alone, _EVENTS),
    "WebSocket": (_websocket, _EVENTS),
    "server-sent events": (_server_sent_events, _EVENTS),
    "ZeroMQ": (_zeromq, _EVENTS),
    "ZeroMQ, the latest alone": (_zeromq_latest, _EVENTS),
    "MQTT": (_mqtt, _EVENTS),
    "OSC": (_osc, _EVENTS),
    "LSL": (_lsl, _EVENTS),
    "web hook, a change": (_webhook, f"emotiond_webhook{_DELIVERED}"),
    "command, a change": (_command, f"emotiond_on_change{_DELIVERED}"),
}
"""How a listener comes about, and what counts what it got."""
