"""Windows for training without a corpus."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from emotiond.models.training.data.columns import JOINED, Columns

if TYPE_CHECKING:
    from emotiond.models.training.data.examples import Streams

CHANNELS = 768
STREAMS = {"ravdess-speech": 16, JOINED: 6, "ravdess-song": 6, "nemo": 6, "synthetic": 6}
"""Streams of each corpus, those of RAVDESS by actors of two folds in turn."""


@pytest.fixture
def columns() -> Columns:
    """Two windows of each stream. The labels are 0 and 1 in turn, or none."""
    corpus = np.repeat([*STREAMS], [*STREAMS.values()])
    number = np.arange(corpus.size)
    is_voice = corpus != "synthetic"
    actor = 2 + number % 2
    ravdess = np.char.startswith(corpus, "ravdess")
    columns = Columns(
        label=np.where(is_voice, (number // 2) % 2, -1),
        fold=np.where(ravdess, actor - 1, 0),
        corpus=corpus,
        speaker=np.where(ravdess, np.char.add("ravdess-0", actor.astype(str)), corpus),
        active_frames=50 + number,
        stream=number,
        varied=number % 4 > 1,
    )
    return columns.take(np.repeat(number, 2))


@pytest.fixture
def streams(columns: Columns) -> Streams:
    """One speech in each stream, of 40 to 423 frames, whose windows are its middle and end."""
    pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")
    from emotiond.models.training.data.examples import Streams

    random = np.random.default_rng(0)
    n = len(np.unique(columns.stream))
    n_states = random.integers(10, 106, n)
    n_frames = 4 * n_states + random.integers(1, 5, n)
    end_states = np.stack((n_states // 2 + 3, n_states), axis=1).ravel()
    end_frames = np.stack((4 * (n_states // 2 + 3) + 2, n_frames), axis=1).ravel()
    first_states = np.repeat(np.cumsum(n_states) - n_states, 2)
    first_frames = np.repeat(np.cumsum(n_frames) - n_frames, 2)
    return Streams(
        states=random.standard_normal((n_states.sum(), CHANNELS)).astype(np.float16),
        levels=random.uniform(4, 9, n_states.sum()).astype(np.float32),
        mel=random.uniform(-8, -1, (n_frames.sum(), 80)).astype(np.float16),
        first_state=first_states,
        end_state=first_states + end_states,
        first_frame=first_frames,
        end_frame=first_frames + end_frames,
        columns=columns,
    )


@pytest.fixture
def others(streams: Streams) -> Streams:
    """The same streams, but all of the actors of fold 1 is different: sounds and labels."""
    columns = streams.columns
    ravdess = np.char.startswith(columns.corpus, "ravdess")
    held_out = ravdess & (columns.fold == 1)
    states, levels, mel = streams.states.copy(), streams.levels.copy(), streams.mel.copy()
    for row in np.flatnonzero(held_out).tolist():
        own = slice(streams.first_state[row], streams.end_state[row])
        states[own] = 2 - 3 * states[own]
        levels[own] = levels[own][::-1]
        frames = slice(streams.first_frame[row], streams.end_frame[row])
        mel[frames] = mel[frames][::-1] / 2

    def changed(
        column: npt.NDArray[np.int64], other: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        return np.where(held_out, other, column)

    return dataclasses.replace(
        streams,
        states=states,
        levels=levels,
        mel=mel,
        columns=dataclasses.replace(
            columns,
            label=changed(columns.label, 5 + columns.label),
            active_frames=changed(columns.active_frames, 300 - columns.active_frames),
        ),
    )
