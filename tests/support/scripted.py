"""A stream with real sound and, where a test wants them, scripted predictions."""

from __future__ import annotations

import dataclasses

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS
from emotiond.inference.classifier import Classifier, Prediction
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.events import Change, Emotion
from emotiond.streamer.streams.decider import Decider
from emotiond.streamer.streams.event_builder import EventBuilder, Timing
from emotiond.streamer.streams.pipeline import Pipeline

STRIDE = 4000
NOW = Timing(unix_seconds=1000.0, age_ms=None, dropped_samples=0)
SILENCE = np.zeros(64_000, np.float32)


def prediction(label: str, score: float = 0.93, voice: float = 1.0) -> Prediction:
    """One label is as likely as its score says, the others share the rest."""
    posteriors = np.full(8, (1 - score) / 7, np.float32)
    posteriors[LABELS.index(label)] = score
    return Prediction(posteriors, voice, None)


NO_VOICE = prediction("neutral", voice=0.0)


class Run:
    """A pipeline whose decisions are made apart, as training makes them."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.speaker = classifier.speaker()
        self.pipeline = Pipeline(classifier.card, classifier.encoding(), self.speaker)
        self.decider = Decider(classifier.card)
        self.event_builder = EventBuilder("mic")
        self.position = 0
        self.after_cut = True
        self.events: list[Emotion | Change] = []

    def smooth(self, **changes: float) -> None:
        """Change the smoothing: the tiny model's own publishes a label at 1/8, and at once."""
        card = self.classifier.card
        smoothing = dataclasses.replace(card.smoothing, **changes)
        self.decider = Decider(dataclasses.replace(card, smoothing=smoothing))

    def process(self, samples: FloatArray, script: Prediction | None = None) -> list[Emotion]:
        """Process samples and return the emotion of each stride."""
        emotions = []
        for first in range(0, samples.shape[0], STRIDE):
            chunk = Chunk(
                samples[first : first + STRIDE], self.position, self.after_cut, last=False
            )
            if self.after_cut:
                self.decider.restart(self.position)
            stride, predicted = self.pipeline.push(chunk), script
            if not stride.needs_inference:
                predicted = None
            elif predicted is None:
                predicted = self.pipeline.infer(stride, self.classifier)
            self.pipeline.adapt(stride, predicted)
            built = self.event_builder.build(self.decider.decide(stride, predicted), NOW)
            self.position += chunk.samples.shape[0]
            self.after_cut = False
            self.events += built
            emotions += [event for event in built if isinstance(event, Emotion)]
        return emotions

    def lose(self, samples: int) -> None:
        """Skip samples as lost."""
        self.position += samples
        self.after_cut = True

    @property
    def changes(self) -> list[tuple[str | None, str | None]]:
        """Former and new label of each change."""
        return [(e.from_label, e.to_label) for e in self.events if isinstance(e, Change)]


def states(emotions: list[Emotion]) -> list[str]:
    """The state of each event."""
    return [emotion.state for emotion in emotions]
