"""Analyzes items in parallel, and gives the results in order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from emotiond.streamer.batch.analyst import Findings
from emotiond.streamer.batch.item import Entry

_MOST_AHEAD = 1000
_MOST_BYTES_AHEAD = 2**25
"""A long recording holds up the results of those behind it, which are analyzed meanwhile: so many,
and so much of their events."""


class Job(NamedTuple):
    """An entry, and its result as soon as it is there."""

    entry: Entry
    findings: Future[Findings]


class _Held:
    """Counts the bytes of results that wait for their turn."""

    def __init__(self) -> None:
        self.bytes = 0
        self._lock = threading.Lock()

    def add(self, findings: Findings, sign: int = 1) -> None:
        with self._lock:
            self.bytes += sign * sum(len(finding.events) for finding in findings)


def analyze_all(
    entries: Iterable[Entry], analysts: Sequence[Callable[[Entry], Findings]]
) -> Iterator[Job]:
    """Analyze several entries in parallel.

    Args:
        entries: what is analyzed.
        analysts: each analyzes one entry at a time, in a thread of its own.

    Returns:
        The results, in the order of the entries. Each is to be waited for before the next one.
    """
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    held = _Held()
    for analyst in analysts:  # daemon threads: an early end does not wait for them
        threading.Thread(target=_work, args=(jobs, analyst, held), daemon=True).start()
    waiting: deque[Job] = deque()
    coming = iter(entries)
    while True:
        while not waiting or (len(waiting) < _MOST_AHEAD and held.bytes < _MOST_BYTES_AHEAD):
            entry = next(coming, None)
            if entry is None:
                break
            waiting.append(Job(entry, Future()))
            jobs.put(waiting[-1])
        if not waiting:
            break
        job = waiting.popleft()
        yield job
        if job.findings.exception() is None:
            held.add(job.findings.result(), -1)
    for _ in analysts:
        jobs.put(None)


def _work(
    jobs: queue.SimpleQueue[Job | None], analyst: Callable[[Entry], Findings], held: _Held
) -> None:
    while (job := jobs.get()) is not None:
        try:
            findings = analyst(job.entry)
            held.add(findings)
        except BaseException as error:  # ``Future.result`` raises it again
            job.findings.set_exception(error)
        else:
            job.findings.set_result(findings)
