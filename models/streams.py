"""Make test streams: one actor each, all his clips, in blocks of one emotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dsp.framing import frame_view
from dsp.level import levels_dbfs
from inference.card import LABELS, SAMPLE_RATE
from models.corpora import Clip, load_audio

FRAME_SAMPLES = SAMPLE_RATE // 100
"""Truth is known for every 10 ms."""

_CLIPS_IN_BLOCK = 4
_SPEECH_RANGE_DB = 30.0
_LONGEST_GAP_FRAMES = 30


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
    """Put one actor's clips in a random order of blocks.

    Clips of one emotion are shuffled and dealt into blocks of about four, which last 10 to
    15 seconds; then the blocks are shuffled. A clip loses what is left of its last 10 ms.
    """
    random = np.random.default_rng(seed)
    blocks: list[tuple[int, list[npt.NDArray[np.float32]]]] = []
    spoken = {clip.label for clip in clips}
    for number, label in enumerate(LABELS):
        if label not in spoken:
            continue
        own = [_whole_frames(load_audio(clip.path)) for clip in clips if clip.label == label]
        order = random.permutation(len(own))
        for dealt in np.array_split(order, max(1, round(len(own) / _CLIPS_IN_BLOCK))):
            blocks.append((number, [own[i] for i in dealt]))
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


def speech_frames(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which 10 ms of a clip are speech: within 30 dB of its peak, gaps under 0.3 s bridged."""
    levels = levels_dbfs(frame_view(samples, FRAME_SAMPLES, FRAME_SAMPLES))
    speech: npt.NDArray[np.bool_] = levels > levels.max() - _SPEECH_RANGE_DB
    loud = np.flatnonzero(speech)
    for before, after in pairwise(loud):
        if after - before < _LONGEST_GAP_FRAMES:
            speech[before:after] = True
    return speech


def _whole_frames(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return samples[: samples.size // FRAME_SAMPLES * FRAME_SAMPLES]
