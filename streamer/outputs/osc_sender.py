"""Sends events by OSC to one address, over UDP."""

from __future__ import annotations

import logging
import socket
import time
from collections import deque
from typing import TYPE_CHECKING

from emotiond.streamer.outputs.osc_messages import datagrams
from emotiond.streamer.outputs.output import About, wait_while
from emotiond.streamer.server.prometheus import metric
from emotiond.streamer.sparing_log import SparingLog

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message

_log = logging.getLogger(__name__)

MOST_WAITING = 100  # datagrams; beyond, the oldest are dropped
PATIENCE_SECONDS = 5.0  # for a network that holds up a lossless stream


class OscSender:
    """Sends each event in a bundle. UDP does not report which datagrams arrive.

    That nobody listens is no failure: a program may start at any time. The system reports it for
    addresses of this machine, and for others that answer.

    Args:
        place: where the datagrams go, for the announcement.
        connection: a connected socket that does not block.
    """

    def __init__(self, place: str, connection: socket.socket) -> None:
        self.failure: str | None = None
        self.dropped = 0
        """Number of datagrams that found no room, or that the system refused."""
        self._sent = 0
        self._unheard = 0  # of those that were dropped
        self._place = place
        self._socket = connection
        self._waiting: deque[bytes] = deque()
        self._faults = SparingLog(_log)

    def send(self, message: Message) -> None:
        """Send an event. What the system has no room for waits for the next one."""
        self._waiting.extend(datagrams(message.event))
        while self._send_waiting() > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1

    async def drained(self, wholly: bool = False) -> None:
        """Wait until half of the queue is free or, if ``wholly``, it is empty; 5 s at most."""
        await self._wait(0 if wholly else MOST_WAITING // 2, PATIENCE_SECONDS)

    def about(self) -> About:
        """Return the address, and how many datagrams were sent and not heard."""
        return About(
            address=f"OSC {self._place}",
            health={"osc": {"sent": self._sent, "unheard": self._unheard}},
            metrics=[
                metric(
                    "emotiond_osc_datagrams_total",
                    "counter",
                    "Datagrams of OSC that were sent, and that nobody listened to.",
                    (self._sent, {"result": "sent"}),
                    (self._unheard, {"result": "unheard"}),
                )
            ],
        )

    async def ready(self) -> None:
        """Return at once: nothing connects."""

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest, if the system takes it in time."""
        await self._wait(0, timeout_seconds)
        self._socket.close()

    async def _wait(self, most_datagrams: int, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        await wait_while(
            lambda: self._send_waiting() > most_datagrams and time.monotonic() < deadline
        )

    def _send_waiting(self) -> int:
        """Send what the system has room for, and return how many datagrams still wait."""
        while self._waiting:
            try:
                self._socket.send(self._waiting[0])
                self._sent += 1
            except BlockingIOError:
                break
            except ConnectionRefusedError:  # nobody listened when the last one came
                self._note_unheard()
                continue
            except OSError as error:  # no way there, for now
                self.dropped += 1
                self._faults.warning(f"OSC cannot be sent to {self._place} ({error.strerror})")
            self._waiting.popleft()
        return len(self._waiting)

    def _note_unheard(self) -> None:
        if self._unheard == 0:
            _log.warning("nobody listens to OSC at %s; events go there all the same", self._place)
        self._sent -= 1
        self._unheard += 1
        self.dropped += 1
