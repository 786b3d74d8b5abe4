"""Analyzes whole files, as fast as possible."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import Profile
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Change, Emotion, to_json
from emotiond.streamer.sources.decoder import Decoder
from emotiond.streamer.sources.factory import default_name
from emotiond.streamer.streams.pipeline import EventBuilder, Pipeline, Timing, Verdict
from emotiond.streamer.streams.summary import Summarizer, Summary

_FILES_AHEAD = 4  # per analyst: files in the queue, since results come in order


@dataclass(frozen=True)
class Analysis(Summary):
    """The result for a file."""

    file: str
    """The path as it was given."""
    events: tuple[Emotion | Change, ...]
    """The same events as from ``run --speed max --once``, without ``status``."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``analyze --format json`` prints."""
        return {
            "file": self.file,
            **super().to_json(),
            "events": [to_json(event) for event in self.events],
        }


def analyze(
    file: str,
    classifier: Classifier,
    stride_samples: int,
    decoder: Decoder,
    profile: Profile | None = None,
) -> Analysis:
    """Analyze a file from start to end, independently of other files.

    Args:
        file: the path.
        classifier: the model.
        stride_samples: the stride, in samples at 16 kHz.
        decoder: decodes the file.
        profile: the profile of the voice; None for an unknown voice.

    Raises:
        SourceError: the file cannot be read.
        ProfileError: the profile does not fit the model.
    """
    reading = decoder.open(file)
    try:
        seconds = 2 + stride_samples / SAMPLE_RATE
        ring = Ring(round(seconds * reading.sample_rate), reading.channels, reading.sample_rate)
        chunker = Chunker(ring, stride_samples)
        pipeline = Pipeline(classifier.card, classifier.speaker(profile))
        event_builder = EventBuilder(default_name(file))
        event_builder.next_seq()  # the ``running`` status of a daemon
        events: list[Emotion | Change] = []
        summarizer = Summarizer()
        samples = 0
        while not ring.ended:
            block = reading.read()
            samples += block.shape[0]
            if block.shape[0]:
                ring.write(block, 0.0)
            else:
                ring.end()
            for chunk, verdict in _verdicts(chunker, pipeline, classifier):
                if chunk.samples.shape[0]:
                    events += event_builder.build(verdict, Timing(time.time(), None, 0))
                summarizer.add(verdict)
    finally:
        reading.close()
    summary = summarizer.summary(samples / reading.sample_rate)
    return Analysis(**vars(summary), file=file, events=tuple(events))


def analyze_all(
    files: Sequence[str], analysts: Sequence[Callable[[str], Analysis]]
) -> Iterator[Future[Analysis]]:
    """Analyze several files in parallel. A single file takes as long as ever.

    Args:
        files: the paths.
        analysts: each analyzes one file at a time, in a thread of its own.

    Returns:
        The results, in the order of the files.
    """
    jobs: queue.SimpleQueue[tuple[str, Future[Analysis]] | None] = queue.SimpleQueue()
    for analyst in analysts:  # daemon threads: an early end does not wait for them
        threading.Thread(target=_work, args=(jobs, analyst), daemon=True).start()
    waiting: deque[Future[Analysis]] = deque()
    coming = iter(files)
    ahead = _FILES_AHEAD * len(analysts)
    while True:
        for file in itertools.islice(coming, ahead - len(waiting)):
            waiting.append(Future())
            jobs.put((file, waiting[-1]))
        if not waiting:
            break
        yield waiting.popleft()
    for _ in analysts:
        jobs.put(None)


def _work(
    jobs: queue.SimpleQueue[tuple[str, Future[Analysis]] | None],
    analyst: Callable[[str], Analysis],
) -> None:
    while (job := jobs.get()) is not None:
        file, future = job
        try:
            future.set_result(analyst(file))
        except BaseException as error:  # ``Future.result`` raises it again
            future.set_exception(error)


def _verdicts(
    chunker: Chunker, pipeline: Pipeline, classifier: Classifier
) -> Iterator[tuple[Chunk, Verdict]]:
    while (chunk := chunker.next_chunk()) is not None:
        yield chunk, pipeline.process(chunk, classifier)
