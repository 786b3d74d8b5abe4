"""Handles requests about the history of uploaded files, which all clients share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from websockets.frames import Frame, Opcode

from emotiond.exceptions import HistoryError
from emotiond.streamer.protocol.events import encode
from emotiond.streamer.protocol.requests import Forget, ListHistory, Recall, RequestError
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.followers import Followers
from emotiond.streamer.uploads.archive import PART_EVENTS, Archive, EventLog

T = TypeVar("T")

PAUSE_SECONDS = 0.05
"""From one removal or reading of the list to the next, for all clients together."""
RECALL_PAUSE_SECONDS = 0.005
"""From one piece of a file's events to the next, for all clients together."""
PIECE_EVENTS = 50
"""Number of events in a message: some 40 KB. A part of the archive has several of these."""

_log = logging.getLogger(__name__)


class History:
    """Answers from the archive without blocking the event loop.

    Args:
        archive: None to keep no history. The log says if it cannot be used.
    """

    def __init__(self, archive: Archive | None) -> None:
        self._archive = archive
        if self._archive is not None:
            try:
                self._archive.check()
            except HistoryError as error:
                _log.warning("%s", error)
        # Its own thread: one at a time uses the archive, and all threads of the loop may be busy.
        self._thread = ThreadPoolExecutor(1, "emotiond-history")
        self._followers = Followers(self._renew)
        self._asking: set[Connection] = set()  # they wait for the list
        self._unwanted: dict[Connection, Sequence[int]] = {}  # files that some of these remove
        self._turn = asyncio.Lock()
        self._recall_turn = asyncio.Lock()
        self.handlers: Mapping[type, Callable[[Connection, Any], Any]] = {
            ListHistory: self._list,
            Recall: self._recall,
            Forget: self._forget,
        }
        """The handlers of requests about the history."""

    @property
    def is_kept(self) -> bool:
        """Whether a history is kept."""
        return self._archive is not None

    async def add(self, result: Mapping[str, Any], log: EventLog) -> int:
        """Add a result. Returns its number.

        Raises:
            HistoryError: the result cannot be stored.
        """
        assert self._archive is not None
        return await self._in_thread(self._archive.add, result, log)

    def leave(self, client: Connection) -> None:
        """Send no more updates to a client that has left."""
        self._followers.leave(client)
        self._asking.discard(client)

    def close(self) -> None:
        """End the thread. Its present work takes a second at most, with a database three."""
        self._followers.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _list(self, client: Connection, _: ListHistory) -> None:
        self._followers.add(client)
        await self._answer(client)

    async def _recall(self, client: Connection, recall: Recall) -> None:
        archive = self._open_archive()
        found = await self._ask(archive.result, recall.id)
        if found is None:
            raise _unknown(recall.id)
        result, total = found
        for first in range(0, max(total, 1), PIECE_EVENTS):
            start = first % PART_EVENTS
            async with self._recall_turn:
                part = await self._ask(archive.part, recall.id, first - start)
                if total and not part:  # another client has removed the file meanwhile
                    raise _unknown(recall.id)
                piece = part[start : start + PIECE_EVENTS]
                about = {"first": first, "total": total, "events": piece}
                client.send_json({"type": "recalled", **result, **about})
                await asyncio.sleep(RECALL_PAUSE_SECONDS)
            await client.has_read()

    async def _forget(self, client: Connection, forget: Forget) -> None:
        self._open_archive()
        self._unwanted[client] = forget.ids
        self._followers.add(client)
        await self._answer(client)

    async def _answer(self, client: Connection) -> None:
        """Send the list to a client. One turn serves all that ask or remove files meanwhile."""
        self._asking.add(client)
        async with self._turn:
            # Else an earlier turn has answered, with all that is new. One that has left is answered
            # no more, but what it removes goes.
            if client in self._asking or client in self._unwanted:
                try:
                    await self._take_turn()
                except RequestError:
                    self._asking.discard(client)
                    self._unwanted.pop(client, None)
                    raise

    async def _take_turn(self) -> None:
        """Remove what is unwanted. Send the list, encoded once, to all that asked or are due."""
        archive, asking, unwanted = self._open_archive(), self._asking, self._unwanted
        self._asking, self._unwanted = set(), {}
        try:
            numbers = set[int]().union(*unwanted.values())
            removed = await self._ask(archive.forget, numbers) if numbers else False
            if removed:
                self._followers.note_change()
            results = await self._ask(archive.results)
        except RequestError:
            self._asking |= asking  # each asks again, and gets the error itself
            self._unwanted = {**unwanted, **self._unwanted}
            raise
        content = encode({"type": "history", "files": results}).encode()
        frame = Frame(Opcode.TEXT, content).serialize(mask=False)
        for client in asking:
            client.send_frame(frame)
        self._followers.offer(frame, served=asking)
        await asyncio.sleep(PAUSE_SECONDS)

    async def _renew(self) -> None:
        """Offer the list again to the followers that were too slow for it."""
        async with self._turn:
            with contextlib.suppress(RequestError):  # the next change tries again
                await self._take_turn()

    def _open_archive(self) -> Archive:
        if self._archive is None:
            problem = "this daemon keeps no history"
            raise RequestError("history-off", problem, "Start it without --history off")
        return self._archive

    async def _ask(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return await self._in_thread(function, *arguments)
        except HistoryError as error:
            raise RequestError("history-failed", error.problem, error.remedy) from None

    async def _in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, function, *arguments)


def _unknown(number: int) -> RequestError:
    problem = f"there is no file {number} in the history"
    return RequestError("unknown-file", problem, "Ask for the history again")
