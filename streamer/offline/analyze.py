"""Analyzes whole files, as fast as possible."""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import Profile
from emotiond.streamer.offline.listen import Listening
from emotiond.streamer.protocol.events import Change, Emotion, Status, to_json
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.sources.factory import default_name
from emotiond.streamer.sources.pulled_source import PulledSource
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
    source = PulledSource(decoder.open(file))
    return analyze_source(file, source, classifier, stride_samples, profile)


def analyze_source(
    file: str,
    source: PulledSource,
    classifier: Classifier,
    stride_samples: int,
    profile: Profile | None,
) -> Analysis:
    """Analyze a source from start to end. It is stopped in any case.

    Args:
        file: the path, or what stands for it; the stream is named after it.
        source: not started yet.
        classifier: the model.
        stride_samples: the stride, in samples at 16 kHz.
        profile: the profile of the voice; None for an unknown voice.

    Raises:
        SourceError: the source cannot be read.
        ProfileError: the profile does not fit the model.
    """
    summarizer = Summarizer()
    with Listening(
        default_name(file),
        source,
        classifier,
        stride_samples,
        profile,
        lossless=True,
        on_decision=summarizer.add,
    ) as listening:
        events = tuple(event for event in listening if not isinstance(event, Status))
    summary = summarizer.summary(source.pulled_samples / source.sample_rate)
    return Analysis(**vars(summary), file=file, events=events)


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
