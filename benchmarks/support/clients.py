"""Clients that record each ``emotion`` event and the time of its arrival."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import zmq
from websockets.sync.client import connect


@dataclass(frozen=True)
class Arrival:
    """An ``emotion`` event at a client."""

    unix_seconds: float
    event: dict[str, Any]

    @property
    def age_ms(self) -> float:
        """Time from the capture of the window's last sample to the arrival."""
        return (self.unix_seconds - float(self.event["time"])) * 1000


def receive_websocket(url: str, seconds: float) -> list[Arrival]:
    """Receive for this long. The event of the greeting is left out."""
    arrivals: list[Arrival] = []
    deadline = time.monotonic() + seconds
    with connect(url, compression=None) as client:
        while (left := deadline - time.monotonic()) > 0:
            try:
                text = client.recv(timeout=left)
            except TimeoutError:
                break
            _record(arrivals, text)
    return arrivals[1:]


class ZeroMQSubscriber:
    """Receives the events of a daemon in a thread of its own."""

    def __init__(self, endpoint: str) -> None:
        self.arrivals: list[Arrival] = []
        self._endpoint = endpoint
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[Arrival]:
        """Stop, and return the events without that of the greeting."""
        self._stop.set()
        self._thread.join()
        return self.arrivals[1:]

    def _run(self) -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.subscribe(b"emotion")
            socket.connect(self._endpoint)
            while not self._stop.is_set():
                if socket.poll(100):
                    _, text = socket.recv_multipart()
                    _record(self.arrivals, text)


def _record(arrivals: list[Arrival], text: str | bytes) -> None:
    now = time.time()
    event = json.loads(text)
    if event["type"] == "emotion":
        arrivals.append(Arrival(now, event))
