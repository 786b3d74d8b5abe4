"""Test streams consist of blocks of one emotion each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile

from emotiond.inference.card import LABELS
from emotiond.models.training.data.corpora import Clip
from emotiond.models.training.evaluation.streams import (
    actor_random,
    make_stream,
)
from tests.models.sounds import RATE, babble

STRIDE = 4000


def write_clips(folder: Path, actor: str, lengths: Sequence[float]) -> list[Clip]:
    """Write happy clips of these durations."""
    clips = []
    for number, seconds in enumerate(lengths):
        path = folder / f"{number}.wav"
        soundfile.write(path, babble(seconds, seed=number), RATE)
        clips.append(Clip(path, "ravdess-speech", actor, "happy", 1))
    return clips


def test_blocks_hold_one_emotion_and_last_10_to_15_seconds(clips: list[Clip]) -> None:
    stream = make_stream(clips, seed=0)
    seconds = [(block.end_sample - block.start_sample) / RATE for block in stream.blocks]
    assert all(10 <= s <= 15 for s in seconds)
    assert sorted(LABELS[block.label] for block in stream.blocks) == ["happy", "happy", "neutral"]
    assert stream.blocks[-1].end_sample == stream.samples.size == stream.is_speech.size * 160


def test_blocks_of_whole_clips_are_close_to_that(tmp_path: Path) -> None:
    lengths = (3.1, 3.3, 3.5, 3.6, 3.8, 4.0, 4.4, 5.0)
    stream = make_stream(write_clips(tmp_path, "ravdess-02", lengths), seed=0)
    seconds = [(block.end_sample - block.start_sample) / RATE for block in stream.blocks]
    assert sum(seconds) == pytest.approx(sum(lengths))
    assert all(9 <= s <= 15.5 for s in seconds)


def test_one_clip_is_a_block(tmp_path: Path) -> None:
    stream = make_stream(write_clips(tmp_path, "ravdess-02", (3.1,)), seed=0)
    assert len(stream.blocks) == 1


def test_the_order_depends_on_the_actor(tmp_path: Path) -> None:
    orders = []
    for actor in ("ravdess-02", "ravdess-03"):
        (tmp_path / actor).mkdir()
        clips = write_clips(tmp_path / actor, actor, (3.1, 3.3, 3.5, 3.6, 3.8, 4.0, 4.4, 5.0))
        orders.append(actor_random(clips, 0).permutation(len(clips)).tolist())
        assert orders[-1] == actor_random(clips, 0).permutation(len(clips)).tolist()
    assert orders[0] != orders[1]


def test_the_order_depends_on_the_seed(clips: list[Clip]) -> None:
    first, again, other = (make_stream(clips, seed).blocks for seed in (0, 0, 3))
    assert first == again
    assert first != other
