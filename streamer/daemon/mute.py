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
        self._muted_by_command = False
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
        """Mute, or unmute if all are muted. Without a microphone this does nothing."""
        self._set(not self._are_muted, by_command=False)

    def command(self, muted: bool) -> bool:
        """Mute, or lift a mute that such a command has set.

        It is for programs far away: what was muted on the page or the machine stays so.

        Returns:
            Whether it is done, or was so already.
        """
        if self._are_muted == muted:
            return True
        if not (muted or self._muted_by_command):
            return False
        self._set(muted, by_command=muted)
        return True

    async def _mute(self, client: Connection, request: Mute) -> None:
        if not self._switches:
            raise RequestError(
                "no-microphone", "the daemon listens to no microphone", "There is nothing to mute"
            )
        self._set(request.muted, by_command=False)

    @property
    def _are_muted(self) -> bool:
        return all(switch.muted for switch in self._switches)

    def _set(self, muted: bool, by_command: bool) -> None:
        self._muted_by_command = by_command
        for switch in self._switches:
            switch.mute(muted)
