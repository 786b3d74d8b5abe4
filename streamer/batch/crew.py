"""Who analyzes: a process for each core, and this process what no other one can read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import TracebackType

from emotiond.streamer.batch.analyst import Analyst, Findings
from emotiond.streamer.batch.item import Entry, Item, Refusal, item_of
from emotiond.streamer.batch.kept import Kept
from emotiond.streamer.batch.progress import Progress
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.batch.worker import Worker
from emotiond.streamer.readers.opening import is_own, is_pipe


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Crew:
    """As a context manager, it ends its processes.

    Args:
        settings: what decides the results.
        sha256: of the model.
        processes: how many there are to be; 0 to analyze in this process.
        kept: the results of the run.
        progress: is told of sound and files.

    Raises:
        ModelError: a process cannot start.
    """

    def __init__(
        self,
        settings: Settings,
        sha256: str,
        processes: int,
        kept: Kept,
        progress: Progress,
    ) -> None:
        self._members: list[_Member] = []
        try:
            for _ in range(max(1, processes)):
                worker = Worker(settings, sha256) if processes else None
                self._members.append(_Member(settings, worker, kept, progress))
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
        self, settings: Settings, worker: Worker | None, kept: Kept, progress: Progress
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._kept = kept
        self._progress = progress
        self._own: Analyst | None = None

    def find(self, entry: Entry) -> Findings:
        is_new = False

        def analyze() -> Findings:
            nonlocal is_new
            is_new = True
            return self._analyze(item_of(entry))

        try:
            if isinstance(entry, Refusal):
                raise entry.error
            return self._kept.find(entry, analyze)
        finally:
            self._progress.add_file(is_new=is_new)

    def close(self) -> None:
        for each in (self._worker, self._own):
            if each is not None:
                each.close()

    def _analyze(self, item: Item) -> Findings:
        if self._worker is not None and not is_own(item.file) and not is_pipe(item.file):
            return self._worker.analyze(item, self._progress.add_sound)
        if self._own is None:
            self._own = Analyst(self._settings)
        return self._own.analyze(item, self._progress.add_sound)
