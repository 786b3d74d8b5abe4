"""Whole files, one after the other, as fast as they go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.card import LABELS
from inference.classifier import Classifier
from inference.profile import Profile
from streamer.events import Change, Emotion, scores_of, to_json
from streamer.intake import Chunk, Intake
from streamer.pipeline import Narrator, Pipeline, Timing, Verdict
from streamer.ring import Ring
from streamer.sources.opening import default_name
from streamer.sources.recording import open_recording, read_block

_BLOCK_SECONDS = 0.5


@dataclass(frozen=True)
class Analysis:
    """What a file holds."""

    file: str
    """As it was given."""
    duration: float
    """Seconds."""
    label: str | None
    """The largest of the scores; None only where there is no speech."""
    confidence: float | None
    """The score of ``label``."""
    scores: dict[str, float] | None
    """Mean of the raw posteriors of all windows, weighted by the seconds of speech in each."""
    events: tuple[Emotion | Change, ...]
    """Those of ``run --speed max --once`` on the file, ``status`` apart."""

    def to_json(self) -> dict[str, Any]:
        """The object that ``analyze --format json`` prints."""
        scores = self.scores and {label: round(score, 4) for label, score in self.scores.items()}
        return {
            "file": self.file,
            "duration": round(self.duration, 4),
            "label": self.label,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "scores": scores,
            "events": [to_json(event) for event in self.events],
        }


def analyze(
    file: str, classifier: Classifier, stride_samples: int, profile: Profile | None = None
) -> Analysis:
    """Hear a file from its start to its end, whatever was heard before.

    Args:
        file: its path.
        classifier: of the model to use.
        stride_samples: at 16 kHz.
        profile: of the voice in it; None for one not heard before.

    Raises:
        SourceError: the file cannot be read.
        ProfileError: the profile does not fit the model.
    """
    reader = open_recording(file)
    try:
        ring = Ring(2 * reader.samplerate, reader.channels, reader.samplerate)
        intake = Intake(ring, stride_samples)
        pipeline = Pipeline(classifier.card, classifier.speaker(profile))
        narrator = Narrator(default_name(file))
        narrator.next_seq()  # the ``running`` status of a daemon
        events: list[Emotion | Change] = []
        weighted, speech_seconds = np.zeros(len(LABELS)), 0.0
        samples = 0
        while not ring.ended:
            block = read_block(reader, file, _BLOCK_SECONDS)
            samples += block.shape[0]
            if block.shape[0]:
                ring.write(block, 0.0)
            else:
                ring.end()
            for chunk, verdict in _verdicts(intake, pipeline, classifier):
                if chunk.samples.shape[0]:
                    events += narrator.tell(verdict, Timing(time.time(), None, 0))
                if verdict.raw is not None:
                    weighted += verdict.speech_seconds * np.array(list(verdict.raw.values()))
                    speech_seconds += verdict.speech_seconds
    finally:
        reader.close()
    scores = scores_of(weighted / speech_seconds) if speech_seconds else None
    label = max(scores, key=lambda name: scores[name]) if scores else None
    return Analysis(
        file=file,
        duration=samples / reader.samplerate,
        label=label,
        confidence=scores[label] if scores and label else None,
        scores=scores,
        events=tuple(events),
    )


def _verdicts(
    intake: Intake, pipeline: Pipeline, classifier: Classifier
) -> Iterator[tuple[Chunk, Verdict]]:
    while (chunk := intake.next_chunk()) is not None:
        turn = pipeline.hear(chunk)
        yield chunk, pipeline.conclude(turn, pipeline.judge(turn, classifier))
