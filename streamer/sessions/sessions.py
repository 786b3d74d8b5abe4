"""Lists recorded sessions, sends their events piece by piece, and deletes them for clients."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from websockets.frames import Frame, Opcode

from emotiond.exceptions import RecordError, printable
from emotiond.streamer.protocol.checks import MessageError
from emotiond.streamer.protocol.events import encode
from emotiond.streamer.protocol.requests import (
    LONGEST_NAME,
    AskSession,
    DeleteSessions,
    ListSessions,
    RequestError,
)
from emotiond.streamer.recordings.catalog import Catalog, Entry
from emotiond.streamer.recordings.pieces import read_piece
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.followers import Followers
from emotiond.streamer.server.prometheus import Metric, metric

T = TypeVar("T")

MOST_SESSIONS = 500
"""Number of sessions that a list names, the newest ones."""
PIECE_EVENTS = 480
"""Number of events in a message: some 80 KB, two minutes at the usual stride."""
LIST_PAUSE_SECONDS = 0.05
"""Before one list or deletion is answered, for all clients together; or as long as it took."""
PAUSE_SECONDS = 0.005
"""Before one piece is sent, for all clients together; or as long as its reading took."""

_log = logging.getLogger(__name__)


class Sessions:
    """Answers from the recordings without blocking the event loop.

    A session is one file of a recording with what lies beside it. Clients know it by its id: no
    path leaves the daemon, and none is made of what a client sends.

    Args:
        catalog: what there is; None if nothing is recorded.
    """

    def __init__(self, catalog: Catalog | None) -> None:
        self._catalog = catalog
        # Its own thread: one at a time uses the catalog, and a large folder holds up nothing else.
        self._thread = ThreadPoolExecutor(1, "emotiond-sessions")
        self._asking: set[Connection] = set()  # they wait for the list
        self._followers = Followers(self._renew)
        self._list_turn = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._deleted_files = 0
        self._deleted_bytes = 0
        self.handlers: Mapping[type, Callable[[Connection, Any], Any]] = {
            ListSessions: self._list,
            AskSession: self._send_piece,
            DeleteSessions: self._delete,
        }
        """The handlers of requests about sessions."""

    def leave(self, client: Connection) -> None:
        """Make no list for a client that has left."""
        self._asking.discard(client)
        self._followers.leave(client)

    def close(self) -> None:
        """End the thread. Its present work ends by itself."""
        self._followers.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def metrics(self) -> Sequence[Metric]:
        """Return what clients have deleted."""
        return [
            metric(
                "emotiond_session_deleted_files_total",
                "counter",
                "Files of recorded sessions that clients have deleted.",
                (self._deleted_files, {}),
            ),
            metric(
                "emotiond_session_deleted_bytes_total",
                "counter",
                "Their size.",
                (self._deleted_bytes, {}),
            ),
        ]

    async def _list(self, client: Connection, _: ListSessions) -> None:
        """Send the list. One turn serves all that ask meanwhile."""
        catalog = self._open_catalog()
        self._asking.add(client)
        self._followers.add(client)
        async with self._list_turn:
            if client in self._asking:  # else an earlier turn has answered, with all that is new
                await self._send_list(catalog)

    async def _delete(self, client: Connection, request: DeleteSessions) -> None:
        """Delete what can be deleted, send the list, and say what could not."""
        catalog = self._open_catalog()
        self._followers.add(client)
        async with self._list_turn:
            before = self._deleted_files
            problem = await self._done(0.0, self._delete_all, catalog, request.ids)
            if self._deleted_files != before:
                self._followers.note_change()
            self._asking.add(client)
            await self._send_list(catalog)
        if problem is not None:
            raise RequestError("session-failed", problem.problem, problem.remedy)

    async def _send_list(self, catalog: Catalog) -> None:
        """Send the list to all that asked or, after a deletion, follow."""
        asking, self._asking = self._asking, set()
        frame = await self._done(LIST_PAUSE_SECONDS, _list_frame, catalog)
        for each in asking:
            each.send_frame(frame)
        self._followers.offer(frame, served=asking)

    async def _renew(self) -> None:
        async with self._list_turn:
            await self._send_list(self._open_catalog())

    async def _send_piece(self, client: Connection, ask: AskSession) -> None:
        catalog = self._open_catalog()
        async with self._turn:
            client.send_text(await self._done(PAUSE_SECONDS, _piece, catalog, ask))
        await client.caught_up()

    async def _done(self, pause_seconds: float, function: Callable[..., T], *arguments: Any) -> T:
        """Have something done in the thread, and then leave as much time to the rest."""
        loop = asyncio.get_running_loop()
        result, took_seconds = await loop.run_in_executor(
            self._thread, _timed, function, *arguments
        )
        await asyncio.sleep(max(pause_seconds, took_seconds))
        return result

    def _delete_all(self, catalog: Catalog, ids: Sequence[str]) -> RecordError | None:
        """Delete sessions. Returns the first problem. It runs in the thread."""
        problem: RecordError | None = None
        for entry in filter(None, map(catalog.find, dict.fromkeys(ids))):
            try:
                files, size = catalog.delete(entry)
            except RecordError as error:
                problem = problem or error
                continue
            self._deleted_files += files
            self._deleted_bytes += size
            _log.warning("a client has deleted the recording %s", printable(entry.path.stem))
        return problem

    def _open_catalog(self) -> Catalog:
        if self._catalog is None:
            problem = "this daemon records nothing"
            raise RequestError("sessions-off", problem, "Start it with --record FILE.wav")
        return self._catalog


def _timed(function: Callable[..., T], *arguments: Any) -> tuple[T, float]:
    """Return what a function returns, and the seconds of processor time that it took."""
    begin_seconds = time.thread_time()
    result = function(*arguments)
    return result, time.thread_time() - begin_seconds


def _list_frame(catalog: Catalog) -> bytes:
    """Return the list, framed for all who ask."""
    entries = catalog.entries()
    about = {
        "type": "sessions",
        "count": len(entries),
        "bytes": sum(entry.size_bytes for entry in entries),
        "sessions": [_described(entry) for entry in entries[:MOST_SESSIONS]],
    }
    return Frame(Opcode.TEXT, encode(about).encode()).serialize(mask=False)


def _described(entry: Entry) -> Mapping[str, Any]:
    position = entry.position
    return {
        "id": entry.id,
        "name": entry.path.stem[:LONGEST_NAME],
        "stream": position.stream,
        "part": position.part,
        "time": round(position.time, 4),
        "begin": round(position.stream_seconds, 4),
        "duration": round(entry.end_seconds - position.stream_seconds, 4),
        "bytes": entry.size_bytes,
        "recording": entry.is_written,
    }


def _piece(catalog: Catalog, ask: AskSession) -> str:
    """Return a piece as JSON.

    Raises:
        RequestError: there is no such session, or it cannot be read.
    """
    entry = catalog.find(ask.id)
    if entry is None:
        problem = "there is no such recording any more"
        raise RequestError("unknown-session", problem, "Ask for the sessions again")
    try:
        piece = read_piece(entry.events_path, entry.position.stream, ask.after, PIECE_EVENTS)
    except (OSError, MessageError) as error:
        reason = getattr(error, "strerror", None) or error
        problem = f"{printable(entry.path.stem)} cannot be read ({reason})"
        raise RequestError(
            "session-failed", problem, "Look at its files with other tools"
        ) from None
    return encode(
        {
            "type": "session",
            "id": entry.id,
            "after": ask.after,
            "next": piece.after,
            "demo": piece.is_demo,
            "events": piece.columns,
        }
    )
