"""Detects which strides hold a voice, how much of it is new, and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.dsp.gate import GateSettings
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.classifier import Prediction
from emotiond.streamer.streams.stride import Stride

_PAUSE_SECONDS = GateSettings().stop_seconds
"""Speech ends after this time without a voice. The next speech needs a new label."""


@dataclass(frozen=True)
class Speech:
    """The speech in a window with a voice."""

    elapsed_seconds: float
    """Time since the last such window ended; since this window began, if it is the first."""
    new_seconds: float
    """Speech that was in no earlier window with a voice."""
    seconds: float
    """All speech in the window."""


class VoiceActivity:
    """Follows the strides of one stream.

    Args:
        threshold: a window holds a voice from this probability on.
        hop_length: samples from one frame to the next.
    """

    def __init__(self, threshold: float, hop_length: int) -> None:
        self._threshold = threshold
        self._hop_length = hop_length
        self._new_frames = 0  # active frames that no window with a voice has counted yet
        self.restart(0)

    def restart(self, position: int) -> None:
        """Forget everything before this sample."""
        self._inferred_end: int | None = None
        self._voice_end = position  # end of the last voice, or of the last noise that was ended

    def observe(self, stride: Stride, prediction: Prediction | None) -> Speech | None:
        """Return the speech in a stride's window; None if the window holds no voice.

        Args:
            stride: the next stride of the stream, without gaps.
            prediction: the prediction for its window; None without inference.
        """
        self._new_frames += stride.acoustics.new_active_frames
        if prediction is None or prediction.voice < self._threshold:
            return None
        inferred_end = stride.start_sample if self._inferred_end is None else self._inferred_end
        self._inferred_end = self._voice_end = stride.end_sample
        window = stride.acoustics.window
        frames = 0 if window is None else window.active_frames
        # Some of the new frames may lie before the start of this window.
        new_frames, self._new_frames = min(self._new_frames, frames), 0
        return Speech(
            elapsed_seconds=(stride.end_sample - inferred_end) / SAMPLE_RATE,
            new_seconds=self._seconds(new_frames),
            seconds=self._seconds(frames),
        )

    def gives_up(self, stride: Stride) -> bool:
        """Return whether sound without a voice has lasted for a pause. The count then restarts."""
        if stride.end_sample - self._voice_end <= _PAUSE_SECONDS * SAMPLE_RATE:
            return False
        self._voice_end = stride.end_sample
        return True

    def _seconds(self, frames: int) -> float:
        return frames * self._hop_length / SAMPLE_RATE
