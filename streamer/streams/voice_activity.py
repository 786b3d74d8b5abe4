"""Which turns hold a voice, how much of it is new, and when it is gone."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.dsp.gate import GateSettings
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.classifier import Prediction
from emotiond.streamer.streams.stride import Stride

_PAUSE_SECONDS = GateSettings().stop_seconds
"""Without a voice, after which a speech is over: the next one has to earn its label."""


@dataclass(frozen=True)
class Spoken:
    """What a window with a voice holds."""

    elapsed_seconds: float
    """Since the last such window ended; since this one began, if it is the first."""
    new_seconds: float
    """Of speech that no such window has held before."""
    seconds: float
    """Of all speech in it."""


class VoiceActivity:
    """Follows one stream's turns.

    Args:
        threshold: probability of a voice from which a window holds one.
        hop_length: samples from one frame to the next.
    """

    def __init__(self, threshold: float, hop_length: int) -> None:
        self._threshold = threshold
        self._hop_length = hop_length
        self._new_frames = 0  # loud enough for speech, that no window with a voice has told of
        self.restart(0)

    def restart(self, position: int) -> None:
        """Nothing is known of what was before this sample."""
        self._inferred_end: int | None = None
        self._voice_end = position  # of the last voice, or of the last noise that was given up

    def observe(self, stride: Stride, prediction: Prediction | None) -> Spoken | None:
        """What a stride's window holds; None where that is no voice.

        Args:
            stride: every one of the stream, in order.
            prediction: of its window; None where it was not judged.
        """
        self._new_frames += stride.acoustics.new_active_frames
        if prediction is None or prediction.voice < self._threshold:
            return None
        inferred_end = stride.start_sample if self._inferred_end is None else self._inferred_end
        self._inferred_end = self._voice_end = stride.end_sample
        window = stride.acoustics.window
        frames = 0 if window is None else window.active_frames
        # Some of the new ones may have been heard before this window began.
        new_frames, self._new_frames = min(self._new_frames, frames), 0
        return Spoken(
            elapsed_seconds=(stride.end_sample - inferred_end) / SAMPLE_RATE,
            new_seconds=self._seconds(new_frames),
            seconds=self._seconds(frames),
        )

    def gives_up(self, stride: Stride) -> bool:
        """Whether sound without a voice has now lasted for a pause, since it last has."""
        if stride.end_sample - self._voice_end <= _PAUSE_SECONDS * SAMPLE_RATE:
            return False
        self._voice_end = stride.end_sample
        return True

    def _seconds(self, frames: int) -> float:
        return frames * self._hop_length / SAMPLE_RATE
