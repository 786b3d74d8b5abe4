"""Adapts to the speaker of one stream, and ends speech that holds no voice."""

from __future__ import annotations

from emotiond.inference.adaptation import Speaker
from emotiond.inference.classifier import Prediction
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.voice_activity import VoiceActivity

LIKELY_VOICE = 0.5
"""From this probability on, a window counts as a voice here, which affects where later windows
begin and the statistics of the speaker. It is fixed. The card's threshold, which is fitted, only
affects what is published. So one pass over a file serves to try any settings."""


class Adapter:
    """Follows the predictions of one stream, for the sake of later ones.

    Args:
        speaker: the statistics to update; None for a model that does not adapt.
        hop_length: samples from one frame to the next.
    """

    def __init__(self, speaker: Speaker | None, hop_length: int) -> None:
        self.speaker = speaker
        self._voice = VoiceActivity(LIKELY_VOICE, hop_length)

    def restart(self, position: int) -> None:
        """Forget everything before this sample, except the speaker."""
        self._voice.restart(position)

    def observe(self, stride: Stride, prediction: Prediction | None) -> bool:
        """Update the speaker's statistics.

        Args:
            stride: the last stride.
            prediction: the prediction for its window; None if it needs no inference.

        Returns:
            Whether the present speech must end, since it has held no voice for a pause.
        """
        speech = self._voice.observe(stride, prediction)
        if prediction is None:
            return False
        if speech is None:
            return self._voice.gives_up(stride)
        if self.speaker is not None and prediction.statistics is not None:
            self.speaker.update(prediction.statistics, speech.new_seconds)
        return False
