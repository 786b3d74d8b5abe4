"""Mutes the microphones, which closes their devices and doors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from emotiond.streamer.protocol.requests import Mute, RequestError
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.sources.source import EventSource, Source

UNMUTE_PAUSE_SECONDS = 1.0
"""From the last time that a client has muted until a client can unmute."""


class MuteSwitch:
    """Mutes and unmutes all sources that can be muted, together. It runs in the event loop.

    A client mutes at once, but does not open the microphones again within a second: however many
    requests come, all listeners get two statuses a second of each at most.

    Args:
        sources: all sources of the daemon.
    """

    def __init__(self, sources: Sequence[Source | EventSource]) -> None:
        self._switches = [s.switch for s in sources if s.switch is not None]
        self._muted_by_command = False
        self._loop = asyncio.get_running_loop()
        self._may_open_seconds = 0.0  # in the loop's time
        self._opening: asyncio.TimerHandle | None = None
        self.handlers: Mapping[type, Callable[[Connection, Any], Awaitable[None]]] = {
            Mute: self._mute
        }

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while any device is open, else ``muted`` or ``off``; ``off`` without a device."""
        states = {switch.state for switch in self._switches}
        return "on" if "on" in states else "muted" if "muted" in states else "off"

    @property
    def can_be_muted(self) -> bool:
        """Whether there is a source that can be muted."""
        return bool(self._switches)

    def toggle(self) -> None:
        """Mute, or unmute if all are muted, at once. Without a microphone this does nothing."""
        self._set(not self._are_muted, by_command=False)

    def command(self, muted: bool) -> bool:
        """Mute, or lift a mute that such a command has set.

        It is for programs far away: what was muted on the page or the machine stays so. A mute
        holds against what the page has asked for before it.

        Returns:
            Whether it is done, or was so already.
        """
        if self._are_muted == muted and self._opening is None:
            return True
        if not (muted or self._muted_by_command):
            return False
        self._set(muted, by_command=muted)
        return True

    def close(self) -> None:
        """Unmute nothing any more."""
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None

    async def _mute(self, client: Connection, request: Mute) -> None:
        if not self._switches:
            raise RequestError(
                "no-microphone", "the daemon listens to no microphone", "There is nothing to mute"
            )
        now = self._loop.time()
        if request.muted:
            self._may_open_seconds = now + UNMUTE_PAUSE_SECONDS
            self._set(True, by_command=False)
        elif now >= self._may_open_seconds:
            self._set(False, by_command=False)
        elif self._opening is None:
            self._opening = self._loop.call_at(self._may_open_seconds, self._set, False, False)

    @property
    def _are_muted(self) -> bool:
        return all(switch.muted for switch in self._switches)

    def _set(self, muted: bool, by_command: bool) -> None:
        """Let this hold, whatever was asked for before."""
        self.close()
        self._muted_by_command = by_command
        for switch in self._switches:
            if switch.muted != muted:
                switch.mute(muted)
