"""What other programs may ask for by MQTT: to mute the microphone, and to lift such a mute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from emotiond.streamer.outputs.output import Microphone
from emotiond.streamer.sparing_log import SparingLog

COMMANDS_AT_ONCE = 10
COMMANDS_PER_SECOND = 1.0

_log = logging.getLogger(__name__)

_MUTED = {b"muted": True, b"on": False}


class Commands:
    """Obeys or refuses commands, and logs each.

    Args:
        microphone: is muted.
        now: returns the time in seconds.
    """

    def __init__(self, microphone: Microphone, now: Callable[[], float] = time.monotonic) -> None:
        self.obeyed = 0
        """Number of commands."""
        self.refused = 0
        """Number of commands."""
        self._microphone = microphone
        self._sparing_log = SparingLog(_log, now)
        self._now = now
        self._allowance = float(COMMANDS_AT_ONCE)
        self._last_seconds = now()

    def take(self, content: bytes, is_kept: bool) -> None:
        """Take a command. One that the broker had kept is from another time, and refused."""
        refusal = self._refusal(content, is_kept)
        if refusal is not None:
            self.refused += 1
            self._sparing_log.warning(f"MQTT: a command is ignored: {refusal}")

    def _refusal(self, content: bytes, is_kept: bool) -> str | None:
        """Obey, or return why not."""
        if is_kept:
            return "the broker has kept it (it was published with 'retain')"
        if not self._is_in_time():
            return f"more than {COMMANDS_AT_ONCE} have come at once"
        muted = _MUTED.get(content)
        if muted is None:
            return "it is neither 'muted' nor 'on'"
        if not self._microphone.command(muted):
            return "the microphone was muted on the page or this machine, which alone can lift that"
        self.obeyed += 1
        _log.warning("MQTT: a command has set the microphone to %s", "muted" if muted else "on")
        return None

    def _is_in_time(self) -> bool:
        now = self._now()
        earned = (now - self._last_seconds) * COMMANDS_PER_SECOND
        self._last_seconds = now
        self._allowance = min(float(COMMANDS_AT_ONCE), self._allowance + earned)
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
