"""Measures how old the events of a live stream get while clients read a session of ten hours."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.support.conversation import START, conversation
from benchmarks.support.daemon import Daemon, running_daemon
from benchmarks.support.harness import Section
from benchmarks.support.programs import program
from benchmarks.support.stamped_client import StampedClient
from emotiond.streamer.recordings.position import Position, position_to_json

_EVENTS = 144_000
_LIVE = ("--source", "voice=demo", "--model", "lite", "--stride", "0.1", "--history", "off")
_READERS = (0, 1, 3)
_MOST_ABOVE_P50_MS = 2.0

# Reads the session as the page does, again and again, and prints how long each reading took.
_READER = """
import json, sys, time
from websockets.sync.client import connect
with connect(sys.argv[1], max_size=None) as client:
    def ask(**message):
        client.send(json.dumps(message))
        while (answer := json.loads(client.recv()))["type"] != message["type"]:
            pass
        return answer
    session = max(ask(type="sessions")["sessions"], key=lambda each: each["duration"])
    print("there", flush=True)
    while True:
        began, after = time.monotonic(), 0
        while after is not None:
            after = ask(type="session", id=session["id"], after=after)["next"]
            time.sleep(0.005)
        print(time.monotonic() - began, flush=True)
"""


def measure(quick: bool) -> Section:
    """Let nobody, one client and three read, in turns."""
    rounds, seconds = (1, 4.0) if quick else (3, 30.0)
    ages_ms: dict[int, list[float]] = {readers: [] for readers in _READERS}
    took: dict[int, list[float]] = {readers: [] for readers in _READERS}
    for _ in range(rounds):
        for readers in _READERS:
            with _daemon() as daemon, contextlib.ExitStack() as stack:
                client = stack.enter_context(
                    contextlib.closing(StampedClient(daemon.websocket_url))
                )
                command = (sys.executable, "-c", _READER, daemon.websocket_url)
                reading = [stack.enter_context(program(*command)) for _ in range(readers)]
                for each in reading:
                    if each.stdout is None or not each.stdout.readline():
                        raise RuntimeError("a client cannot read the session")
                ages_ms[readers] += [each.age_ms for each in client.arrivals(seconds)]
                for each in reading:
                    each.kill()
                    took[readers] += map(float, each.stdout or ())
    rows = []
    for readers in _READERS:
        p50_ms, p99_ms = np.percentile(ages_ms[readers], [50, 99])
        above_ms = p50_ms - np.percentile(ages_ms[0], 50)
        whole = f"{np.median(took[readers]):.1f}" if took[readers] else "–"
        figures = (f"{p50_ms:.1f}", f"{above_ms:+.1f}", f"{p99_ms:.1f}", whole)
        rows.append([str(readers), str(len(ages_ms[readers])), *figures])
    rows.append(["*target*", "–", "–", f"{_MOST_ABOVE_P50_MS:+g}", "–", "–"])
    return Section(
        title="A live stream beside clients that read a session",
        header=[
            *("clients that read", "events", "age p50, ms", "p50 beside none, ms"),
            *("age p99, ms", "the whole session, s"),
        ],
        rows=rows,
        note=f"`lite`, stride of 0.1 s, the demo, which is recorded meanwhile. The session has "
        f"{_EVENTS:,} events, ten hours, in JSON lines. Each client reads it piece by piece, as "
        "the page does, again and again.",
    )


@contextlib.contextmanager
def _daemon() -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        position = Position("mic", 0.0, 0.0, START, session=f"{1:032x}")
        with (folder / "old.jsonl").open("w", encoding="utf-8") as file:
            for line in (position_to_json(position), *conversation(_EVENTS)):
                file.write(f"{json.dumps(line)}\n")
        with running_daemon(*_LIVE, "--record", str(folder / "now.wav")) as daemon:
            yield daemon
