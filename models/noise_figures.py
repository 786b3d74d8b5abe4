"""How rarely a noise gets a label, and how rarely speech is taken for noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.card import SAMPLE_RATE, Card
from models.augment import Samples, change_gain, coloured_noise
from models.corpora import Clip, load_audio
from models.hearing import HeardClip, Hearing
from models.listening import Step, conclude

_SECONDS = 10
_WHITE_DBFS = (-60, -40, -20, -6)
_VOICES = ("baby_cry", "person_sneeze")
"""Kinds of ESC-10 that people make; counted apart."""


def noise_table(hearing: Hearing, esc10: Sequence[Clip], card: Card) -> dict[str, float]:
    """Share of strides that carry a label, by kind of noise."""
    kinds: dict[str, list[Samples]] = {}
    for clip in esc10:
        kinds.setdefault(clip.speaker, []).append(load_audio(clip.path))
    random = np.random.default_rng(0)
    for level in _WHITE_DBFS:
        white = coloured_noise(_SECONDS * SAMPLE_RATE, 0.0, random)
        kinds[f"white noise at {level} dBFS"] = [change_gain(white, level + 20)]
    kinds["digital silence"] = [np.zeros(_SECONDS * SAMPLE_RATE, np.float32)]
    heard = {kind: hearing.noise(kind, sounds) for kind, sounds in kinds.items()}
    table = {kind: _labelled_share(parts, card) for kind, parts in heard.items()}
    quiet = [steps for kind, parts in heard.items() if kind not in _VOICES for steps in parts]
    table["all but sneezes and babies"] = _labelled_share(quiet, card)
    table["all"] = _labelled_share([steps for parts in heard.values() for steps in parts], card)
    return table


def open_share(heard: Sequence[Sequence[HeardClip]], cards: Sequence[Card]) -> dict[str, float]:
    """Share of the seconds in which the level gate was open that the voice output let pass."""
    seconds, kept = 0.0, 0.0
    for fold, card in zip(heard, cards, strict=True):
        for part in fold:
            for step in part.steps:
                window, prediction = step.turn.heard.window, step.prediction
                if window is None or prediction is None:
                    continue
                seconds += window.active_frames
                if prediction.voice >= card.voice_threshold:
                    kept += window.active_frames
    return {"speech_kept_open": round(kept / max(1.0, seconds), 4)}


def _labelled_share(parts: Sequence[Sequence[Step]], card: Card) -> float:
    labelled = [v.label is not None for steps in parts for v in conclude(steps, card)]
    return round(float(np.mean(labelled)), 4)
