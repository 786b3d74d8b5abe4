"""Mutes the microphone, which closes the device."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from emotiond.streamer.protocol.requests import Mute, RequestError
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.sources.source import Source


class MuteSwitch:
    """Mutes and unmutes the first source that can be muted.

    Args:
        sources: all sources of the daemon.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._switch = next((s.switch for s in sources if s.switch is not None), None)
        self.handlers: Mapping[type, Callable[[Connection, Any], Awaitable[None]]] = {
            Mute: self._mute
        }

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while the device is open, else ``muted`` or ``off``; ``off`` without a device."""
        return "off" if self._switch is None else self._switch.state

    def toggle(self) -> None:
        """Mute or unmute. Without a microphone this does nothing."""
        if self._switch is not None:
            self._switch.mute(not self._switch.muted)

    async def _mute(self, client: Connection, request: Mute) -> None:
        if self._switch is None:
            raise RequestError(
                "no-microphone", "the daemon listens to no microphone", "There is nothing to mute"
            )
        self._switch.mute(request.muted)
