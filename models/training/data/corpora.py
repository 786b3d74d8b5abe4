"""Reads the training corpora as published: speaker, label and fold of each clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from emotiond.dsp.mono import mix_down
from emotiond.exceptions import DataError, SourceError
from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.streamer.readers.sound_file import read_sound_file

FOLDS = ((2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24))
"""RAVDESS actors of each cross-validation fold, numbered from 1.

The first four of the five folds of Luna-Jiménez et al., *Multimodal Emotion Recognition on
RAVDESS Dataset Using Transfer Learning*, Sensors 21(22), 2021.
"""

TEST_FOLD = 5
"""Fold of the other actors (1, 4, 9, 22): not used for training or any choice."""

NOISE_TEST_FOLD = 4
"""Fold of ESC-10 for evaluation: no model is trained on it."""

_AUDIO = (".wav", ".flac", ".opus", ".ogg")
_RAVDESS_CHANNELS = {"01": "ravdess-speech", "02": "ravdess-song"}
_DUPLICATE = "03-01-03-01-02-02-07"  # the same recording as 03-01-03-01-02-01-07
_NEMO_LABELS = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprised",
}
_CREMA_D_LABELS = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}


@dataclass(frozen=True)
class Clip:
    """One recording."""

    path: Path
    corpus: str
    """``ravdess-speech``, ``ravdess-song``, ``nemo``, ``crema-d``, ``esc10`` or ``own``."""
    speaker: str
    """Unique over all corpora; for a noise, its kind, such as ``rain``."""
    label: str | None
    """One of the eight labels; None for a noise."""
    fold: int
    """Fold of a RAVDESS actor, an own speaker or an ESC-10 clip, from 1; 0 for corpora without
    folds."""

    @property
    def female(self) -> bool | None:
        """Whether a RAVDESS actor is a woman; women have even numbers. None for other speakers."""
        return int(self.speaker[-2:]) % 2 == 0 if self.corpus.startswith("ravdess") else None


def read_ravdess(folder: Path) -> list[Clip]:
    """Find RAVDESS clips, speech or song, with or without ``Actor_XX`` folders.

    Raises:
        DataError: there are none, or a name is not that of a RAVDESS clip.
    """
    clips = []
    for path in _audio_files(folder, "03-0?-*"):
        fields = path.stem.split("-")
        if len(fields) != 7 or not 1 <= int(fields[2]) <= len(LABELS):
            raise DataError(f"{path} is not named as RAVDESS names its clips", _REMEDY)
        if path.stem != _DUPLICATE:
            corpus = _RAVDESS_CHANNELS[fields[1]]
            label = LABELS[int(fields[2]) - 1]
            actor = int(fields[6])
            clips.append(Clip(path, corpus, f"ravdess-{actor:02d}", label, fold_of(actor)))
    return clips


def read_nemo(folder: Path) -> list[Clip]:
    """Find nEMO clips, named ``SPEAKER_emotion_number``.

    Raises:
        DataError: there are none, or a name is not that of a nEMO clip.
    """
    clips = []
    for path in _audio_files(folder, "*_*_*"):
        speaker, emotion, _ = path.stem.split("_", 2)
        if emotion not in _NEMO_LABELS:
            raise DataError(f"{path} is not named as nEMO names its clips", _REMEDY)
        clips.append(Clip(path, "nemo", f"nemo-{speaker}", _NEMO_LABELS[emotion], 0))
    return clips


def read_crema_d(folder: Path) -> list[Clip]:
    """Find CREMA-D clips, named ``ACTOR_SENTENCE_EMOTION_LEVEL``.

    Raises:
        DataError: there are none, or a name is not that of a CREMA-D clip.
    """
    clips = []
    for path in _audio_files(folder, "1???_*_*_*"):
        actor, _, emotion, _ = path.stem.split("_", 3)
        if emotion not in _CREMA_D_LABELS:
            raise DataError(f"{path} is not named as CREMA-D names its clips", _REMEDY)
        clips.append(Clip(path, "crema-d", f"crema-d-{actor}", _CREMA_D_LABELS[emotion], 0))
    return clips


def read_esc10(folder: Path) -> list[Clip]:
    """Find ESC-10 noises, in one folder per kind; the first digit of a name is the fold.

    Raises:
        DataError: there are none.
    """
    return [
        Clip(path, "esc10", path.parent.name, None, int(path.name[0]))
        for path in _audio_files(folder, "[1-5]-*")
    ]


def fold_of(actor: int) -> int:
    """Return the fold of a RAVDESS actor."""
    for number, actors in enumerate(FOLDS, 1):
        if actor in actors:
            return number
    return TEST_FOLD


def load_audio(path: Path) -> npt.NDArray[np.float32]:
    """Read a clip as 16 kHz mono, shape ``(n,)``, in −1 … 1.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        samples, rate = read_sound_file(str(path))
    except SourceError as error:
        raise DataError(f"cannot read {error.problem}", "Download the corpus again") from error
    mono = mix_down(samples, rate)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    return np.ascontiguousarray(mono, np.float32)


_REMEDY = "Give the folder that the corpus was unpacked into, see models/README.md"


def _audio_files(folder: Path, pattern: str) -> list[Path]:
    files = sorted(
        path for path in folder.rglob(pattern) if path.is_file() and path.suffix in _AUDIO
    )
    if not files:
        raise DataError(f"{folder} holds no clip named {pattern}", _REMEDY)
    return files
