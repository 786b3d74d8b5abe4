"""Has small pieces of work of several threads done together.

A task of a cluster costs the same however short it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Piece = TypeVar("Piece")
Answer = TypeVar("Answer")

PACKING_SECONDS = 0.005
"""For which a parcel waits for more."""
MOST_BYTES = 2**21
"""Of the files of a parcel: a worker that takes long over one would hold up those behind."""


@dataclass(eq=False)
class _Parcel(Generic[Piece, Answer]):
    """Pieces that go together."""

    pieces: list[Piece] = field(default_factory=list)
    answers: list[Future[Answer]] = field(default_factory=list)
    size_bytes: int = 0
    is_full: threading.Event = field(default_factory=threading.Event)


class Parcels(Generic[Piece, Answer]):
    """Packs pieces that come at about the same time.

    Args:
        send: has some pieces done. It returns the answers in their order, or raises for all.
        most: pieces in a parcel.
    """

    def __init__(self, send: Callable[[Sequence[Piece]], Sequence[Answer]], most: int) -> None:
        self._send = send
        self._most = most
        self._lock = threading.Lock()
        self._open: _Parcel[Piece, Answer] = _Parcel()

    def deliver(self, piece: Piece, size_bytes: int) -> Answer:
        """Have a piece done, and wait for its answer. The thread that comes first sends them all.

        Raises:
            Exception: what sending has raised.
        """
        answer: Future[Answer] = Future()
        with self._lock:
            if self._open.pieces and self._open.size_bytes + size_bytes > MOST_BYTES:
                self._close(self._open)
            parcel = self._open
            parcel.pieces.append(piece)
            parcel.answers.append(answer)
            parcel.size_bytes += size_bytes
            is_first = len(parcel.pieces) == 1
            if len(parcel.pieces) == self._most or parcel.size_bytes >= MOST_BYTES:
                self._close(parcel)
        if is_first:
            parcel.is_full.wait(PACKING_SECONDS)
            with self._lock:
                self._close(parcel)
            self._deliver(parcel)
        return answer.result()

    def _close(self, parcel: _Parcel[Piece, Answer]) -> None:
        """Let nothing more into a parcel."""
        parcel.is_full.set()
        if self._open is parcel:
            self._open = _Parcel()

    def _deliver(self, parcel: _Parcel[Piece, Answer]) -> None:
        try:
            found = [*zip(parcel.answers, self._send(parcel.pieces), strict=True)]
        except BaseException as error:  # ``Future.result`` raises it again, in each thread
            for answer in parcel.answers:
                answer.set_exception(error)
        else:
            for answer, each in found:
                answer.set_result(each)
