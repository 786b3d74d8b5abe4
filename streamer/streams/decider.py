"""Decides state, label and scores after each stride, from the predictions alone."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.inference.card import SAMPLE_RATE, Card
from emotiond.inference.classifier import Prediction
from emotiond.streamer.protocol.events import State, scores_of
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.voice_activity import VoiceActivity


@dataclass(frozen=True)
class Decision:
    """The result of one stride: an :class:`Emotion` without a number and a time."""

    stride: Stride
    state: State
    label: int | None
    scores: dict[str, float] | None
    raw: dict[str, float] | None
    speech_seconds: float
    """Speech in the window; 0 without a voice."""
    held_seconds: float | None
    """How long the former label was published, if the label changed."""
    former_label: int | None


class Decider:
    """Smooths the predictions of one stream. Its settings are fitted.

    Nothing that it does changes later predictions. So training keeps the predictions, and repeats
    the decisions with other settings.
    """

    def __init__(self, card: Card) -> None:
        self._smoother = card.smoothing.smoother()
        self._voice = VoiceActivity(card.voice_threshold, card.recipe.hop_length)
        self._label: int | None = None
        self._label_since = 0

    def restart(self, position: int) -> None:
        """Forget everything before this sample, except the label that was published."""
        self._smoother.restart()
        self._voice.restart(position)

    def decide(self, stride: Stride, prediction: Prediction | None) -> Decision:
        """Return state, scores and label after a stride.

        Args:
            stride: the next stride.
            prediction: the prediction for its window; None if it needs no inference.
        """
        speech = self._voice.observe(stride, prediction)
        if prediction is not None and speech is not None:
            self._smoother.update(
                prediction.posteriors,
                prediction.voice,
                speech.elapsed_seconds,
                speech.new_seconds,
                speech.seconds,
            )
            state: State = "uncertain" if self._smoother.label is None else "speech"
            return self._decision(stride, state, prediction, speech.seconds)
        if not stride.warm:
            return self._decision(stride, "warmup", None, 0.0)
        if stride.acoustics.window is None or self._voice.gives_up(stride):
            self._smoother.end_speech()
        return self._decision(stride, "silence", None, 0.0)

    def _decision(
        self, stride: Stride, state: State, prediction: Prediction | None, speech_seconds: float
    ) -> Decision:
        label = self._smoother.label if state == "speech" else None
        former, held_seconds = self._label, None
        if label != former:
            held_seconds = (stride.end_sample - self._label_since) / SAMPLE_RATE
            self._label, self._label_since = label, stride.end_sample
        scores = self._smoother.scores
        return Decision(
            stride=stride,
            state=state,
            label=label,
            scores=None if prediction is None or scores is None else scores_of(scores),
            raw=None if prediction is None else scores_of(prediction.posteriors),
            speech_seconds=speech_seconds,
            held_seconds=held_seconds,
            former_label=former,
        )
