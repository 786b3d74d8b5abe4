"""Listens to one source in the caller's thread: its events are computed when they are asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from emotiond.exceptions import SourceError
from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import Profile
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.events import Event
from emotiond.streamer.sources.pulled_source import PulledSource
from emotiond.streamer.sources.source import Source
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stream import Stream

_MOST_WAITING = 4096  # status events that wait to be read

_PATIENCE_SECONDS = 0.5  # on Windows, a wait without an end ignores Ctrl-C


class Listening(Iterator[Event]):
    """The events of one source: an iterator, and a context manager that closes the source.

    It is closed as well at the end of the sound, at an error, by :meth:`close`, and when nothing
    refers to it any more. One thread may iterate; any thread may close.

    Args:
        name: the name of the stream.
        source: not started yet. It starts with the first event that is asked for.
        classifier: the model.
        stride_samples: the stride, in samples at 16 kHz.
        profile: the profile of the voice; None for an unknown voice.
        lossless: whether the source waits; otherwise late audio is dropped and counted.
        on_decision: called with each stride's result.

    Raises:
        ProfileError: the profile does not fit the model.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        classifier: Classifier,
        stride_samples: int,
        profile: Profile | None = None,
        *,
        lossless: bool,
        on_decision: Callable[[Decision], object] = lambda _: None,
    ) -> None:
        self._source = source
        self._classifier = classifier
        self._closed = self._started = False
        self._closing = threading.Lock()
        self._events: deque[Event] = deque(maxlen=_MOST_WAITING)
        self._woken = threading.Event()
        try:
            self._pipeline = Pipeline(
                classifier.card, classifier.encoding(), classifier.speaker(profile)
            )
            # The stream, and the source's thread with it, must not refer to this object.
            collect = _collector(self._events, self._woken)
            self._stream = _Observed(
                name, source, lossless, stride_samples, collect, on_decision=on_decision
            )
        except BaseException:
            source.stop()
            raise

    def __enter__(self) -> Listening:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_stream"):
            self.close()

    def __iter__(self) -> Listening:
        return self

    def __next__(self) -> Event:
        """Return the next event, and wait for it if need be.

        Raises:
            SourceError: the source failed.
            ModelError: the model failed.
        """
        try:
            while not self._closed:
                if self._events:
                    return self._events.popleft()
                self._advance()
        except BaseException:
            was_closed = self._closed  # by another thread, which a read then feels
            self.close()
            if not was_closed:
                raise
        raise StopIteration

    def close(self) -> None:
        """Close the source. Later calls do nothing; no more events come."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._woken.set()
        self._stream.stop()

    def _advance(self) -> None:
        """Start, process one chunk, or wait for sound."""
        if not self._started:
            self._started = True
            self._stream.ring.on_wake(self._woken.set)
            self._stream.start()
            return
        if self._stream.finished.is_set():
            if self._source.failure is not None:
                raise SourceError(self._source.failure.rstrip("."), "Listen again")
            self.close()
            return
        self._woken.clear()
        if self._closed or self._stream.process_next(self._pipeline, self._classifier):
            return
        if isinstance(self._source, PulledSource):
            self._source.pull()
        elif not self._events:
            self._woken.wait(_PATIENCE_SECONDS)


class _Observed(Stream):
    """A stream that passes its decisions on."""

    def __init__(
        self,
        name: str,
        source: Source,
        lossless: bool,
        stride_samples: int,
        publish: Callable[[str, Sequence[Event], bool], None],
        on_decision: Callable[[Decision], object],
    ) -> None:
        super().__init__(name, source, lossless, stride_samples, publish)
        self._on_decision = on_decision

    def emit(self, chunk: Chunk, decision: Decision) -> None:
        if decision.stride.is_new:
            self._on_decision(decision)
        super().emit(chunk, decision)


def _collector(
    events: deque[Event], woken: threading.Event
) -> Callable[[str, Sequence[Event], bool], None]:
    def collect(_: str, new: Sequence[Event], __: bool) -> None:
        events.extend(new)
        woken.set()

    return collect
