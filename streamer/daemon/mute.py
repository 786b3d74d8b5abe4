"""Mutes the microphones, which closes their devices and doors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from emotiond.streamer.protocol.requests import Mute, RequestError
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.sources.source import Source


class MuteSwitch:
    """Mutes and unmutes all sources that can be muted, together.

    Args:
        sources: all sources of the daemon.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._switches = [s.switch for s in sources if s.switch is not None]
        self.handlers: Mapping[type, Callable[[Connection, Any], Awaitable[None]]] = {
            Mute: self._mute
        }

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while any device is open, else ``muted`` or ``off``; ``off`` without a device."""
        states = {switch.state for switch in self._switches}
        return "on" if "on" in states else "muted" if "muted" in states else "off"

    def toggle(self) -> None:
        """Mute, or unmute if all are muted. Without a microphone this does nothing."""
        self._set(not all(switch.muted for switch in self._switches))

    async def _mute(self, client: Connection, request: Mute) -> None:
        if not self._switches:
            raise RequestError(
                "no-microphone", "the daemon listens to no microphone", "There is nothing to mute"
            )
        self._set(request.muted)

    def _set(self, muted: bool) -> None:
        for switch in self._switches:
            switch.mute(muted)
