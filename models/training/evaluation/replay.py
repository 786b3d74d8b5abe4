"""Infers recordings as the daemon does, and repeats its decisions with other settings.

Inference runs once and keeps the prediction of every window. Scores, labels and states depend on
settings that are fitted later. The daemon's pipeline computes them from the kept predictions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.inference.adaptation import Speaker
from emotiond.inference.card import Card
from emotiond.inference.classifier import Classifier, Prediction, softmax
from emotiond.models.training.data.windows import STRIDE_SAMPLES
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.streams.adapter import Adapter
from emotiond.streamer.streams.decider import Decider, Decision
from emotiond.streamer.streams.pipeline import Pipeline
from emotiond.streamer.streams.stride import Stride
from emotiond.streamer.streams.summary import SpeechMean


@dataclass(frozen=True)
class Step:
    """One stride of a recording."""

    stride: Stride
    prediction: Prediction | None


def infer(
    classifier: Classifier,
    samples: npt.NDArray[np.float32],
    speaker: Speaker | None = None,
) -> list[Step]:
    """Infer a recording with a new pipeline.

    Args:
        classifier: the model.
        samples: 16 kHz mono, shape ``(n,)``.
        speaker: statistics from earlier speech, which are updated; None for a cold start.
    """
    pipeline = Pipeline(classifier.card, classifier.encoding(), speaker or classifier.speaker())
    steps = []
    for start in range(0, samples.shape[0], STRIDE_SAMPLES):
        end = start + STRIDE_SAMPLES
        chunk = Chunk(samples[start:end], start, start == 0, end >= samples.shape[0])
        stride = pipeline.push(chunk)
        prediction = pipeline.infer(stride, classifier)
        pipeline.adapt(stride, prediction)
        steps.append(Step(_without_features(stride), prediction))
    return steps


def decide(steps: Sequence[Step], card: Card) -> list[Decision]:
    """Return what the daemon would publish with this card's temperature, threshold and smoothing.

    The predictions must come from a card with temperature 1.
    """
    return decide_tempered(tempered(steps, card.temperature), card)


def tempered(steps: Sequence[Step], temperature: float) -> list[Step]:
    """Convert the predictions from temperature 1 to another one; drop their statistics."""
    return [
        step
        if (prediction := step.prediction) is None
        else Step(
            step.stride,
            Prediction(retempered(prediction.posteriors, temperature), prediction.voice, None),
        )
        for step in steps
    ]


def decide_tempered(steps: Sequence[Step], card: Card) -> list[Decision]:
    """Like :func:`decide`, for predictions that already have the card's temperature."""
    decider = Decider(card)
    return [decider.decide(step.stride, step.prediction) for step in steps]


def adapt_to(steps: Sequence[Step], card: Card, speaker: Speaker) -> None:
    """Update a speaker's statistics with these steps, as the daemon would."""
    adapter = Adapter(speaker, card.recipe.hop_length)
    for step in steps:
        adapter.observe(step.stride, step.prediction)


def clip_scores(steps: Sequence[Step], card: Card) -> FloatArray | None:
    """Return the mean posteriors of a clip, ``(8,)``, as ``analyze`` does; None without a voice."""
    mean = SpeechMean()
    for step in steps:
        window, prediction = step.stride.acoustics.window, step.prediction
        if window is None or prediction is None or prediction.voice < card.voice_threshold:
            continue
        mean.add(window, retempered(prediction.posteriors, card.temperature))
    return mean.result()


def retempered(posteriors: FloatArray, temperature: float) -> FloatArray:
    """Convert posteriors ``(…, 8)`` from temperature 1 to another one."""
    logits = np.log(np.maximum(posteriors, 1e-12))
    return softmax(logits / temperature)


def _without_features(stride: Stride) -> Stride:
    """Return the stride without the features, which the front end overwrites."""
    window = stride.acoustics.window
    if window is None:
        return stride
    bare = dataclasses.replace(window, features=np.empty((0, 0), np.float32))
    return dataclasses.replace(stride, acoustics=dataclasses.replace(stride.acoustics, window=bare))
