"""The worker threads, with one interpreter each. A few of them serve all streams."""

from __future__ import annotations

import queue
import threading

from emotiond.exceptions import cause_of
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import Model
from emotiond.inference.profile import Profile
from emotiond.inference.runtime import Runtime
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import Stream


class Worker:
    """Serves its streams in the order in which their strides are complete."""

    def __init__(self, model: Model, runtime: Runtime) -> None:
        self._classifier = Classifier(model, runtime)
        self._due: queue.SimpleQueue[tuple[Stream, Pipeline] | None] = queue.SimpleQueue()
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
        stream.ring.on_wake(lambda: self._due.put((stream, pipeline)))
        self._due.put((stream, pipeline))

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def close(self, timeout_seconds: float) -> None:
        """End the thread. Unfinished streams stay unfinished."""
        self._due.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while self._serve_next():
            pass

    def _serve_next(self) -> bool:
        """Serve the next stream. Afterwards, no reference here keeps the stream in memory."""
        due = self._due.get()
        if due is None:
            return False
        stream, pipeline = due
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
            self._due.put((stream, pipeline))

    def _give_up(self, stream: Stream, error: Exception) -> None:
        stream.end(cause_of(error))
        # A device may take a second to close. The other streams must not wait for it.
        threading.Thread(target=stream.source.stop, name="emotiond-closing", daemon=True).start()
