"""Turns the chunks of one stream into events. The same chunks always give the same events."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.dsp.frontend import FrontEnd
from emotiond.inference.adaptation import Speaker
from emotiond.inference.card import LABELS, SAMPLE_RATE, Card
from emotiond.inference.classifier import Classifier, Prediction
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.events import Change, Emotion, State, scores_of
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.voice_activity import VoiceActivity

WARMUP_SECONDS = 0.5
"""The model does not run for this long after the start or a loss of audio."""

LIKELY_VOICE = 0.5
"""From this probability on, a window counts as a voice in the step ``adapt``, which affects where
later windows begin and the statistics of the speaker. It is fixed. The card's threshold, which is
fitted, only affects what is published. So one pass over a file serves to try any settings."""


@dataclass(frozen=True)
class Timing:
    """The facts about an event that the pipeline does not know."""

    unix_seconds: float
    age_ms: float | None
    dropped_samples: int


@dataclass(frozen=True)
class Decision:
    """The decision for one stride: an :class:`Emotion` without a number and a time."""

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


class Pipeline:
    """The state of one stream between ring and hub. It belongs to one worker.

    Each chunk passes four steps: push, infer, adapt, decide. The last step, whose settings are
    fitted, does not influence the first three. So training keeps the predictions and repeats
    ``decide`` alone with other settings.
    """

    def __init__(self, card: Card, speaker: Speaker | None) -> None:
        self.speaker = speaker
        self._front_end = FrontEnd(card.recipe, card.shape)
        self._smoother = card.smoothing.smoother()
        self._likely_voice = VoiceActivity(LIKELY_VOICE, card.recipe.hop_length)
        self._published_voice = VoiceActivity(card.voice_threshold, card.recipe.hop_length)
        self._origin = 0  # position at which the front end last restarted
        self._pushed_samples = 0  # since that restart
        self._label: int | None = None
        self._label_since = 0

    def process(self, chunk: Chunk, classifier: Classifier) -> Decision:
        """Take all four steps for one chunk."""
        stride = self.push(chunk)
        prediction = self.infer(stride, classifier)
        self.adapt(stride, prediction)
        return self.decide(stride, prediction)

    def push(self, chunk: Chunk) -> Stride:
        """Compute level, gate and features of the next chunk."""
        if chunk.after_cut:
            self._front_end.restart()
            self._smoother.restart()
            self._likely_voice.restart(chunk.position)
            self._published_voice.restart(chunk.position)
            self._origin = chunk.position
            self._pushed_samples = 0
        self._pushed_samples += chunk.samples.shape[0]
        acoustics = self._front_end.push(chunk.samples)
        return Stride(
            acoustics=acoustics,
            start_sample=self._origin + acoustics.start_sample,
            end_sample=self._origin + acoustics.end_sample,
            warm=self._pushed_samples >= WARMUP_SECONDS * SAMPLE_RATE,
        )

    def infer(self, stride: Stride, classifier: Classifier) -> Prediction | None:
        """Run the model on a stride's window. Returns None if the stride needs no inference."""
        window = stride.acoustics.window
        if not stride.needs_inference or window is None:
            return None
        return classifier.infer(window.features, self.speaker)

    def adapt(self, stride: Stride, prediction: Prediction | None) -> None:
        """Update the speaker's statistics, or end speech without a voice, for later strides.

        Args:
            stride: the last stride.
            prediction: the prediction for its window; None if it needs no inference.
        """
        speech = self._likely_voice.observe(stride, prediction)
        if prediction is None:
            return
        if speech is None:
            if self._likely_voice.gives_up(stride):
                self._front_end.end_speech()
        elif self.speaker is not None and prediction.statistics is not None:
            self.speaker.update(prediction.statistics, speech.new_seconds)

    def decide(self, stride: Stride, prediction: Prediction | None) -> Decision:
        """Return state, scores and label after a stride. For the arguments, see :meth:`adapt`."""
        speech = self._published_voice.observe(stride, prediction)
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
        if stride.acoustics.window is None or self._published_voice.gives_up(stride):
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


class EventBuilder:
    """Makes numbered events from the decisions of one stream."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self._seq = 0

    def next_seq(self) -> int:
        """Return the next number. Numbers start at 0 and have no gaps."""
        self._seq += 1
        return self._seq - 1

    def build(self, decision: Decision, timing: Timing) -> list[Emotion | Change]:
        """Return the events of one decision, in the order of sending."""
        stride, label = decision.stride, _name(decision.label)
        end = stride.end_sample / SAMPLE_RATE
        emotion = Emotion(
            seq=self.next_seq(),
            stream=self.stream,
            start=stride.start_sample / SAMPLE_RATE,
            end=end,
            time=timing.unix_seconds,
            state=decision.state,
            label=label,
            confidence=decision.scores[label] if decision.scores and label else None,
            scores=decision.scores,
            raw=decision.raw,
            speech_ratio=0.0 if decision.state == "silence" else stride.acoustics.speech_ratio,
            level_dbfs=stride.acoustics.level_dbfs,
            age_ms=timing.age_ms,
            dropped_samples=timing.dropped_samples,
        )
        if decision.held_seconds is None:
            return [emotion]
        former = _name(decision.former_label)
        return [
            emotion,
            Change(self.next_seq(), self.stream, end, former, label, decision.held_seconds),
        ]


def _name(label: int | None) -> str | None:
    return None if label is None else LABELS[label]
