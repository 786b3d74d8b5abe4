"""The bytes of a stream as they come, and the links of a chained Ogg stream."""

from __future__ import annotations

from collections.abc import Callable

_MOST_READ = 2**15
_PAGE_HEAD_BYTES = 27
_FLAGS, _SEGMENTS = 5, 26
_BEGINS = 2  # the flag of a page that begins a logical stream
_CAPTURE = b"OggS"


class StreamInput:
    """A file without an end that can be seen a little ahead.

    Args:
        read: returns what is there, up to so many bytes; nothing at the end.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._ahead = b""

    def peek(self, count: int) -> bytes:
        """Return the next bytes, fewer at the end, and leave them there."""
        while len(self._ahead) < count and (new := self._read(_MOST_READ)):
            self._ahead += new
        return self._ahead[:count]

    def read(self, most: int) -> bytes:
        """Return what is there, up to so many bytes; nothing at the end."""
        data = self._ahead or self._read(min(most, _MOST_READ))
        self._ahead = data[most:]
        return data[:most]


class OggLink:
    """One link of a chained Ogg stream: it ends where the next one begins.

    Internet radio begins a link with each song, perhaps at another rate. FFmpeg goes on with some
    of them and ends at others, so each gets a demuxer of its own.
    """

    def __init__(self, stream: StreamInput) -> None:
        self._stream = stream
        self._rest = 0  # of the page
        self._has_begun = False  # a page came that begins nothing

    def read(self, most: int) -> bytes:
        """Return what is there, up to so many bytes; nothing at the end of the link."""
        if not self._rest:
            self._rest = self._next_page()
        data = self._stream.read(min(most, self._rest)) if self._rest else b""
        self._rest -= len(data)
        return data

    def _next_page(self) -> int:
        """Return the size of the next page; 0 if the next link begins, or nothing follows."""
        head = self._stream.peek(_PAGE_HEAD_BYTES)
        if not head.startswith(_CAPTURE) or len(head) < _PAGE_HEAD_BYTES:
            following = head.find(_CAPTURE, 1)  # damage: the demuxer passes it over
            return following if following > 0 else len(head) - 3 if len(head) > 3 else len(head)
        begins = bool(head[_FLAGS] & _BEGINS)
        if begins and self._has_begun:
            return 0
        self._has_begun = not begins
        whole = _PAGE_HEAD_BYTES + head[_SEGMENTS]
        return whole + sum(self._stream.peek(whole)[_PAGE_HEAD_BYTES:])
