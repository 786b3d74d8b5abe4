"""Who analyzes: processes here or in a cluster, and this process what no other one can read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

from emotiond.streamer.batch.analyst import Analyst, Findings
from emotiond.streamer.batch.content import Seen
from emotiond.streamer.batch.item import Entry, Item, Refusal, item_of
from emotiond.streamer.batch.kept import Kept
from emotiond.streamer.batch.progress import Progress
from emotiond.streamer.batch.settings import Settings


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Hand(Protocol):
    """Analyzes one item at a time, for one thread: :class:`Worker`, or a place in a cluster."""

    def analyze(self, item: Item, on_progress: Callable[[float], object], seen: Seen) -> Findings:
        """Analyze an item. Raises SourceError if its file cannot be read, or is not what it was."""

    def close(self) -> None:
        """End what belongs to it."""


class Crew:
    """As a context manager, it ends its processes.

    Args:
        settings: what decides the results.
        hire: gives what analyzes beside this process; None to analyze in this process alone.
        hands: how many there are to be.
        kept: the results of the run.
        progress: is told of sound and files.

    Raises:
        ModelError: a process cannot start.
    """

    def __init__(
        self,
        settings: Settings,
        hire: Callable[[], Hand] | None,
        hands: int,
        kept: Kept,
        progress: Progress,
    ) -> None:
        self._members: list[_Member] = []
        try:
            for _ in range(max(1, hands)):
                hand = None if hire is None else hire()
                self._members.append(_Member(settings, hand, kept, progress))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def analysts(self) -> Sequence[Callable[[Entry], Findings]]:
        """Each analyzes one entry at a time, in a thread of its own."""
        return [member.find for member in self._members]

    def _close(self) -> None:
        for member in self._members:
            member.close()


class _Member:
    """One thread's way to results."""

    def __init__(
        self, settings: Settings, hand: Hand | None, kept: Kept, progress: Progress
    ) -> None:
        self._settings = settings
        self._hand = hand
        self._kept = kept
        self._progress = progress
        self._own: Analyst | None = None

    def find(self, entry: Entry) -> Findings:
        is_new = False

        def analyze(seen: Seen | None) -> Findings:
            nonlocal is_new
            is_new = True
            return self._analyze(item_of(entry), seen)

        try:
            if isinstance(entry, Refusal):
                raise entry.error
            return self._kept.find(entry, analyze)
        finally:
            self._progress.add_file(is_new=is_new)

    def close(self) -> None:
        for each in (self._hand, self._own):
            if each is not None:
                each.close()

    def _analyze(self, item: Item, seen: Seen | None) -> Findings:
        if self._hand is not None and seen is not None:
            return self._hand.analyze(item, self._progress.add_sound, seen)
        if self._own is None:
            self._own = Analyst(self._settings)
        state = None if seen is None else seen.state
        return self._own.analyze(item, self._progress.add_sound, state)
