"""Metadata of windows from all corpora."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.models.training.data.columns import Columns

CORPORA = ("ravdess-speech", "ravdess-song", "nemo", "esc10", "synthetic")


@pytest.fixture
def columns() -> Columns:
    """Two windows of every corpus, fold and speaker."""
    rows = [
        (corpus, fold if corpus != "synthetic" else 0, f"{corpus}-{fold}")
        for corpus in CORPORA
        for fold in (1, 2, 3, 4)
        for _ in range(2)
    ]
    corpus, fold, speaker = (np.array(column) for column in zip(*rows, strict=True))
    is_voice = ~np.isin(corpus, ["esc10", "synthetic"])
    return Columns(np.where(is_voice, 3, -1), fold, corpus, speaker, np.full(len(rows), 150))
