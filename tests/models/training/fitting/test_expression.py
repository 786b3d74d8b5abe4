"""The effect of emotions on statistics is measured separately from the speaker."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.data.columns import Columns  # noqa: E402
from emotiond.models.training.fitting.expression import measure_expression  # noqa: E402
from emotiond.models.training.networks.heads import N_LABELS  # noqa: E402

SIZE = 6
RANDOM = np.random.default_rng(0)
MOVED = RANDOM.standard_normal((N_LABELS, SIZE))
MOVED -= MOVED.mean(axis=0)


def windows(speakers: int, labels: list[int]) -> tuple[np.ndarray, Columns]:
    """Statistics of different speakers, which emotions shift equally, and their metadata."""
    own = 3 * RANDOM.standard_normal((speakers, SIZE))
    label = np.tile(labels, speakers)
    speaker = np.repeat(np.arange(speakers), len(labels))
    columns = Columns(
        label=label,
        fold=np.ones(label.size, np.int64),
        corpus=np.full(label.size, "ravdess-speech"),
        speaker=speaker.astype(str),
        active_frames=RANDOM.integers(50, 300, label.size),
        stream=np.arange(label.size),
        varied=np.zeros(label.size, np.bool_),
    )
    return own[speaker] + MOVED[label], columns


def test_emotions_are_separated_from_speakers() -> None:
    statistics, columns = windows(5, [*range(N_LABELS), 0, 0, 3])
    expression = measure_expression(statistics, columns)
    np.testing.assert_allclose(expression, MOVED, atol=1e-5)


def test_only_speech_of_ravdess_counts() -> None:
    statistics, columns = windows(2, list(range(N_LABELS)))
    statistics[N_LABELS:] = 1e9
    columns.corpus[N_LABELS:] = "ravdess-joined"
    np.testing.assert_allclose(measure_expression(statistics, columns), MOVED, atol=1e-5)


def test_a_label_without_windows_shifts_nothing() -> None:
    statistics, columns = windows(3, [1, 2])
    expression = measure_expression(statistics, columns)
    assert np.isfinite(expression).all()
    assert not expression[[0, 3, 4, 5, 6, 7]].any()
