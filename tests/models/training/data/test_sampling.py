"""Batches come from the allowed rows only, and they are repeatable."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from emotiond.models.training.data.columns import JOINED, OWN, OWN_JOINED, Columns
from emotiond.models.training.data.sampling import (
    OWN_VOICES,
    VOICES,
    VOICES_AND_NOISES,
    Sampler,
)


def sampler(
    columns: Columns,
    rows: npt.NDArray[np.int64] | None = None,
    batch_size: int = 32,
    shares: Mapping[str, float] = VOICES_AND_NOISES,
    seed: int = 0,
) -> Sampler:
    """A sampler whose statistics are the number of each measured row."""
    rows = np.arange(columns.label.size) if rows is None else rows
    measured = columns.one_of_each_stream(rows, np.random.default_rng(0))
    statistics = measured[:, None].astype(np.float32)
    return Sampler(columns, rows, measured, statistics, batch_size, shares, seed)


def test_a_batch_holds_only_allowed_rows(columns: Columns) -> None:
    rows = columns.rows_without(2)
    source = sampler(columns, rows)
    for step in range(20):
        batch = source.batch(step)
        assert batch.rows.size == 32
        assert set(batch.rows) <= set(rows)
        np.testing.assert_array_equal(batch.is_voice[:, 0] > 0, columns.label[batch.rows] >= 0)


def test_statistics_are_those_of_the_same_speaker_and_corpus(columns: Columns) -> None:
    """Those of joined clips are those of the actor's speech. Each is a weighted mean and zeros."""
    source = sampler(columns)
    known = set()
    for step in range(40):
        batch = source.batch(step)
        for row, (value,) in zip(batch.rows, batch.speaker, strict=True):
            if value == 0:
                continue
            corpus = str(columns.corpus[row]).replace(JOINED, "ravdess-speech")
            own = np.flatnonzero(
                (columns.corpus == corpus) & (columns.speaker == columns.speaker[row])
            )
            known.add(str(columns.corpus[row]))
            assert value <= own.max()
            assert corpus == "ravdess-speech" or value > 0.05 * own.min()
    assert known == {"ravdess-speech", JOINED, "ravdess-song", "nemo"}


def test_about_half_of_the_voices_come_from_an_unknown_speaker(columns: Columns) -> None:
    source = sampler(columns, columns.rows_without(1), shares=VOICES)
    unknown = np.concatenate([source.batch(step).speaker[:, 0] == 0 for step in range(40)])
    assert unknown.mean() == pytest.approx(0.5, abs=0.06)


def test_a_step_of_a_seed_is_always_the_same(columns: Columns) -> None:
    one, again, other = (sampler(columns, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.batch(7).rows, again.batch(7).rows)
    np.testing.assert_array_equal(one.batch(7).speaker, again.batch(7).speaker)
    assert one.batch(7).rows.tolist() != other.batch(7).rows.tolist()
    assert one.batch(7).rows.tolist() != one.batch(8).rows.tolist()


def test_each_label_of_own_clips_is_drawn_equally_often(columns: Columns) -> None:
    number = np.arange(columns.label.size)
    label = np.where(number % 8 == 0, 4, 3)
    own = dataclasses.replace(columns, label=label, corpus=np.full(number.size, OWN))
    source = sampler(own, shares=OWN_VOICES)
    drawn = np.concatenate([own.label[source.batch(step).rows] for step in range(40)])
    assert np.mean(drawn == 4) == pytest.approx(0.5, abs=0.05)


def test_statistics_of_own_joined_clips_are_those_of_own_clips(columns: Columns) -> None:
    corpus = np.where(np.arange(columns.label.size) < 60, OWN, OWN_JOINED)
    own = dataclasses.replace(
        columns,
        label=np.arange(corpus.size) % 2,
        corpus=corpus,
        speaker=np.full(corpus.size, "own-000"),
    )
    source = sampler(own, shares=OWN_VOICES)
    batches = [source.batch(step) for step in range(20)]
    values = np.concatenate([batch.speaker[:, 0] for batch in batches])
    joined = np.concatenate([own.corpus[batch.rows] == OWN_JOINED for batch in batches])
    assert values[joined].max() > 0
    assert values.max() < 60


@pytest.mark.parametrize("shares", [VOICES, VOICES_AND_NOISES])
def test_a_batch_has_the_shares_of_its_corpora(columns: Columns, shares: dict[str, float]) -> None:
    assert sum(shares.values()) == pytest.approx(1)
    batch = sampler(columns, batch_size=100, shares=shares).batch(0)
    for name, share in shares.items():
        count = np.sum(columns.corpus[batch.rows] == name)
        assert count == pytest.approx(100 * share, abs=1)


def test_a_corpus_without_rows_leaves_its_share_to_the_first(columns: Columns) -> None:
    rows = np.flatnonzero(columns.corpus == "ravdess-speech")
    batch = sampler(columns, rows, shares=VOICES).batch(0)
    assert batch.rows.size == 32
    assert set(columns.corpus[batch.rows]) == {"ravdess-speech"}


def test_every_stream_of_a_corpus_is_drawn_equally_often() -> None:
    """One stream has ten windows, the other one. In a stream, more speech is drawn more often."""
    active = np.array([30, *([10] * 9), 50])
    columns = Columns(
        label=np.zeros(11, np.int64),
        fold=np.ones(11, np.int64),
        corpus=np.full(11, "nemo"),
        speaker=np.full(11, "nemo-AB"),
        active_frames=active,
        stream=np.array([0] * 10 + [1]),
        varied=np.ones(11, np.bool_),
    )
    source = sampler(columns, batch_size=4000, shares={"nemo": 1.0})
    drawn = np.bincount(source.batch(0).rows, minlength=11) / 4000
    assert drawn[10] == pytest.approx(0.5, abs=0.03)
    assert drawn[0] == pytest.approx(0.5 * 30 / 120, abs=0.03)


def test_half_of_the_drawn_clips_are_unvaried() -> None:
    """One of ten streams is as recorded."""
    columns = Columns(
        label=np.zeros(10, np.int64),
        fold=np.ones(10, np.int64),
        corpus=np.full(10, "ravdess-speech"),
        speaker=np.full(10, "ravdess-01"),
        active_frames=np.full(10, 100),
        stream=np.arange(10),
        varied=np.arange(10) > 0,
    )
    source = sampler(columns, batch_size=4000, shares={"ravdess-speech": 1.0})
    assert np.mean(source.batch(0).rows == 0) == pytest.approx(0.5, abs=0.03)
