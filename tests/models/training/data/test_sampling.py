"""Batches come from the allowed rows only, and they are repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.sampling import VOICES, VOICES_AND_NOISES, Sampler


def test_batches_and_speaker_statistics_come_from_the_rows_only(columns: Columns) -> None:
    rows = columns.rows_without(2)
    statistics = np.where(np.isin(np.arange(columns.label.size), rows), 1.0, np.nan)[:, None]
    sampler = Sampler(columns, rows, statistics.astype(np.float32), 32, VOICES_AND_NOISES, seed=0)
    for step in range(20):
        batch = sampler.batch(step)
        assert batch.rows.size == 32
        assert set(batch.rows) <= set(rows)
        assert np.isfinite(batch.speaker).all()  # NaN stands for the held-out actors
        np.testing.assert_array_equal(batch.is_voice[:, 0] > 0, columns.label[batch.rows] >= 0)


def test_a_step_of_a_seed_is_always_the_same(columns: Columns) -> None:
    rows, statistics = columns.rows_without(1), np.ones((40, 1), np.float32)
    one, again, other = (
        Sampler(columns, rows, statistics, 32, VOICES_AND_NOISES, seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.batch(7).rows, again.batch(7).rows)
    assert one.batch(7).rows.tolist() != other.batch(7).rows.tolist()
    assert one.batch(7).rows.tolist() != one.batch(8).rows.tolist()


@pytest.mark.parametrize("shares", [VOICES, VOICES_AND_NOISES])
def test_a_batch_has_the_shares_of_its_corpora(columns: Columns, shares: dict[str, float]) -> None:
    rows, statistics = np.arange(columns.label.size), np.zeros((40, 1), np.float32)
    batch = Sampler(columns, rows, statistics, 100, shares, seed=0).batch(0)
    for name, share in shares.items():
        count = np.sum(columns.corpus[batch.rows] == name)
        assert count == pytest.approx(100 * share, abs=1)


def test_a_corpus_without_rows_leaves_its_share_to_the_first(columns: Columns) -> None:
    rows = np.flatnonzero(columns.corpus == "ravdess-speech")
    batch = Sampler(columns, rows, np.zeros((40, 1), np.float32), 32, VOICES, seed=0).batch(0)
    assert batch.rows.size == 32
    assert set(columns.corpus[batch.rows]) == {"ravdess-speech"}
