"""Handles requests about the history of uploaded files, which all clients share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from emotiond.exceptions import HistoryError
from emotiond.streamer.protocol.requests import Forget, ListHistory, Recall, RequestError
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.uploads.archive import PART_EVENTS, Archive, EventLog

T = TypeVar("T")

_log = logging.getLogger(__name__)


class History:
    """Answers from the archive without blocking the event loop.

    Args:
        path: the file of the archive; None to keep no history. The log says if it cannot be used.
    """

    def __init__(self, path: Path | None) -> None:
        self._archive = None if path is None else Archive(path)
        if self._archive is not None:
            try:
                self._archive.check()
            except HistoryError as error:
                _log.warning("%s", error)
        # Its own thread: the file has one writer, and all threads of the loop may be busy.
        self._thread = ThreadPoolExecutor(1, "emotiond-history")
        self._followers: set[Connection] = set()
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
        self._followers.discard(client)

    def close(self) -> None:
        """End the thread. Its present work takes a second at most."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _list(self, client: Connection, _: ListHistory) -> None:
        message = await self._message()
        self._followers.add(client)
        client.send_json(message)

    async def _recall(self, client: Connection, recall: Recall) -> None:
        archive = self._open_archive()
        found = await self._ask(archive.result, recall.id)
        if found is None:
            problem = f"there is no file {recall.id} in the history"
            raise RequestError("unknown-file", problem, "Ask for the history again")
        result, total = found
        for first in range(0, max(total, 1), PART_EVENTS):
            events = await self._ask(archive.part, recall.id, first)
            part = {"first": first, "total": total, "events": events}
            client.send_json({"type": "recalled", **result, **part})
            await client.caught_up()

    async def _forget(self, client: Connection, forget: Forget) -> None:
        await self._ask(self._open_archive().forget, forget.ids)
        self._followers.add(client)
        message = await self._message()
        for follower in self._followers:
            follower.send_json(message)

    async def _message(self) -> Mapping[str, Any]:
        results = await self._ask(self._open_archive().results)
        return {"type": "history", "files": results}

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
