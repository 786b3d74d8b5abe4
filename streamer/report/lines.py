"""Reads results in JSON, a line each, piece by piece: the events of half a day are one line."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from typing import Any

_PIECE_BYTES = 2**16
_LONGEST_VALUE = 2**16
"""Characters of a value, of which a line has many: an event, a name. Ours have less than 1,000, and
JSON can take thirty times its length in memory."""
_MOST_SKIPPED_BYTES = 2**28
_BLANK = frozenset(" \t\r\n")
_AFTER = _BLANK | frozenset(",:]}")
"""What may come after a value."""


class TooLongError(ValueError):
    """A value is longer than any of ours."""


class Line:
    """One line of a file. Only a piece of it is in memory.

    Args:
        file: where it begins.
        hook: makes something else of each object in a value.
    """

    def __init__(self, file: BufferedReader, hook: Callable[[Mapping[str, Any]], Any]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogatepass").decode
        self._parse = json.JSONDecoder(object_hook=hook).raw_decode
        self._text = ""
        self._at = 0
        self.is_read = False
        """Whether all of it is read."""
        self.has_end = False
        """Whether it ends as a line does; only the last line of a file may not."""

    def skip(self) -> None:
        """Leave the rest of it out, unless that is longer than any file of ours."""
        for _ in range(_MOST_SKIPPED_BYTES // _PIECE_BYTES):
            if self.is_read:
                return
            self._note_end(self._file.readline(_PIECE_BYTES))

    def is_blank(self) -> bool:
        """Return whether nothing but blanks is left.

        Raises:
            ValueError: it is no text.
        """
        return not self._next()

    def members(self) -> Iterator[tuple[str, Any]]:
        """Yield the names and values of the object that the line holds.

        The value of ``events`` is an iterator, to be read before the next member.

        Raises:
            ValueError: it holds no object, or more; TooLongError for a value of impossible length.
            RecursionError: it nests too deep.
        """
        self._take("{")
        has_more = self._next() != "}"
        while has_more:
            name = self._value()
            self._take(":")
            if not isinstance(name, str):
                raise ValueError("a name is no text")
            yield name, self._elements() if name == "events" else self._value()
            has_more = self._next() == ","
            if has_more:
                self._take(",")
        self._take("}")
        if not self.is_blank():
            raise ValueError("there is more than an object")

    def _elements(self) -> Iterator[Any]:
        self._take("[")
        has_more = self._next() != "]"
        while has_more:
            yield self._value()
            has_more = self._next() == ","
            if has_more:
                self._take(",")
        self._take("]")

    def _take(self, mark: str) -> None:
        if self._next() != mark:
            raise ValueError(f"there is no {mark}")
        self._at += 1

    def _next(self) -> str:
        """Return the next character that is not blank, without going on; "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if self.is_read:
                return ""
            self._read_on()

    def _value(self) -> Any:
        """Return the next value. What follows it has to be there: a number may go on."""
        self._next()
        while True:
            try:
                value, end = self._parse(self._text, self._at)
                if self.is_read or self._text[end : end + 1] in _AFTER:
                    self._at = end
                    return value
            except json.JSONDecodeError:
                if self.is_read:
                    raise
            if len(self._text) - self._at > _LONGEST_VALUE:
                raise TooLongError
            self._read_on()

    def _read_on(self) -> None:
        piece = self._file.readline(_PIECE_BYTES)
        self._note_end(piece)
        self._text = self._text[self._at :] + self._decode(piece, self.is_read)
        self._at = 0

    def _note_end(self, piece: bytes) -> None:
        self.has_end = piece.endswith(b"\n")
        self.is_read = self.has_end or not piece
