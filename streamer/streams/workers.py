"""A small fixed pool of threads, one interpreter each, that serves all streams."""

from __future__ import annotations

import queue
import threading

from emotiond.exceptions import cause_of
from emotiond.inference.classifier import Classifier, Model
from emotiond.inference.profile import Profile
from emotiond.inference.runtime import Runtime
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import Stream


class Worker:
    """Serves its streams, in the order in which their strides are complete."""

    def __init__(self, model: Model, runtime: Runtime) -> None:
        self._classifier = Classifier(model, runtime)
        self._due: queue.SimpleQueue[Stream | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="emotiond-worker", daemon=True)
        self._thread.start()

    def adopt(self, stream: Stream, profile: Profile | None = None) -> None:
        """Begin to serve a stream.

        Args:
            stream: not started yet.
            profile: of the voice in it; None for one not heard before.

        Raises:
            ProfileError: the profile does not fit the model.
        """
        stream.start(Pipeline(self._classifier.card, self._classifier.speaker(profile)))
        stream.ring.on_wake(lambda: self._due.put(stream))
        self._due.put(stream)

    @property
    def is_alive(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def close(self, timeout_seconds: float) -> None:
        """End the thread; streams not finished by then stay so."""
        self._due.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while self._serve_next():
            pass

    def _serve_next(self) -> bool:
        """Serve the stream that is due; afterwards, nothing here holds it in memory."""
        stream = self._due.get()
        if stream is None:
            return False
        try:
            self._serve(stream)
        except Exception as error:  # one stream's fault must not end the others
            self._give_up(stream, error)
        return True

    def _serve(self, stream: Stream) -> None:
        """One chunk of a stream, if it has one; then it comes round again.

        Windows of several streams are not judged together: that costs as much as one after
        the other (benchmarks/README.md), and all would wait for the last.
        """
        if stream.finished.is_set():  # given up, and its source was not stopped yet
            return
        chunk = stream.next_chunk()
        if chunk is None:
            return
        stream.emit(chunk, stream.pipeline.process(chunk, self._classifier))
        if not chunk.last:
            self._due.put(stream)

    def _give_up(self, stream: Stream, error: Exception) -> None:
        stream.end(cause_of(error))
        # A device may take a second to close: the other streams do not wait for it.
        threading.Thread(target=stream.source.stop, name="emotiond-closing", daemon=True).start()
