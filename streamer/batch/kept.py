"""Has each content analyzed once, however many files have it and however often a run begins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from emotiond.streamer.batch.analyst import Findings
from emotiond.streamer.batch.content import Digests, Seen
from emotiond.streamer.batch.earlier import Earlier
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.store import Store
from emotiond.streamer.readers.opening import changed, state_of


class Kept:
    """The results of a run. All its threads share it.

    Args:
        store: where results are kept; None to keep none.
        earlier: the results of an earlier run; None without one.
    """

    def __init__(self, store: Store | None, earlier: Earlier | None = None) -> None:
        self._store = store
        self._earlier = earlier
        self._lock = threading.Lock()
        self._coming: dict[str, Future[Findings]] = {}
        self._digests = Digests()

    def find(self, item: Item, analyze: Callable[[Seen | None], Findings]) -> Findings:
        """Return the result of an item: a kept one, or that of ``analyze``, which is then kept.

        Args:
            item: what is wanted.
            analyze: is told what the file was when it was looked at; None for one that can be read
                only once.

        Raises:
            SourceError: the file cannot be read, or has changed meanwhile.
            ResultError: the result cannot be kept.
        """
        if item.is_read_once:
            return analyze(None)
        state = state_of(item.file)
        if self._store is None and self._earlier is None:
            return self._unchanged(item.file, Seen(state), analyze)
        seen = Seen(state, self._digests.of(item.file, state))
        key = f"{seen.sha256} {item.start_seconds} {item.end_seconds} {item.channel}"
        found = self._find(key, lambda: self._unchanged(item.file, seen, analyze))
        if self._store is not None:
            self._store.name(item, key)
        return found

    def _find(self, key: str, analyze: Callable[[], Findings]) -> Findings:
        """Return the result of a key; a second thread that wants it waits for the first one."""
        with self._lock:
            coming = self._coming.get(key)
            mine = self._coming.setdefault(key, Future())
        if coming is not None and coming.exception() is None:
            return coming.result()
        try:
            found = self._found(key, analyze)
        except BaseException as error:
            if coming is None:
                mine.set_exception(error)
            raise
        else:
            if coming is None:
                mine.set_result(found)
            return found
        finally:
            if coming is None:
                with self._lock:
                    del self._coming[key]

    def _found(self, key: str, analyze: Callable[[], Findings]) -> Findings:
        if self._store is not None and (kept := self._store.get(key)) is not None:
            return kept
        found = None if self._earlier is None else self._earlier.get(key)
        if found is None:
            found = analyze()
        if self._store is not None:
            self._store.put(key, found)
        return found

    def _unchanged(
        self, path: str, seen: Seen, analyze: Callable[[Seen | None], Findings]
    ) -> Findings:
        """Return the result of a file that nobody has written meanwhile."""
        found = analyze(seen)
        if state_of(path) != seen.state:
            raise changed(path)
        # Two changes at the same moment have the same date: such a file is read once more.
        if seen.sha256 is not None and self._digests.of(path, seen.state) != seen.sha256:
            raise changed(path)
        return found
