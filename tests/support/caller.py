"""A client that sends requests and audio. It checks both directions against the schemas."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from emotiond.dsp.types import FloatArray
from tests.support.daemon import PATIENCE_SECONDS
from tests.support.schema import check

PIECE_BYTES = 32_768

Object = dict[str, Any]


class Caller:
    """One connection. It keeps all messages that it received."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.received: list[Object] = []
        """All messages so far."""
        self.hello = self.next()

    def say(self, kind: str, **fields: object) -> None:
        """Send a text message."""
        message = {"type": kind, **fields}
        check("client", message)
        self.connection.send(json.dumps(message))

    def start(self, **fields: object) -> str:
        """Start a stream; returns its name."""
        values: Object = {"purpose": "file", "sample_rate": 16_000, "format": "s16le"}
        self.say("start", **(values | fields))
        return str(self.until("started")["stream"])

    def send(self, samples: bytes) -> None:
        """Send sound in pieces."""
        for first in range(0, len(samples), PIECE_BYTES):
            self.connection.send(samples[first : first + PIECE_BYTES])

    def next(self) -> Object:
        """The next message."""
        message: Object = json.loads(self.connection.recv(timeout=PATIENCE_SECONDS))
        check("daemon", message)
        self.received.append(message)
        return message

    def until(self, kind: str, **fields: object) -> Object:
        """Wait for a message of a type, with these values."""
        expected = {"type": kind, **fields}
        while (message := self.next()) | expected != message:
            pass
        return message

    def events(self, stream: str) -> Sequence[Object]:
        """All events of a stream so far."""
        return [
            message
            for message in self.received
            if message.get("stream") == stream and "seq" in message
        ]

    def analysis(self, samples: bytes, **fields: object) -> Object:
        """Send a file and return its analysis."""
        self.start(**fields)
        self.send(samples)
        self.say("end")
        return self.until("analysis")


@contextlib.contextmanager
def calling(url: str) -> Iterator[Caller]:
    """Connect and wait for ``hello``."""
    with connect(url, compression=None) as connection:
        yield Caller(connection)


def pcm(samples: FloatArray) -> bytes:
    """Encode samples as 16-bit integers."""
    return np.round(samples * 32767).astype("<i2").tobytes()


def listed(caller: Caller) -> list[Object]:
    """Return the files of the history, the newest first."""
    caller.say("history")
    files = caller.until("history")["files"]
    assert isinstance(files, list)
    return files


def recalled(caller: Caller, number: int) -> tuple[Object, list[Object]]:
    """Return the result of a file and its events, joined from all parts."""
    caller.say("recall", id=number)
    events: list[Object] = []
    while True:
        part = caller.until("recalled", id=number)
        assert part.pop("first") == len(events)
        events += part.pop("events")
        if len(events) == part.pop("total"):
            return part, events
