"""Measures how often noise gets a label, and how often speech counts as noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emotiond.inference.card import SAMPLE_RATE, Card
from emotiond.models.training.data.augment import Samples, change_gain, coloured_noise
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.data.joining import FRAME_SAMPLES
from emotiond.models.training.data.windows import STRIDE_SAMPLES
from emotiond.models.training.evaluation.cached_inference import (
    CachedInference,
    InferredClip,
    InferredStream,
)
from emotiond.models.training.evaluation.replay import Step, decide

_SECONDS = 10
_WHITE_DBFS = (-60, -40, -20, -6)
_VOICES = ("baby_cry", "person_sneeze")
"""Kinds of ESC-10 noises made by people, counted separately."""
_PAUSE_SECONDS = 2
"""Pause between a voice and the noise after it, longer than pauses in speech."""


def noise_table(
    inference: CachedInference, esc10: Sequence[Clip], voice: Clip, card: Card
) -> dict[str, float]:
    """Return the share of strides with a label, by kind of noise, also after a voice."""
    kinds: dict[str, list[Samples]] = {}
    for clip in esc10:
        kinds.setdefault(clip.speaker, []).append(load_audio(clip.path))
    random = np.random.default_rng(0)
    for level in _WHITE_DBFS:
        white = coloured_noise(_SECONDS * SAMPLE_RATE, 0.0, random)
        kinds[f"white noise at {level} dBFS"] = [change_gain(white, level + 20)]
    kinds["digital silence"] = [np.zeros(_SECONDS * SAMPLE_RATE, np.float32)]
    inferred = {kind: inference.noise(kind, sounds) for kind, sounds in kinds.items()}
    table = {kind: _labelled_share(parts, card) for kind, parts in inferred.items()}
    quiet = [steps for kind, parts in inferred.items() if kind not in _VOICES for steps in parts]
    table["all but sneezes and babies"] = _labelled_share(quiet, card)
    spoken = np.append(load_audio(voice.path), np.zeros(_PAUSE_SECONDS * SAMPLE_RATE, np.float32))
    sounds = [s for kind, parts in kinds.items() if kind not in _VOICES for s in parts]
    after = inference.noise("after-a-voice", [np.append(spoken, sound) for sound in sounds])
    skipped = -(-spoken.size // STRIDE_SAMPLES)
    table["the same, after a voice and a pause"] = _labelled_share(after, card, skipped)
    table["all"] = _labelled_share([steps for parts in inferred.values() for steps in parts], card)
    return table


def open_share(
    inferred: Sequence[Sequence[InferredStream]], cards: Sequence[Card]
) -> dict[str, float]:
    """Return the share of speech frames in windows that count as a voice."""
    speech, kept = 0, 0
    for fold, card in zip(inferred, cards, strict=True):
        for part in fold:
            is_open = np.zeros_like(part.stream.is_speech)
            for step in part.steps:
                if step.prediction is not None and step.prediction.voice >= card.voice_threshold:
                    start = step.stride.start_sample // FRAME_SAMPLES
                    is_open[start : step.stride.end_sample // FRAME_SAMPLES] = True
            speech += int(part.stream.is_speech.sum())
            kept += int(np.sum(part.stream.is_speech & is_open))
    return {"speech_kept_open": round(kept / speech, 4)}


def share_without_voice(clips: Sequence[InferredClip], card: Card) -> float:
    """Return the share of clips in which no window counts as a voice."""
    voices = [
        max((step.prediction.voice for step in clip.steps if step.prediction), default=0.0)
        for clip in clips
    ]
    return round(float(np.mean(np.array(voices) < card.voice_threshold)), 4)


def _labelled_share(parts: Sequence[Sequence[Step]], card: Card, skipped: int = 0) -> float:
    """Return the share of labelled strides, without the first few of each part."""
    decided = [v for steps in parts for v in decide(steps, card)[skipped:]]
    labelled = [decision.label is not None for decision in decided]
    return round(float(np.mean(labelled)), 4)
