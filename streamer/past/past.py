"""Keeps the past of each public stream, and sends it piece by piece to the pages that ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from websockets.frames import Frame, Opcode

from emotiond.streamer.hub import Message
from emotiond.streamer.past.kept_stream import KeptStream, columns
from emotiond.streamer.protocol.events import Emotion, Status, encode
from emotiond.streamer.protocol.requests import AskPast, Erase, RequestError
from emotiond.streamer.server.connection import Connection

PIECE_EVENTS = 240
"""Number of events in a piece: some 40 KB, a minute at the usual stride."""

PAUSE_SECONDS = 0.005
"""After each piece and each erasure, for all clients together."""
_SWEEP_SECONDS = 60.0
_SPARE_BYTES = 16 * 1024  # for news of erasures, beyond what other clients' events may fill
_RETRY_SECONDS = 1.0  # until a slow follower is offered the news again


class Past:
    """Keeps what the hub sends, in memory alone. It runs in the event loop.

    The hub has public streams alone, so that the past of a private one is never kept. A client asks
    for each piece when it has the one before: events wait behind one piece at most, on any
    network. However many clients ask, the loop has a pause after each piece and each erasure.

    Args:
        keep_hours: for how long; 0 keeps nothing.
        demos: the names of the daemon's own streams, and whether each plays the demo. Their past is
            kept when they end. That of other streams is not: they are clients' own.
        forget_last: forgets the last event of a stream, which new listeners get, and returns
            whether there was one.
    """

    def __init__(
        self,
        keep_hours: float,
        demos: Mapping[str, bool],
        forget_last: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._hours = keep_hours
        self._demos = demos
        self._streams = {name: self._new() for name in demos}
        self._forget_last = forget_last
        self._followers: set[Connection] = set()
        self._untold: dict[Connection, set[str]] = {}  # streams whose erasure they do not know of
        self._retry: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._sweeping = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
        self.handlers: Mapping[type, Callable[[Connection, Any], Any]] = {
            AskPast: self._send_piece,
            Erase: self._erase,
        }
        """The handlers of requests about the past."""

    def send(self, message: Message) -> None:
        """Keep an event. The stream is known from its first one on, also where nothing is kept."""
        event = message.event
        if (
            event.stream not in self._demos
            and isinstance(event, Status)
            and event.status == "ended"
        ):
            self._streams.pop(event.stream, None)
            return
        kept = self._streams.setdefault(event.stream, self._new())
        if isinstance(event, Emotion) and self._hours > 0:
            kept.add(event, self._loop.time())

    async def drained(self, wholly: bool = False) -> None:
        """Return at once: there is always room."""

    def leave(self, client: Connection) -> None:
        """Send no more news to a client that has left."""
        self._followers.discard(client)
        self._untold.pop(client, None)

    def close(self) -> None:
        """End the sweeps."""
        self._sweeping.cancel()
        if self._retry is not None:
            self._retry.cancel()

    async def _send_piece(self, client: Connection, ask: AskPast) -> None:
        kept = self._kept(ask.stream)
        self._followers.add(client)
        async with self._turn:
            self._tell_first(client, ask.stream)
            rows, has_more = kept.before(ask.before, PIECE_EVENTS, self._loop.time())
            piece = {
                "type": "past",
                "stream": ask.stream,
                "hours": self._hours,
                "before": ask.before,
                "more": has_more,
                "demo": self._demos.get(ask.stream, False),
                "events": columns(rows),
            }
            client.send_json(piece)
            await asyncio.sleep(PAUSE_SECONDS)
        await client.caught_up()

    async def _erase(self, client: Connection, erase: Erase) -> None:
        async with self._turn:
            had_any = self._kept(erase.stream).kept_bytes > 0
            had_any |= self._forget_last(erase.stream)
            self._streams[erase.stream] = self._new()
            self._followers.add(client)
            client.send_json(_erased(erase.stream))
            self._untold.get(client, set()).discard(erase.stream)
            if had_any:
                for follower in self._followers - {client}:
                    self._untold.setdefault(follower, set()).add(erase.stream)
                self._tell()
            await asyncio.sleep(PAUSE_SECONDS)

    def _tell(self) -> None:
        """Offer the news of erasures. A follower that is too slow for it now gets it later."""
        frames = {
            stream: Frame(Opcode.TEXT, encode(_erased(stream)).encode()).serialize(mask=False)
            for stream in set[str]().union(*self._untold.values())
        }
        for client, streams in tuple(self._untold.items()):
            streams.intersection_update(self._streams)  # those of clients may have ended
            told = {s for s in streams if client.offer_frame(frames[s], _SPARE_BYTES)}
            streams.difference_update(told)
            if not streams:
                del self._untold[client]
        if self._untold and self._retry is None:
            self._retry = self._loop.call_later(_RETRY_SECONDS, self._tell_again)

    def _tell_again(self) -> None:
        self._retry = None
        self._tell()

    def _tell_first(self, client: Connection, stream: str) -> None:
        """Tell a client of an erasure before it gets a later piece of that stream."""
        streams = self._untold.get(client, set())
        if stream in streams:
            streams.discard(stream)
            client.send_json(_erased(stream))

    def _kept(self, stream: str) -> KeptStream:
        kept = self._streams.get(stream)
        if kept is None:
            problem = "there is no public stream of this name"
            raise RequestError("unknown-stream", problem, "See 'streams' in the last hello")
        return kept

    def _new(self) -> KeptStream:
        return KeptStream(self._hours * 3600)

    def _sweep(self) -> None:
        """Forget what is too old of streams that send nothing."""
        for kept in self._streams.values():
            kept.forget(self._loop.time())
        self._sweeping = self._loop.call_later(_SWEEP_SECONDS, self._sweep)


def _erased(stream: str) -> Mapping[str, Any]:
    return {"type": "erased", "stream": stream}
