"""Metadata of windows from all corpora."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.models.training.data.columns import JOINED, Columns

CORPORA = ("ravdess-speech", JOINED, "ravdess-song", "nemo", "esc10", "synthetic")
WITHOUT_FOLDS = ("nemo", "synthetic")


@pytest.fixture
def columns() -> Columns:
    """Two streams of every corpus, fold and speaker; the second has two windows."""
    rows = [
        (corpus, fold if corpus not in WITHOUT_FOLDS else 0, speaker, stream)
        for corpus in CORPORA
        for fold in (1, 2, 3, 4)
        for speaker in [f"{'ravdess' if corpus.startswith('ravdess') else corpus}-{fold}"]
        for stream in (1, 2, 2)
    ]
    corpus, fold, speaker, copy = (np.array(column) for column in zip(*rows, strict=True))
    number = np.arange(len(rows))
    is_voice = ~np.isin(corpus, ["esc10", "synthetic"])
    return Columns(
        label=np.where(is_voice, 3, -1),
        fold=fold,
        corpus=corpus,
        speaker=speaker,
        active_frames=100 + number,
        stream=2 * (number // 3) + copy,
        varied=copy == 2,
    )
