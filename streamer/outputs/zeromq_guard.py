"""Disconnects ZeroMQ subscribers that are too many or send too much, one by one.

libzmq applies subscriptions in the thread that uses the socket, without a bound: a subscriber that
sends them faster than libzmq applies them keeps that thread in libzmq, and takes more and more
memory. It keeps any number of connections, too. So another thread looks at them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass

import zmq
from zmq.utils.monitor import parse_monitor_message

from emotiond.streamer.outputs.zeromq_gate import Gate
from emotiond.streamer.server.occupancy import Occupancy, Seat, client_address
from emotiond.streamer.sparing_log import SparingLog

SENT_BYTES = 2 * 1024
"""What a subscriber may send at once; some 100 subscriptions."""
SENT_BYTES_PER_SECOND = 1024
"""What it may send on top, for answers to heartbeats."""

_LOOK_MS = 20
MOST_AT_A_LOOK = 50
"""Connections, in turns. However many there are, looking at them takes 2 % of a core at most."""
# Of Linux: the bytes received since the connection was accepted, see linux/tcp.h.
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_RECEIVED = struct.Struct("128xQ")


@dataclass(frozen=True)
class _Connection:
    """A connection of libzmq. It has a descriptor of its own, so that no other one is cut."""

    descriptor: int
    """That of libzmq."""
    socket: socket.socket
    seat: Seat
    accepted_seconds: float

    @property
    def is_open(self) -> bool:
        """Whether libzmq still has it."""
        try:
            return os.path.sameopenfile(self.descriptor, self.socket.fileno())
        except OSError:
            return False

    @property
    def sends_too_much(self) -> bool:
        seconds = time.monotonic() - self.accepted_seconds
        info = self.socket.getsockopt(socket.IPPROTO_TCP, _TCP_INFO or 0, _RECEIVED.size)
        (received,) = _RECEIVED.unpack(info)
        return bool(received > SENT_BYTES + SENT_BYTES_PER_SECOND * seconds)

    def cut(self) -> None:
        with contextlib.suppress(OSError):  # it has ended by itself
            self.socket.shutdown(socket.SHUT_RDWR)


class Guard:
    """A thread that looks at the connections of one socket. Only Linux says what they receive.

    Those that are there stay: one beyond the limit is disconnected before it can subscribe.

    Args:
        guarded: the socket, which is bound. It belongs to the thread that makes the guard.
        endpoint: where it is bound.
        occupancy: counts the connections, and decides which may come.
        log: gets a line when a subscriber is disconnected.
    """

    def __init__(
        self, guarded: zmq.SyncSocket, endpoint: str, occupancy: Occupancy, log: SparingLog
    ) -> None:
        self._thread: threading.Thread | None = None
        if _TCP_INFO is None or not endpoint.startswith("tcp://"):
            return
        self._guarded = guarded
        self._port = int(endpoint.rpartition(":")[2])
        self._occupancy = occupancy
        self._log = log
        self._endpoint = endpoint
        self._monitor = guarded.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_MONITOR_STOPPED)
        self._connections: deque[_Connection] = deque()
        self._gate = Gate(endpoint)
        self._thread = threading.Thread(target=self._run, name="emotiond-zeromq", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, before the socket is closed."""
        if self._thread is not None:
            self._guarded.monitor(None, 0)
            self._thread.join()
            self._guarded.disable_monitor()
            self._gate.close()

    def _run(self) -> None:
        while True:
            timeout_ms = _LOOK_MS if self._connections or self._gate.is_shut else None
            while self._monitor.poll(timeout_ms):
                event = parse_monitor_message(self._monitor.recv_multipart())
                if event["event"] == zmq.EVENT_MONITOR_STOPPED:
                    for each in self._connections:
                        self._release(each)
                    return
                self._gate.note_connection()
                self._adopt(event["value"])
                timeout_ms = 0
            if self._gate.is_shut:
                self._log.warning(
                    f"ZeroMQ subscribers at {self._endpoint} connect too often: new ones wait"
                )
            self._gate.look()
            self._look()

    def _adopt(self, descriptor: int) -> None:
        """Look at a connection from now on, unless it has ended already."""
        try:
            own = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            return
        try:
            peer, reached = own.getpeername(), own.getsockname()
        except OSError:
            own.close()
            return
        if own.family not in (socket.AF_INET, socket.AF_INET6) or reached[1] != self._port:
            own.close()  # the descriptor stands for something else by now
            return
        seat = Seat(client_address(peer[0], reached[0]), lambda: None)
        new = _Connection(descriptor, own, seat, time.monotonic())
        if not self._has_room(seat.address):
            new.cut()
            own.close()
            self._log.warning(
                f"too many ZeroMQ connections at {self._endpoint}: new ones are disconnected"
            )
            return
        self._occupancy.enter(own.fileno(), seat)
        self._connections.append(new)

    def _has_room(self, address: str | None) -> bool:
        for _ in range(len(self._connections)):  # some may have ended
            each = self._connections.popleft()
            if each.is_open:
                self._connections.append(each)
            else:
                self._release(each)
        return self._occupancy.has_room(address)

    def _release(self, connection: _Connection) -> None:
        self._occupancy.leave(connection.socket.fileno(), connection.seat)
        connection.socket.close()

    def _look(self) -> None:
        """Look at the next connections. Those that stay are the last to be looked at again."""
        for _ in range(min(MOST_AT_A_LOOK, len(self._connections))):
            each = self._connections.popleft()
            if not each.is_open:
                self._release(each)
            elif each.sends_too_much:
                each.cut()
                self._release(each)
                self._log.warning(
                    f"a ZeroMQ subscriber at {self._endpoint} sends too much: it is disconnected"
                )
            else:
                self._connections.append(each)
