"""Analyzes a whole recording, as fast as possible."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import Profile
from emotiond.streamer.offline.listen import Listening
from emotiond.streamer.protocol.events import Change, Emotion, to_json
from emotiond.streamer.results.rows import Span, segments
from emotiond.streamer.sources.factory import default_name
from emotiond.streamer.sources.pulled_source import PulledSource
from emotiond.streamer.streams.decider import Decision
from emotiond.streamer.streams.summary import Summarizer, Summary


@dataclass(frozen=True)
class Analysis(Summary):
    """The result for a recording."""

    file: str
    """The path as it was given."""
    events: tuple[Emotion | Change, ...]
    """The same events as from ``run --speed max --once``, without ``status``."""

    stride_speech_seconds: tuple[float, ...] = ()
    """Seconds of speech in each stride, pauses between words left out: one for each ``Emotion``."""

    @property
    def speech_seconds(self) -> float:
        """Seconds of speech in the whole."""
        return sum(self.stride_speech_seconds)

    @property
    def segments(self) -> tuple[Span, ...]:
        """The spans of one label, as of ``analyze --level segments``. They cover the whole."""
        return tuple(segments(self.to_json()))

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``analyze --format json`` prints."""
        speech = iter(self.stride_speech_seconds)
        return {
            "file": self.file,
            **super().to_json(),
            "speech_seconds": round(self.speech_seconds, 4),
            "events": [
                event_to_json(event, next(speech) if isinstance(event, Emotion) else 0.0)
                for event in self.events
            ],
        }


def event_to_json(event: Emotion | Change, speech_seconds: float) -> dict[str, Any]:
    """Return an event of a result: an ``emotion`` also says how much speech its stride holds."""
    values = to_json(event)
    if isinstance(event, Emotion):
        values["speech_seconds"] = round(speech_seconds, 4)
    return values


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
    events, speech = list[Emotion | Change](), list[float]()

    def take(event: Emotion | Change, speech_seconds: float) -> None:
        events.append(event)
        if isinstance(event, Emotion):
            speech.append(speech_seconds)

    summary = summarize_source(file, source, classifier, stride_samples, profile, take)
    return Analysis(
        **vars(summary), file=file, events=tuple(events), stride_speech_seconds=tuple(speech)
    )


def summarize_source(
    file: str,
    source: PulledSource,
    classifier: Classifier,
    stride_samples: int,
    profile: Profile | None,
    take: Callable[[Emotion | Change, float], object],
) -> Summary:
    """Analyze a source as :func:`analyze_source` does, and keep no event.

    Args:
        file: the path, or what stands for it; the stream is named after it.
        source: not started yet.
        classifier: the model.
        stride_samples: the stride, in samples at 16 kHz.
        profile: the profile of the voice; None for an unknown voice.
        take: called with each event, and the seconds of speech in its stride (0 for a ``Change``).

    Raises:
        SourceError: the source cannot be read.
        ProfileError: the profile does not fit the model.
    """
    summarizer, speech = Summarizer(), deque[float]()
    hop_seconds = classifier.card.recipe.hop_length / SAMPLE_RATE

    def add(decision: Decision) -> None:
        summarizer.add(decision)
        frames = 0 if decision.raw is None else decision.stride.acoustics.new_active_frames
        speech.append(frames * hop_seconds)

    with Listening(
        default_name(file),
        source,
        classifier,
        stride_samples,
        profile,
        lossless=True,
        on_decision=add,
    ) as listening:
        for event in listening:
            if isinstance(event, Emotion):
                take(event, speech.popleft())
            elif isinstance(event, Change):
                take(event, 0.0)
    return summarizer.summary(source.pulled_samples / source.sample_rate)
