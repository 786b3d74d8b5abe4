"""How many frames and fragments a client may send."""

from __future__ import annotations

from websockets.frames import DATA_OPCODES, Frame, Opcode

from emotiond.streamer.server.limits import Limits


class FrameQuota:
    """Counts the frames of one client, and says when they are too many.

    Args:
        limits: the limits.
        now: the present, in seconds of a clock that nobody sets.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self.audio_is_paced = False
        """Whether back-pressure paces the client's audio, as that of an uploaded file: then large
        chunks of it do not count, but all text does."""
        self._limits = limits
        self._left = float(limits.frames_at_once)
        self._counted_seconds = now
        self._fragments = 0
        self._is_binary = False  # the message that a frame continues

    def fault_of(self, frame: Frame, now: float) -> str | None:
        """Count a frame. Return what it exceeds, for people; None if it is within the limits."""
        earned = (now - self._counted_seconds) * self._limits.frames_per_second
        self._left = min(self._limits.frames_at_once, self._left + earned)
        self._counted_seconds = now
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_binary = frame.opcode is Opcode.BINARY
        is_paced = self.audio_is_paced and self._is_binary and frame.opcode in DATA_OPCODES
        if not is_paced or len(frame.data) < self._limits.uncounted_bytes:
            self._left -= 1
        if self._left < 0:
            return "too many messages"
        if frame.opcode in DATA_OPCODES:
            self._fragments = 0 if frame.fin else self._fragments + 1
        return "too many fragments" if self._fragments > self._limits.fragments else None
