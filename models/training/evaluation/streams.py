"""Makes test streams: all clips of one actor, in blocks of one emotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.data.joining import FRAME_SAMPLES, speech_frames

_BLOCK_SECONDS = (10.0, 15.0)
_DEALS = 50
"""Random divisions for each number of blocks; the best is used."""


@dataclass(frozen=True)
class Block:
    """A stretch of one emotion."""

    label: int
    start_sample: int
    end_sample: int
    onset_sample: int
    """Position of its first speech."""


@dataclass(frozen=True)
class ActorStream:
    """A held-out actor speaking for some minutes."""

    speaker: str
    samples: npt.NDArray[np.float32]
    blocks: tuple[Block, ...]
    is_speech: npt.NDArray[np.bool_]
    """Whether each 10 ms are speech, by a fixed rule without a model."""


def make_stream(clips: Sequence[Clip], seed: int) -> ActorStream:
    """Make a stream of one actor's clips, in an order that depends on the seed and the actor.

    The clips of one emotion are shuffled and divided into blocks of 10 to 15 seconds, or as close
    to that as whole clips allow. Then the blocks are shuffled. Each clip is cut to a multiple of
    10 ms.
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
    """Return the random generator for the order of one actor's clips."""
    return np.random.default_rng((seed, *clips[0].speaker.encode()))


def _deal(
    seconds: npt.NDArray[np.float64], random: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Divide clips of these durations into blocks; return the indices in each block."""
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
