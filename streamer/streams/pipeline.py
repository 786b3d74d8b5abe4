"""One stream from chunks of sound to events. The same chunks give the same events, always."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.dsp.frontend import FrontEnd
from emotiond.inference.adaptation import Speaker
from emotiond.inference.card import LABELS, SAMPLE_RATE, Card
from emotiond.inference.classifier import Classifier, Prediction
from emotiond.inference.smoothing import Smoother
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.protocol.events import Change, Emotion, State, scores_of
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.voice_activity import VoiceActivity

WARMUP_SECONDS = 0.5
"""Of audio, from the start or from a loss, in which nothing is judged."""

LIKELY_VOICE = 0.5
"""Probability from which a window counts as a voice for what is heard next: where windows begin,
and whose statistics the speaker's are. It is not fitted, as the card's threshold is, which decides
what is published: so a recording heard once tells what any settings would have made of it."""


@dataclass(frozen=True)
class Timing:
    """What only the outer world knows of an event."""

    unix_seconds: float
    age_ms: float | None
    dropped_samples: int


@dataclass(frozen=True)
class Verdict:
    """An :class:`Emotion` before it has a number and a time."""

    stride: Stride
    state: State
    label: int | None
    scores: dict[str, float] | None
    raw: dict[str, float] | None
    speech_seconds: float
    """Speech in the window; 0 unless it was judged to be a voice."""
    held_seconds: float | None
    """For how long the former label was published, if the label changed."""
    former_label: int | None


class Pipeline:
    """The state of one stream between ring and hub; belongs to one worker.

    A chunk is heard, judged, learned from and concluded, in four steps. What is concluded, with
    settings that are fitted, changes nothing of what is heard: training keeps what the model said
    and concludes anew, with other settings.
    """

    def __init__(self, card: Card, speaker: Speaker | None) -> None:
        self.speaker = speaker
        self._front_end = FrontEnd(card.recipe, card.shape)
        self._smoother = Smoother(card.smoothing)
        self._likely_voice = VoiceActivity(LIKELY_VOICE, card.recipe.hop_length)
        self._published_voice = VoiceActivity(card.voice_threshold, card.recipe.hop_length)
        self._origin = 0  # where the front end last restarted
        self._pushed_samples = 0  # since then
        self._label: int | None = None
        self._label_since = 0

    def process(self, chunk: Chunk, classifier: Classifier) -> Verdict:
        """All four steps, for whoever needs nothing in between."""
        stride = self.push(chunk)
        prediction = self.infer(stride, classifier)
        self.adapt(stride, prediction)
        return self.decide(stride, prediction)

    def push(self, chunk: Chunk) -> Stride:
        """Level, gate and features of a further chunk."""
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
        """Ask the model about a stride's window; None where there is nothing to ask."""
        window = stride.acoustics.window
        if not stride.needs_inference or window is None:
            return None
        return classifier.judge(window.features, self.speaker)

    def adapt(self, stride: Stride, prediction: Prediction | None) -> None:
        """Let what was heard change what is heard next: the speaker, or where a window begins.

        Args:
            stride: of the last chunk heard.
            prediction: of its window; None where it needs no judging.
        """
        spoken = self._likely_voice.observe(stride, prediction)
        if prediction is None:
            return
        if spoken is None:
            if self._likely_voice.gives_up(stride):
                self._front_end.end_speech()
        elif self.speaker is not None and prediction.statistics is not None:
            self.speaker.update(prediction.statistics, spoken.new_seconds)

    def decide(self, stride: Stride, prediction: Prediction | None) -> Verdict:
        """State, scores and label after a stride; arguments as of :meth:`adapt`."""
        spoken = self._published_voice.observe(stride, prediction)
        if prediction is not None and spoken is not None:
            self._smoother.update(
                prediction.posteriors,
                prediction.voice,
                spoken.elapsed_seconds,
                spoken.new_seconds,
                spoken.seconds,
            )
            state: State = "uncertain" if self._smoother.label is None else "speech"
            return self._verdict(stride, state, prediction, spoken.seconds)
        if not stride.warm:
            return self._verdict(stride, "warmup", None, 0.0)
        if stride.acoustics.window is None or self._published_voice.gives_up(stride):
            self._smoother.end_speech()
        return self._verdict(stride, "silence", None, 0.0)

    def _verdict(
        self, stride: Stride, state: State, prediction: Prediction | None, speech_seconds: float
    ) -> Verdict:
        label = self._smoother.label if state == "speech" else None
        former, held_seconds = self._label, None
        if label != former:
            held_seconds = (stride.end_sample - self._label_since) / SAMPLE_RATE
            self._label, self._label_since = label, stride.end_sample
        scores = self._smoother.scores
        return Verdict(
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
    """Numbers one stream's verdicts and tells them as events."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self._seq = 0

    def next_seq(self) -> int:
        """Counts all events of the stream from 0 without holes."""
        self._seq += 1
        return self._seq - 1

    def build(self, verdict: Verdict, timing: Timing) -> list[Emotion | Change]:
        """The events of one verdict, in the order in which they are sent."""
        stride, label = verdict.stride, _name(verdict.label)
        end = stride.end_sample / SAMPLE_RATE
        emotion = Emotion(
            seq=self.next_seq(),
            stream=self.stream,
            start=stride.start_sample / SAMPLE_RATE,
            end=end,
            time=timing.unix_seconds,
            state=verdict.state,
            label=label,
            confidence=verdict.scores[label] if verdict.scores and label else None,
            scores=verdict.scores,
            raw=verdict.raw,
            speech_ratio=0.0 if verdict.state == "silence" else stride.acoustics.speech_ratio,
            level_dbfs=stride.acoustics.level_dbfs,
            age_ms=timing.age_ms,
            dropped_samples=timing.dropped_samples,
        )
        if verdict.held_seconds is None:
            return [emotion]
        former = _name(verdict.former_label)
        return [
            emotion,
            Change(self.next_seq(), self.stream, end, former, label, verdict.held_seconds),
        ]


def _name(label: int | None) -> str | None:
    return None if label is None else LABELS[label]
