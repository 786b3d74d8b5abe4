"""The worker threads, with one interpreter each. A few of them serve all streams."""

from __future__ import annotations

import collections
import itertools
import queue
import threading
import time
from typing import NamedTuple

from emotiond.exceptions import cause_of
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import Model
from emotiond.inference.profile import Profile
from emotiond.inference.runtime import Runtime
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import Stream, Urgency

MOST_AHEAD_SECONDS = 0.25
"""How long urgent streams are served while others wait. Then the one that waits longest follows."""


class _Due(NamedTuple):
    number: int
    stream: Stream
    pipeline: Pipeline


class Worker:
    """Serves its streams, the most urgent ones first.

    Those of the same urgency are served in the order in which their strides are complete.
    """

    def __init__(self, model: Model, runtime: Runtime) -> None:
        self._classifier = Classifier(model, runtime)
        self._due: dict[Urgency, collections.deque[_Due]] = {
            urgency: collections.deque() for urgency in Urgency
        }
        self._calls: queue.SimpleQueue[bool] = queue.SimpleQueue()  # one for each that is due
        self._numbers = itertools.count()
        self._ahead_since: float | None = None  # since when others wait for urgent ones
        self._thread = threading.Thread(target=self._run, name="emotiond-worker", daemon=True)
        self._thread.start()

    def adopt(self, stream: Stream, profile: Profile | None = None) -> None:
        """Begin to serve a stream.

        Args:
            stream: not started yet.
            profile: the profile of its voice; None for an unknown voice.

        Raises:
            ProfileError: the profile does not fit the model.
        """
        pipeline = Pipeline(
            self._classifier.card, self._classifier.encoding(), self._classifier.speaker(profile)
        )
        stream.start()
        stream.ring.on_wake(lambda: self._queue(stream, pipeline))
        self._queue(stream, pipeline)

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def close(self, timeout_seconds: float) -> None:
        """End the thread. Unfinished streams stay unfinished."""
        self._calls.put(False)
        self._thread.join(timeout_seconds)

    def _queue(self, stream: Stream, pipeline: Pipeline) -> None:
        self._due[stream.urgency].append(_Due(next(self._numbers), stream, pipeline))
        self._calls.put(True)

    def _next(self) -> _Due:
        """Take what is served next. Something is due."""
        first, *others = [due for due in self._due.values() if due]
        if others:
            now = time.monotonic()
            self._ahead_since = self._ahead_since or now
            if now - self._ahead_since <= MOST_AHEAD_SECONDS:
                return first.popleft()
            first = min(others, key=lambda due: due[0].number)
        self._ahead_since = None
        return first.popleft()

    def _run(self) -> None:
        while self._serve_next():
            pass

    def _serve_next(self) -> bool:
        """Serve the next stream. Afterwards, no reference here keeps the stream in memory."""
        if not self._calls.get():
            return False
        _, stream, pipeline = self._next()
        try:
            self._serve(stream, pipeline)
        except Exception as error:  # a fault in one stream must not end the others
            self._give_up(stream, error)
        return True

    def _serve(self, stream: Stream, pipeline: Pipeline) -> None:
        """Process one chunk of a stream, if there is one, and queue the stream again.

        Windows of several streams do not form a batch: a batch costs as much as one window after
        the other (benchmarks/README.md), and every stream would wait for the slowest.
        """
        if stream.finished.is_set():  # it has failed, and its source is not stopped yet
            return
        if stream.process_next(pipeline, self._classifier) and not stream.finished.is_set():
            self._queue(stream, pipeline)

    def _give_up(self, stream: Stream, error: Exception) -> None:
        stream.end(cause_of(error))
        # A device may take a second to close. The other streams must not wait for it.
        threading.Thread(target=stream.source.stop, name="emotiond-closing", daemon=True).start()
