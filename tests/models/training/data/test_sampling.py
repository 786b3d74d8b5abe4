"""Batches are drawn from the allowed rows alone, and repeatably."""

from __future__ import annotations

import numpy as np

from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.sampling import VOICES_AND_NOISES, Sampler

CORPORA = ["ravdess-speech", "ravdess-song", "nemo", "esc10", "synthetic"]


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


def test_batches_draw_from_the_rows_alone_and_know_speakers_by_them() -> None:
    known = columns()
    rows = known.rows_without(2)
    statistics = np.where(np.isin(np.arange(known.label.size), rows), 1.0, np.nan)[:, None]
    sampler = Sampler(known, rows, statistics.astype(np.float32), 32, VOICES_AND_NOISES, seed=0)
    for step in range(20):
        batch = sampler.batch(step)
        assert batch.rows.size == 32
        assert set(batch.rows) <= set(rows)
        assert np.isfinite(batch.speaker).all()  # NaN stands for the people left out
        np.testing.assert_array_equal(batch.is_voice[:, 0] > 0, known.label[batch.rows] >= 0)


def test_a_step_of_a_seed_is_always_the_same() -> None:
    known = columns()
    one, again, other = (
        Sampler(
            known, known.rows_without(1), np.ones((40, 1), np.float32), 32, VOICES_AND_NOISES, s
        )
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.batch(7).rows, again.batch(7).rows)
    assert one.batch(7).rows.tolist() != other.batch(7).rows.tolist()
    assert one.batch(7).rows.tolist() != one.batch(8).rows.tolist()
