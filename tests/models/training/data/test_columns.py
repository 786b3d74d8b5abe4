"""A run never uses the held-out actors, in speech, in song or in joined clips."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from emotiond.models.training.data.columns import JOINED, Columns


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_only_the_actors_of_a_fold_are_left_out_of_all_that_they_said_and_sang(
    columns: Columns, fold: int
) -> None:
    rows = columns.rows_without(fold)
    left_out = np.setdiff1d(np.arange(columns.label.size), rows)
    assert set(columns.speaker[left_out]) == {f"ravdess-{fold}"}
    assert f"ravdess-{fold}" not in columns.speaker[rows]
    assert set(columns.corpus[left_out]) == {"ravdess-speech", JOINED, "ravdess-song"}
    assert ("esc10", fold) in zip(columns.corpus[rows], columns.fold[rows], strict=True)


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_the_speech_of_its_actors_is_what_a_fold_is_judged_by(columns: Columns, fold: int) -> None:
    rows = columns.rows_of(fold)
    assert set(columns.speaker[rows]) == {f"ravdess-{fold}"}
    assert set(columns.corpus[rows]) == {"ravdess-speech"}
    assert set(rows).isdisjoint(columns.rows_without(fold))


def test_the_shipped_model_leaves_no_actor_out(columns: Columns) -> None:
    assert columns.rows_without(None).size == columns.label.size
    assert columns.rows_of(None).size == 0


def test_taking_rows_takes_them_from_every_column(columns: Columns) -> None:
    taken = columns.take(np.array([3, 30]))
    for field in dataclasses.fields(Columns):
        column = getattr(columns, field.name)
        assert getattr(taken, field.name).tolist() == column[[3, 30]].tolist()


def test_each_stream_among_the_rows_gives_one_of_them(columns: Columns) -> None:
    rows = columns.rows_without(2)
    chosen = columns.one_of_each_stream(rows, np.random.default_rng(0))
    assert set(chosen) <= set(rows)
    assert sorted(columns.stream[chosen]) == sorted(set(columns.stream[rows]))


def test_a_window_is_chosen_in_proportion_to_its_speech() -> None:
    n = 4000
    one_in_four = np.tile([300, 100], n)
    columns = Columns(
        label=np.zeros(2 * n, np.int64),
        fold=np.ones(2 * n, np.int64),
        corpus=np.full(2 * n, "ravdess-speech"),
        speaker=np.full(2 * n, "ravdess-02"),
        active_frames=one_in_four,
        stream=np.repeat(np.arange(n), 2),
        varied=np.zeros(2 * n, np.bool_),
    )
    chosen = columns.one_of_each_stream(np.arange(2 * n), np.random.default_rng(0))
    assert np.mean(one_in_four[chosen] == 300) == pytest.approx(0.75, abs=0.03)
