"""Analyzes items in parallel."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

from emotiond.streamer.batch.item import Item
from emotiond.streamer.offline.analyze import Analysis

_ITEMS_AHEAD = 4  # per analyst: items in the queue, since results come in order


def analyze_all(
    items: Sequence[Item], analysts: Sequence[Callable[[Item], Analysis]]
) -> Iterator[Future[Analysis]]:
    """Analyze several items in parallel. A single one takes as long as ever.

    Args:
        items: what is analyzed.
        analysts: each analyzes one item at a time, in a thread of its own.

    Returns:
        The results, in the order of the items.
    """
    jobs: queue.SimpleQueue[tuple[Item, Future[Analysis]] | None] = queue.SimpleQueue()
    for analyst in analysts:  # daemon threads: an early end does not wait for them
        threading.Thread(target=_work, args=(jobs, analyst), daemon=True).start()
    waiting: deque[Future[Analysis]] = deque()
    coming = iter(items)
    ahead = _ITEMS_AHEAD * len(analysts)
    while True:
        for item in itertools.islice(coming, ahead - len(waiting)):
            waiting.append(Future())
            jobs.put((item, waiting[-1]))
        if not waiting:
            break
        yield waiting.popleft()
    for _ in analysts:
        jobs.put(None)


def _work(
    jobs: queue.SimpleQueue[tuple[Item, Future[Analysis]] | None],
    analyst: Callable[[Item], Analysis],
) -> None:
    while (job := jobs.get()) is not None:
        item, future = job
        try:
            future.set_result(analyst(item))
        except BaseException as error:  # ``Future.result`` raises it again
            future.set_exception(error)
