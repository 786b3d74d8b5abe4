"""Windows for training without a corpus."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.models.training.data.columns import Columns


@pytest.fixture
def columns() -> Columns:
    """Forty windows of actors of two folds, ten of each of two labels, and noises."""
    rows = 40
    number = np.arange(rows)
    is_voice = number < 30
    return Columns(
        label=np.where(is_voice, number % 2, -1),
        fold=np.where(is_voice, 1 + (number // 2) % 2, 0),
        corpus=np.where(is_voice, "ravdess-speech", "synthetic"),
        speaker=np.where(
            is_voice, np.char.add("ravdess-0", (2 + (number // 2) % 2).astype(str)), "synthetic"
        ),
        active_frames=np.full(rows, 150),
    )
