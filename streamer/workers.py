"""A small fixed pool of threads, one interpreter each, that serves all streams."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence

from inference.classifier import Classifier, Model
from inference.exceptions import EmotiondError
from inference.runtime import Runtime
from streamer.intake import Chunk
from streamer.pipeline import Pipeline, Turn
from streamer.stream import Stream

_log = logging.getLogger(__name__)

_MOST_TOGETHER = 8  # windows in one inference


class Worker:
    """Serves its streams, in the order in which their strides are complete."""

    def __init__(self, model: Model, runtime: Runtime) -> None:
        self._classifier = Classifier(model, runtime)
        self._due: queue.SimpleQueue[Stream | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="emotiond-worker", daemon=True)
        self._thread.start()

    def adopt(self, stream: Stream) -> None:
        """Begin to serve a stream."""
        stream.start(Pipeline(self._classifier.card, self._classifier.speaker()))
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
        while True:
            due = [self._due.get()]
            while len(due) < _MOST_TOGETHER and not self._due.empty():
                due.append(self._due.get())
            self._serve(list(dict.fromkeys(stream for stream in due if stream is not None)))
            if None in due:
                return

    def _serve(self, streams: Sequence[Stream]) -> None:
        """One chunk of each stream that has one; those come round again."""
        heard: list[tuple[Stream, Chunk, Turn]] = []
        for stream in streams:
            try:
                chunk = stream.intake.next_chunk()
                if chunk is not None:
                    heard.append((stream, chunk, stream.pipeline.hear(chunk)))
            except Exception as error:  # one stream's fault must not end the others
                self._give_up(stream, error)
        try:
            self._judge(heard)
        except Exception as error:  # the interpreter's own; the worker must live on
            for stream, _, _ in heard:
                self._give_up(stream, error)

    def _judge(self, heard: Sequence[tuple[Stream, Chunk, Turn]]) -> None:
        windows = [turn.heard.window for _, _, turn in heard if turn.needs_judging]
        judged = iter(
            self._classifier.judge(
                [window.features for window in windows if window is not None],
                [stream.pipeline.speaker for stream, _, turn in heard if turn.needs_judging],
            )
            if windows
            else ()
        )
        for stream, chunk, turn in heard:
            prediction = next(judged) if turn.needs_judging else None
            try:
                stream.tell(chunk, stream.pipeline.conclude(turn, prediction))
            except Exception as error:  # as above
                self._give_up(stream, error)
                continue
            if not chunk.last:
                self._due.put(stream)

    def _give_up(self, stream: Stream, error: Exception) -> None:
        told = isinstance(error, EmotiondError)
        _log.error("stream %r ends: %s", stream.name, error, exc_info=not told)
        stream.source.stop()
        stream.end(str(error) if told else f"internal error: {error!r}")
