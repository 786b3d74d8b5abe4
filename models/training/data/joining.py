"""Joins two clips of one speaker, so that the emotion changes without a pause."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from emotiond.dsp.framing import frame_view
from emotiond.dsp.level import levels_dbfs
from emotiond.inference.card import SAMPLE_RATE

FRAME_SAMPLES = SAMPLE_RATE // 100
"""Resolution of speech: 10 ms."""
LONGEST_GAP_SECONDS = 0.3
"""Between the speech of the two clips."""

_SPEECH_RANGE_DB = 30.0
_LONGEST_GAP_FRAMES = 30
"""Distance between two loud frames with a gap of less than 0.3 s."""


@dataclass(frozen=True)
class Joined:
    """Two clips, the second of which begins soon after the speech of the first ends."""

    samples: npt.NDArray[np.float32]
    change_sample: int
    """First speech of the second clip."""


def join(
    first: npt.NDArray[np.float32],
    second: npt.NDArray[np.float32],
    random: np.random.Generator,
) -> Joined:
    """Join two clips of 16 kHz with a gap of at most :data:`LONGEST_GAP_SECONDS`."""
    ends = np.flatnonzero(speech_frames(first))
    starts = np.flatnonzero(speech_frames(second))
    gap = int(random.uniform(0, LONGEST_GAP_SECONDS) * SAMPLE_RATE)
    before = first[: (ends[-1] + 1) * FRAME_SAMPLES + gap // 2]
    onset = int(starts[0]) * FRAME_SAMPLES
    lead = min(onset, gap - gap // 2)
    return Joined(np.concatenate((before, second[onset - lead :])), before.size + lead)


def speech_frames(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return which 10 ms are speech: within 30 dB of the peak, or in gaps under 0.3 s."""
    levels = levels_dbfs(frame_view(samples, FRAME_SAMPLES, FRAME_SAMPLES))
    speech: npt.NDArray[np.bool_] = levels > levels.max() - _SPEECH_RANGE_DB
    loud = np.flatnonzero(speech)
    for before, after in pairwise(loud):
        if after - before <= _LONGEST_GAP_FRAMES:
            speech[before:after] = True
    return speech
