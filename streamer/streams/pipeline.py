"""Turns the chunks of one stream into decisions. The same chunks always give the same decisions."""

from __future__ import annotations

from emotiond.dsp.frontend import FrontEnd
from emotiond.inference.adaptation import Speaker
from emotiond.inference.card import SAMPLE_RATE, Card
from emotiond.inference.classifier import Classifier, Prediction
from emotiond.inference.encoding import Encoding
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.streams.adapter import Adapter
from emotiond.streamer.streams.decider import Decider, Decision
from emotiond.streamer.streams.stride import Stride

WARMUP_SECONDS = 0.5
"""The model does not run for this long after the start or a loss of audio, but at the end."""


class Pipeline:
    """The state of one stream between ring and hub. It belongs to one worker.

    Each chunk passes four steps: push, infer, adapt, decide. The last step, whose settings are
    fitted, does not influence the first three.

    Args:
        card: that of the model.
        encoding: the state of the encoder, new.
        speaker: initial statistics of the speaker; None for a model that does not adapt.
    """

    def __init__(self, card: Card, encoding: Encoding, speaker: Speaker | None) -> None:
        self._front_end = FrontEnd(card.recipe, card.shape)
        self._encoding = encoding
        self._adapter = Adapter(speaker, card.recipe.hop_length)
        self._decider = Decider(card)
        self._origin = 0  # position at which the front end last restarted
        self._pushed_samples = 0  # since that restart

    def process(self, chunk: Chunk, classifier: Classifier) -> Decision:
        """Take all four steps for one chunk."""
        stride = self.push(chunk)
        prediction = self.infer(stride, classifier)
        self.adapt(stride, prediction)
        return self._decider.decide(stride, prediction)

    def push(self, chunk: Chunk) -> Stride:
        """Compute level, gate and features of the next chunk."""
        if chunk.after_cut:
            self._front_end.restart()
            self._adapter.restart(chunk.position)
            self._decider.restart(chunk.position)
            self._origin = chunk.position
            self._pushed_samples = 0
        self._pushed_samples += chunk.samples.shape[0]
        acoustics = self._front_end.push(chunk.samples)
        is_warm = self._pushed_samples >= WARMUP_SECONDS * SAMPLE_RATE
        return Stride(
            acoustics=acoustics,
            start_sample=self._origin + acoustics.start_sample,
            end_sample=self._origin + acoustics.end_sample,
            warm=is_warm or chunk.last,
            is_new=chunk.samples.shape[0] > 0 or (not is_warm and self._pushed_samples > 0),
        )

    def infer(self, stride: Stride, classifier: Classifier) -> Prediction | None:
        """Run the model on a stride's window. Returns None if the stride needs no inference."""
        window = stride.acoustics.window
        if not stride.needs_inference or window is None:
            return None
        return classifier.infer(window, self._encoding, self._adapter.speaker)

    def adapt(self, stride: Stride, prediction: Prediction | None) -> None:
        """Adapt to the speaker, or end speech without a voice, for later strides."""
        if self._adapter.observe(stride, prediction):
            self._front_end.end_speech()
