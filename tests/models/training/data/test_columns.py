"""A run never sees the actors that are left out, in speech or in song."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.models.training.data.columns import Columns

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
