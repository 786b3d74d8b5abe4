"""Make test streams: one actor each, all his clips, in blocks of one emotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from emotiond.dsp.framing import frame_view
from emotiond.dsp.level import levels_dbfs
from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.models.training.data.corpora import Clip, load_audio

FRAME_SAMPLES = SAMPLE_RATE // 100
"""Truth is known for every 10 ms."""

_BLOCK_SECONDS = (10.0, 15.0)
_DEALS = 50
"""Drawn for each number of blocks; the first that fits best is taken."""
_SPEECH_RANGE_DB = 30.0
_LONGEST_GAP_FRAMES = 30
"""From one loud one to the next: what lies between lasts less than 0.3 s."""


@dataclass(frozen=True)
class Block:
    """A stretch of one emotion."""

    label: int
    start_sample: int
    end_sample: int
    onset_sample: int
    """Of its first speech."""


@dataclass(frozen=True)
class ActorStream:
    """A held-out actor speaking for some minutes."""

    speaker: str
    samples: npt.NDArray[np.float32]
    blocks: tuple[Block, ...]
    is_speech: npt.NDArray[np.bool_]
    """Of every 10 ms, by a fixed rule that no model has a say in."""


def make_stream(clips: Sequence[Clip], seed: int) -> ActorStream:
    """Put one actor's clips in a random order of blocks, another one than other actors' with it.

    Clips of one emotion are shuffled and dealt into blocks that last 10 to 15 seconds, or as
    near to it as whole clips come; then the blocks are shuffled. A clip loses what is left of its
    last 10 ms.
    """
    random = actor_random(clips, seed)
    blocks: list[tuple[int, list[npt.NDArray[np.float32]]]] = []
    spoken = {clip.label for clip in clips}
    for number, label in enumerate(LABELS):
        if label not in spoken:
            continue
        own = [_whole_frames(load_audio(clip.path)) for clip in clips if clip.label == label]
        seconds = np.array([clip.size / SAMPLE_RATE for clip in own])
        blocks += [(number, [own[i] for i in dealt]) for dealt in _deal(seconds, random)]
    blocks = [blocks[i] for i in random.permutation(len(blocks))]
    placed, speech, position = [], [], 0
    for number, part in blocks:
        audio = np.concatenate(part)
        truth = np.concatenate([speech_frames(clip) for clip in part])
        onset = int(np.argmax(truth)) * FRAME_SAMPLES
        placed.append(Block(number, position, position + audio.size, position + onset))
        position += audio.size
        speech.append(truth)
    return ActorStream(
        clips[0].speaker,
        np.concatenate([clip for _, part in blocks for clip in part]),
        tuple(placed),
        np.concatenate(speech),
    )


def actor_random(clips: Sequence[Clip], seed: int) -> np.random.Generator:
    """Random numbers for the order of one actor's clips."""
    return np.random.default_rng((seed, *clips[0].speaker.encode()))


def speech_frames(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which 10 ms of a clip are speech: within 30 dB of its peak, gaps under 0.3 s bridged."""
    levels = levels_dbfs(frame_view(samples, FRAME_SAMPLES, FRAME_SAMPLES))
    speech: npt.NDArray[np.bool_] = levels > levels.max() - _SPEECH_RANGE_DB
    loud = np.flatnonzero(speech)
    for before, after in pairwise(loud):
        if after - before <= _LONGEST_GAP_FRAMES:
            speech[before:after] = True
    return speech


def _deal(
    seconds: npt.NDArray[np.float64], random: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Numbers of the clips in each block, of clips that last so long."""
    shortest, longest = _BLOCK_SECONDS
    fewest = max(1, int(seconds.sum() // longest))

    def misfit(deal: Sequence[npt.NDArray[np.int64]]) -> float:
        lengths = np.array([seconds[dealt].sum() for dealt in deal])
        return float(np.sum(np.abs(lengths - lengths.clip(shortest, longest))))

    deals = [
        np.array_split(random.permutation(seconds.size), number)
        for number in range(fewest, min(fewest + 1, seconds.size) + 1)
        for _ in range(_DEALS)
    ]
    return min(deals, key=misfit)


def _whole_frames(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return samples[: samples.size // FRAME_SAMPLES * FRAME_SAMPLES]
