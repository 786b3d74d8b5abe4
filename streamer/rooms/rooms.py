"""Follows other daemons, and sends their streams to the pages that ask for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode

from emotiond.streamer.hub import Message
from emotiond.streamer.protocol.checks import MessageError
from emotiond.streamer.protocol.events import encode
from emotiond.streamer.protocol.names import likeness
from emotiond.streamer.protocol.requests import AskRooms
from emotiond.streamer.rooms.followed import Followed
from emotiond.streamer.rooms.link import OPEN_SECONDS, FollowError, linked, reason_of
from emotiond.streamer.rooms.received import parse_event, parse_hello
from emotiond.streamer.rooms.room import STATES, Room
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.prometheus import Metric, metric
from emotiond.streamer.sparing_log import SparingLog

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
"""Between two tries; each pause is twice the one before."""
STEADY_SECONDS = 10.0
"""A connection that lasts as long is one: after it, pauses begin anew."""
MOST_SENSELESS = 10
"""Messages of one connection that make no sense, before it is closed."""
_AGAIN_SECONDS = 1.0  # until what still follows is told again to end; a good-bye takes less
_RETRY_SECONDS = 1.0  # until a listener that is behind is offered the news again
_SPARE_BYTES = 16 * 1024  # for that news, beyond what other daemons' events may fill

_log = SparingLog(logging.getLogger(__name__))


class Rooms:
    """Keeps a connection to each followed daemon. It runs in the event loop.

    What comes goes to the WebSocket clients that have asked for ``rooms``, and nowhere else: not to
    the hub, and so to no other output. A daemon that follows this one does not ask. So nothing goes
    round in a circle, whoever follows whom.

    Args:
        followed: the daemons.
        name: what this daemon is called.
        instance: what tells this daemon from all others.
        own_streams: returns the names of this daemon's public streams.
    """

    def __init__(
        self,
        followed: Sequence[Followed],
        name: str,
        instance: str,
        own_streams: Callable[[], Collection[str]],
    ) -> None:
        self._instance = instance
        self._own_name = name
        self._own_streams = own_streams
        self._rooms: list[Room] = []
        for each in followed:
            self._rooms.append(Room(each, self._unique, self._is_taken))
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: set[Connection] = set()
        self._untold: set[Connection] = set()  # they do not know of the newest state
        self._retry: asyncio.TimerHandle | None = None
        self.handlers: Mapping[type, Callable[[Connection, Any], Any]] = {AskRooms: self._ask}
        """The handler of the request for rooms."""

    def start(self) -> None:
        """Follow from now on."""
        self._tasks = [asyncio.ensure_future(self._follow(room)) for room in self._rooms]

    async def close(self) -> None:
        """Follow no more."""
        if self._retry is not None:
            self._retry.cancel()
        left = {*self._tasks}
        while left:
            for task in left:
                task.cancel()
            # Before Python 3.12, wait_for forgets it if a result comes just then.
            _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)

    def leave(self, client: Connection) -> None:
        """Send no more to a client that has left."""
        self._listeners.discard(client)
        self._untold.discard(client)

    def health(self) -> Mapping[str, Any]:
        """Return the part of ``/healthz``: each followed daemon by its name."""
        return {room.name: room.health() for room in self._rooms}

    def metrics(self) -> Sequence[Metric]:
        """Return the part of ``/metrics``."""
        rooms = self._rooms
        return (
            metric(
                "emotiond_room_state",
                "gauge",
                "1 for the current state of the connection to a followed daemon.",
                *(
                    (float(room.state == state), {"room": room.name, "state": state})
                    for room in rooms
                    for state in STATES
                ),
            ),
            metric(
                "emotiond_room_events_total",
                "counter",
                "Events of followed daemons that were shown.",
                *((float(room.received), {"room": room.name}) for room in rooms),
            ),
            metric(
                "emotiond_room_missed_total",
                "counter",
                "Events of followed daemons that a page which was behind missed.",
                *((float(room.missed), {"room": room.name}) for room in rooms),
            ),
            metric(
                "emotiond_room_losses_total",
                "counter",
                "Lost connections to followed daemons.",
                *((float(room.losses), {"room": room.name}) for room in rooms),
            ),
            metric(
                "emotiond_room_refused_total",
                "counter",
                "What followed daemons sent and was left out.",
                *(
                    (float(count), {"room": room.name, "reason": reason})
                    for room in rooms
                    for reason, count in room.refused.items()
                ),
            ),
        )

    async def _follow(self, room: Room) -> None:
        """Connect again and again, with growing pauses."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._stay_connected(room)
            except (OSError, WebSocketException, asyncio.TimeoutError, MessageError,
                    FollowError) as error:  # fmt: skip
                reason = reason_of(error, room.followed)
            except Exception as error:  # a fault here must not cost this daemon its streams
                reason = f"internal error: {type(error).__name__}"
            is_connected = room.state == "connected"
            if is_connected and time.monotonic() - room.connected_seconds >= STEADY_SECONDS:
                pause_seconds = FIRST_PAUSE_SECONDS
            self._lose(room, reason)
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    async def _stay_connected(self, room: Room) -> None:
        """Take messages until the connection ends.

        Raises:
            Exception: it always ends with one.
        """
        async with linked(room.followed) as connection:
            hello = parse_hello(await asyncio.wait_for(connection.recv(), OPEN_SECONDS))
            self._refuse_same(room, hello.instance)
            messages = room.greet(hello)
            url = room.followed.address.url
            _log.warning(f"{room.name} is followed at {url}")
            if hello.name not in (None, room.name):
                _log.warning(f"{url} is {room.name} here", f": it calls itself {hello.name}")
            self._tell()
            self._send(room, messages)
            senseless = 0
            while True:
                await asyncio.sleep(0)  # recv does not wait for messages that are there
                try:
                    event = parse_event(await connection.recv())
                except MessageError:
                    room.refused["message"] += 1
                    senseless += 1
                    if senseless >= MOST_SENSELESS:
                        raise
                    continue
                if event is None:
                    continue
                streams = room.streams
                messages = room.take(event)
                if room.streams != streams:
                    self._tell()
                self._send(room, messages)

    def _refuse_same(self, room: Room, instance: str) -> None:
        """Refuse this daemon itself, and one that is followed already."""
        if instance and instance == self._instance:
            raise FollowError("that is this daemon itself; leave this --follow out")
        for other in self._rooms:
            is_there = other is not room and other.state == "connected"
            if is_there and instance and other.instance == instance:
                raise FollowError(f"it is followed already, at {other.followed.address.url}")

    def _lose(self, room: Room, reason: str) -> None:
        was_connected, before = room.state == "connected", room.detail
        room.lose(reason)
        if was_connected:
            _log.warning(f"{room.name} is lost: {reason}; trying again")
        elif reason != before:
            url = room.followed.address.url
            _log.warning(f"{url} cannot be followed: {reason}; trying again")
        else:
            return
        self._tell()

    async def _ask(self, client: Connection, _: AskRooms) -> None:
        """Answer a client, which gets all from now on."""
        client.send_text(self._news())
        if client not in self._listeners:
            self._listeners.add(client)
            for room in self._rooms:
                for message in room.last_messages():
                    client.send_text(message.text)
        await client.caught_up()

    def _send(self, room: Room, messages: Sequence[Message]) -> None:
        """Send what another daemon causes. A listener that is behind misses it."""
        for message in messages:
            frame = Frame(Opcode.TEXT, message.content).serialize(mask=False)
            for client in self._listeners:
                room.missed += not client.offer_frame(frame)

    def _tell(self) -> None:
        """Send the states of all rooms to all listeners."""
        self._untold = set(self._listeners)
        if self._retry is not None:
            self._retry.cancel()
        self._tell_rest()

    def _tell_rest(self) -> None:
        self._retry = None
        frame = Frame(Opcode.TEXT, self._news().encode()).serialize(mask=False)
        self._untold = {c for c in self._untold if not c.offer_frame(frame, _SPARE_BYTES)}
        if self._untold:
            self._retry = asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._tell_rest)

    def _news(self) -> str:
        return encode({"type": "rooms", "rooms": [room.about() for room in self._rooms]})

    def _unique(self, of: object, name: str) -> str:
        """Return a name for a room that no other daemon has: numbered where one looks like it."""
        others = [room.name for room in self._rooms if room is not of]
        looks = {likeness(each) for each in (self._own_name, *others)}
        number, unique = 1, name
        while likeness(unique) in looks:
            number += 1
            unique = f"{name[:56]} {number}"
        return unique

    def _is_taken(self, shown: str) -> bool:
        """Return whether a stream of this daemon is called so."""
        wanted = likeness(shown)
        return any("/" in name and likeness(name) == wanted for name in self._own_streams())
