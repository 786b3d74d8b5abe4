"""One stream from chunks of sound to events. The same chunks give the same events, always."""

from __future__ import annotations

from dataclasses import dataclass

from dsp.frontend import FrontEnd, Heard
from dsp.gate import GateSettings
from inference.adaptation import Speaker
from inference.card import LABELS, SAMPLE_RATE, Card
from inference.classifier import Classifier, Prediction
from inference.smoothing import Smoother
from streamer.events import Change, Emotion, State, scores_of
from streamer.intake import Chunk

WARMUP_SECONDS = 0.5
"""Of audio, from the start or from a loss, in which nothing is judged."""

PAUSE_SECONDS = GateSettings().stop_seconds
"""Without a voice, after which a speech is over: the next one has to earn its label."""


@dataclass(frozen=True)
class Turn:
    """A chunk that was heard and waits to be judged."""

    heard: Heard
    start_sample: int
    """Of the window, counted from the beginning of the stream."""
    end_sample: int
    warm: bool
    """Whether the warm-up is over."""

    @property
    def needs_judging(self) -> bool:
        """Whether the model has to be asked."""
        return self.warm and self.heard.window is not None


@dataclass(frozen=True)
class Timing:
    """What only the outer world knows of an event."""

    unix_seconds: float
    age_ms: float | None
    dropped_samples: int


@dataclass(frozen=True)
class Verdict:
    """An :class:`Emotion` before it has a number and a time."""

    turn: Turn
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

    A chunk is heard, judged and concluded, in three steps: training keeps what the model said
    and concludes anew, with other settings.
    """

    def __init__(self, card: Card, speaker: Speaker | None) -> None:
        self._card = card
        self.speaker = speaker
        self._front_end = FrontEnd(card.recipe, card.shape)
        self._smoother = Smoother(card.smoothing)
        self._origin = 0  # where the front end last restarted
        self._heard_samples = 0  # since then
        self._judged_end: int | None = None
        self._new_frames = 0  # loud enough for speech, that no update has told of
        self._voice_end = 0  # of the last voice, or of the last noise that was given up
        self._label: int | None = None
        self._label_since = 0

    def take(self, chunk: Chunk, classifier: Classifier) -> Verdict:
        """All three steps, for whoever needs nothing in between."""
        turn = self.hear(chunk)
        return self.conclude(turn, self.judge(turn, classifier))

    def hear(self, chunk: Chunk) -> Turn:
        """Level, gate and features of a further chunk."""
        if chunk.after_cut:
            self._front_end.restart()
            self._smoother.restart()
            self._judged_end = None
            self._origin = self._voice_end = chunk.position
            self._heard_samples = 0
        self._heard_samples += chunk.samples.shape[0]
        heard = self._front_end.push(chunk.samples)
        return Turn(
            heard=heard,
            start_sample=self._origin + heard.start_sample,
            end_sample=self._origin + heard.end_sample,
            warm=self._heard_samples >= WARMUP_SECONDS * SAMPLE_RATE,
        )

    def judge(self, turn: Turn, classifier: Classifier) -> Prediction | None:
        """Ask the model about a turn's window; None where there is nothing to ask."""
        window = turn.heard.window
        if not turn.needs_judging or window is None:
            return None
        return classifier.judge(window.features, self.speaker)

    def conclude(self, turn: Turn, prediction: Prediction | None) -> Verdict:
        """State, scores and label after a turn.

        Args:
            turn: of the last chunk heard.
            prediction: of its window; None where it needs no judging.
        """
        self._new_frames += turn.heard.new_active_frames
        state: State
        if not turn.warm:
            state = "warmup"
        elif prediction is None:
            state = "silence"
            if turn.heard.window is None:
                self._smoother.end_speech()
        elif prediction.voice < self._card.voice_threshold:
            state = "silence"
            if turn.end_sample - self._voice_end > PAUSE_SECONDS * SAMPLE_RATE:
                self._smoother.end_speech()
                self._front_end.end_speech()
                self._voice_end = turn.end_sample
        else:
            self._take(turn, prediction)
            state = "uncertain" if self._smoother.label is None else "speech"
        return self._verdict(turn, state, prediction)

    def _take(self, turn: Turn, prediction: Prediction) -> None:
        judged_end = turn.start_sample if self._judged_end is None else self._judged_end
        elapsed_seconds = (turn.end_sample - judged_end) / SAMPLE_RATE
        self._judged_end = self._voice_end = turn.end_sample
        speech_seconds = self._window_speech_seconds(turn)
        # Some of them may have been heard before this window began.
        new_speech_seconds = min(self._seconds(self._new_frames), speech_seconds)
        self._new_frames = 0
        self._smoother.update(
            prediction.posteriors,
            prediction.voice,
            elapsed_seconds,
            new_speech_seconds,
            speech_seconds,
        )
        if self.speaker is not None and prediction.statistics is not None:
            self.speaker.update(prediction.statistics, new_speech_seconds)

    def _window_speech_seconds(self, turn: Turn) -> float:
        window = turn.heard.window
        return 0.0 if window is None else self._seconds(window.active_frames)

    def _seconds(self, frames: int) -> float:
        return frames * self._card.recipe.hop_length / SAMPLE_RATE

    def _verdict(self, turn: Turn, state: State, prediction: Prediction | None) -> Verdict:
        judged = prediction if state in ("uncertain", "speech") else None
        label = self._smoother.label if state == "speech" else None
        former, held_seconds = self._label, None
        if label != former:
            held_seconds = (turn.end_sample - self._label_since) / SAMPLE_RATE
            self._label, self._label_since = label, turn.end_sample
        scores = self._smoother.scores
        return Verdict(
            turn=turn,
            state=state,
            label=label,
            scores=None if judged is None or scores is None else scores_of(scores),
            raw=None if judged is None else scores_of(judged.posteriors),
            speech_seconds=0.0 if judged is None else self._window_speech_seconds(turn),
            held_seconds=held_seconds,
            former_label=former,
        )


class Narrator:
    """Numbers one stream's verdicts and tells them as events."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self._seq = 0

    def next_seq(self) -> int:
        """Counts all events of the stream from 0 without holes."""
        self._seq += 1
        return self._seq - 1

    def tell(self, verdict: Verdict, timing: Timing) -> list[Emotion | Change]:
        """The events of one verdict, in the order in which they are sent."""
        turn, label = verdict.turn, _name(verdict.label)
        end = turn.end_sample / SAMPLE_RATE
        emotion = Emotion(
            seq=self.next_seq(),
            stream=self.stream,
            start=turn.start_sample / SAMPLE_RATE,
            end=end,
            time=timing.unix_seconds,
            state=verdict.state,
            label=label,
            confidence=verdict.scores[label] if verdict.scores and label else None,
            scores=verdict.scores,
            raw=verdict.raw,
            speech_ratio=0.0 if verdict.state == "silence" else turn.heard.speech_ratio,
            level_dbfs=turn.heard.level_dbfs,
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
