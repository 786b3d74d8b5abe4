"""What a run may see: nobody who is left out, in speech or in song."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.sampling import VOICES_AND_NOISES, Columns, Sampler

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


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_a_fold_s_actors_are_left_out_in_speech_and_song_and_nothing_else_is(fold: int) -> None:
    known = columns()
    rows = known.rows_without(fold)
    seen = set(zip(known.corpus[rows].tolist(), known.fold[rows].tolist(), strict=True))
    assert not {("ravdess-speech", fold), ("ravdess-song", fold)} & seen
    assert {("nemo", fold), ("esc10", fold)} <= seen
    assert rows.size == known.label.size - 4
    assert set(known.rows_of(fold)).isdisjoint(rows)
    assert set(known.speaker[known.rows_of(fold)]) == {f"ravdess-speech-{fold}"}


def test_the_shipped_model_leaves_nobody_out() -> None:
    known = columns()
    assert known.rows_without(None).size == known.label.size
    assert known.rows_of(None).size == 0


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
