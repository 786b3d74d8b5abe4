"""What a client was sent that others have caused, until it proves that it has read it."""

from __future__ import annotations

_MARK_BYTES = 8


class Unproven:
    """Counts the bytes that a client may not have read yet.

    A ping behind them has a mark of its own. Its answer proves that the client has read what came
    before: that counts all buffers on the way, those of proxies too.

    Args:
        most_bytes: of them; a single message may be larger.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._awaited: tuple[bytes, int] | None = None  # the mark behind so many of these bytes
        self._marks = 0

    def has_room(self, size: int, spare_bytes: int = 0) -> bool:
        """Return whether a message may follow: one of any size if all is proven."""
        return self._bytes == 0 or self._bytes + size <= self._most_bytes + spare_bytes

    def add(self, size: int) -> None:
        """Count a message that is sent."""
        self._bytes += size

    @property
    def wants_proof(self) -> bool:
        """Whether there is so much that a proof should be asked for."""
        return self._bytes > self._most_bytes // 2

    def mark(self) -> bytes | None:
        """Return the mark of a ping to send now; None while another one is awaited."""
        if self._awaited is not None:
            return None
        self._marks += 1
        self._awaited = (self._marks.to_bytes(_MARK_BYTES, "big"), self._bytes)
        return self._awaited[0]

    def prove(self, mark: bytes) -> bool:
        """Take an answer to a ping. Return whether it was the awaited one."""
        if self._awaited is None or mark != self._awaited[0]:
            return False
        self._bytes -= self._awaited[1]
        self._awaited = None
        return True
