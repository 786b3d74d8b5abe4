"""Clients that get a list anew when another client has changed it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from emotiond.streamer.server.connection import Connection

RETRY_SECONDS = 1.0
"""Until those that read slowly are offered the list again."""


class Followers:
    """Offers a changed list to all who follow it. Whoever reads slowly gets only the last one.

    Args:
        renew: makes the list again and calls :meth:`offer`.
    """

    def __init__(self, renew: Callable[[], Awaitable[None]]) -> None:
        self._renew = renew
        self._clients: set[Connection] = set()
        self._due: set[Connection] = set()  # those that have not got the newest list
        self._retry: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Future[None] | None = None

    def add(self, client: Connection) -> None:
        """Have a client follow."""
        self._clients.add(client)

    def leave(self, client: Connection) -> None:
        """Send no more to a client that has left."""
        self._clients.discard(client)
        self._due.discard(client)

    def note_change(self) -> None:
        """Owe the next list to all."""
        self._due |= self._clients

    def offer(self, frame: bytes, served: Collection[Connection]) -> None:
        """Send the newest list to those that it is owed to.

        Args:
            frame: holds the whole message.
            served: clients that got it already.
        """
        self._due = {each for each in self._due.difference(served) if not each.offer_frame(frame)}
        if self._due and self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._renew_soon)

    def close(self) -> None:
        """Offer nothing any more."""
        for later in (self._retry, self._renewing):
            if later is not None:
                later.cancel()

    def _renew_soon(self) -> None:
        self._retry = None
        self._renewing = asyncio.ensure_future(self._renew())
