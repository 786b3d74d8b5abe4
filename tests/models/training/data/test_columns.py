"""A run never uses the held-out actors, in speech or in song."""

from __future__ import annotations

import pytest

from emotiond.models.training.data.columns import Columns


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_only_the_actors_of_a_fold_are_left_out_in_speech_and_song(
    columns: Columns, fold: int
) -> None:
    rows = columns.rows_without(fold)
    used = set(zip(columns.corpus[rows].tolist(), columns.fold[rows].tolist(), strict=True))
    assert not {("ravdess-speech", fold), ("ravdess-song", fold)} & used
    assert {("nemo", fold), ("esc10", fold)} <= used
    assert rows.size == columns.label.size - 4
    assert set(columns.rows_of(fold)).isdisjoint(rows)
    assert set(columns.speaker[columns.rows_of(fold)]) == {f"ravdess-speech-{fold}"}


def test_the_shipped_model_leaves_no_actor_out(columns: Columns) -> None:
    assert columns.rows_without(None).size == columns.label.size
    assert columns.rows_of(None).size == 0
