"""Analyzes a whole recording, as fast as possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import Profile
from emotiond.streamer.offline.listen import Listening
from emotiond.streamer.protocol.events import Change, Emotion, Status, to_json
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
                {**to_json(event), "speech_seconds": round(next(speech), 4)}
                if isinstance(event, Emotion)
                else to_json(event)
                for event in self.events
            ],
        }


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
    summarizer, speech = Summarizer(), list[float]()
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
        events = tuple(event for event in listening if not isinstance(event, Status))
    summary = summarizer.summary(source.pulled_samples / source.sample_rate)
    return Analysis(**vars(summary), file=file, events=events, stride_speech_seconds=tuple(speech))
