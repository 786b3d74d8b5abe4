"""Bounds what subscribers can have libzmq keep, which has no bound of its own."""

from __future__ import annotations

import zmq

MOST_SUBSCRIPTIONS = 2_000
"""Of all subscribers of an endpoint together."""
MOST_TOPIC_BYTES = 32 * 1024
"""Size of all topics together. libzmq takes some 200 bytes for each byte."""


class Subscriptions:
    """The subscriptions of one socket, which has ``XPUB_MANUAL``.

    A client that repeats a subscription counts once. After another one with the same topic has
    left, it may count once more: the count is never too small.
    """

    def __init__(self) -> None:
        self._count = 0
        self._topic_bytes = 0
        self._counts: dict[bytes, int] = {}  # by topic
        self._connections: dict[bytes, set[int]] = {}  # by topic, descriptors of those that have it

    @property
    def are_too_many(self) -> bool:
        """Whether the socket has to be given up."""
        return self._count > MOST_SUBSCRIPTIONS or self._topic_bytes > MOST_TOPIC_BYTES

    def take(self, socket: zmq.SyncSocket) -> bytes | None:
        """Receive one frame of the socket, and do what it says.

        Returns:
            The topic of a new subscription, which holds from now on; None for another frame.

        Raises:
            zmq.Again: there is none.
        """
        frame = socket.recv(zmq.DONTWAIT, copy=False)
        content, connection = frame.bytes, _connection_of(frame)
        kind, topic = content[:1], content[1:]
        if kind == b"\x01" and connection is not None:
            socket.setsockopt(zmq.SUBSCRIBE, topic)
            self._add(topic, connection)
            return topic
        if kind == b"\x00":
            socket.setsockopt(zmq.UNSUBSCRIBE, topic)
            self._remove(topic, connection)
        return None

    def _add(self, topic: bytes, connection: int) -> None:
        if topic not in self._counts:
            self._counts[topic], self._connections[topic] = 0, set()
            self._topic_bytes += len(topic)
        if connection not in self._connections[topic]:
            self._connections[topic].add(connection)
            self._counts[topic] += 1
            self._count += 1

    def _remove(self, topic: bytes, connection: int | None) -> None:
        """Note the end of a subscription, for None that of a connection that has ended."""
        connections = self._connections.get(topic)
        if connections is None:  # a client can end what never was
            return
        if connection is None:
            connections.clear()  # the next one may have the same descriptor
        elif connection in connections:
            connections.remove(connection)
        else:
            return
        self._counts[topic] -= 1
        self._count -= 1
        if not self._counts[topic]:
            del self._counts[topic], self._connections[topic]
            self._topic_bytes -= len(topic)


def _connection_of(frame: zmq.Frame) -> int | None:
    """Return the descriptor of the connection that a frame came from.

    None for a frame of libzmq itself, which reports the subscriptions of a connection as ended when
    it ends.
    """
    try:
        return int(frame.get(zmq.SRCFD))
    except zmq.ZMQError:
        return None
