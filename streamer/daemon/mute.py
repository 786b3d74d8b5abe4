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
        self._muted_by_command = False
        self.handlers: Mapping[type, Callable[[Connection, Any], Awaitable[None]]] = {
            Mute: self._mute
        }

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while the device is open, else ``muted`` or ``off``; ``off`` without a device."""
        return "off" if self._switch is None else self._switch.state

    @property
    def can_be_muted(self) -> bool:
        """Whether there is a source that can be muted."""
        return self._switch is not None

    def toggle(self) -> None:
        """Mute or unmute. Without a microphone this does nothing."""
        if self._switch is not None:
            self._mute_here(not self._switch.muted)

    def command(self, muted: bool) -> bool:
        """Mute, or lift a mute that such a command has set.

        It is for programs far away: what was muted on the page or the machine stays so.

        Returns:
            Whether it is done, or was so already.
        """
        if self._switch is None:
            return False
        if self._switch.muted == muted:
            return True
        if not (muted or self._muted_by_command):
            return False
        self._muted_by_command = muted
        self._switch.mute(muted)
        return True

    def _mute_here(self, muted: bool) -> None:
        assert self._switch is not None
        self._muted_by_command = False
        self._switch.mute(muted)

    async def _mute(self, client: Connection, request: Mute) -> None:
        if self._switch is None:
            raise RequestError(
                "no-microphone", "the daemon listens to no microphone", "There is nothing to mute"
            )
        self._mute_here(request.muted)
