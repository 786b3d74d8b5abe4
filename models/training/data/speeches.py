"""Log-mel spectra of the speech in clips, to train the encoder without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.framing import frame_view
from emotiond.dsp.frontend import PRE_ROLL_SECONDS
from emotiond.dsp.gate import LevelGate
from emotiond.dsp.level import levels_dbfs
from emotiond.dsp.mfcc import Mfcc, dct_matrix
from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.model_input import (
    CONTEXT_TOKENS,
    POSITIONS,
    RECIPE,
    TOKENS_PER_STATE,
)
from emotiond.models.training.common.model_input import FULL_ENCODER as SHAPE
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.augment import Random
from emotiond.models.training.data.corpora import Clip, load_audio

Spectrum = npt.NDArray[np.float32]
"""log10 mel powers, ``(frames, 80)``."""

FRAMES = 300
"""Frames of a speech that the training uses: 3 s."""
TOKENS = FRAMES // 2
_SILENCE = -10.0
_MARGIN = SHAPE.look_back_frames
_FIRST_FRAMES = (24, 52)
"""Least and most frames of a speech at its first inference."""
_STRIDE_FRAMES = (25, 25, 25, 25, 10, 20, 40, 50)


@dataclass(frozen=True)
class Example:
    """A speech, and how a stream cuts it into calls of the encoder."""

    spectrum: Spectrum
    """``(FRAMES + 3, 80)``: two frames before the speech, and one after it."""
    loudest: npt.NDArray[np.float32]
    """The loudest band when each frame is encoded, ``(FRAMES + 3,)``."""
    mask: npt.NDArray[np.bool_]
    """Which tokens each token sees in the stream, ``(TOKENS, TOKENS)``."""
    first_position: int
    real: npt.NDArray[np.bool_]
    """Tokens with sound instead of padding, ``(TOKENS,)``."""


def read_speeches(clips: Sequence[Clip]) -> list[npt.NDArray[np.float16]]:
    """Return the spectrum of each clip from its first onset, with the pre-roll and the margin.

    Clips without an onset, or shorter than half a second, are left out.
    """
    mfcc, inverse = Mfcc(RECIPE), dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T
    frames_per_second = RECIPE.sample_rate / RECIPE.hop_length
    found = []
    for clip in progress(clips, "speeches"):
        lead = np.concatenate((np.zeros(1, np.float32), load_audio(clip.path)))
        frames = frame_view(lead, RECIPE.frame_length + 1, RECIPE.hop_length)
        onset = _first_onset(levels_dbfs(frames[:, 1:]), frames_per_second)
        if onset is None:
            continue
        first = onset - round(PRE_ROLL_SECONDS * frames_per_second) - _MARGIN
        spectrum = mfcc(frames[max(0, first) :][: FRAMES + 3]) @ inverse
        spectrum = np.pad(spectrum, ((max(0, -first), 0), (0, 0)), constant_values=_SILENCE)
        if spectrum.shape[0] >= _FIRST_FRAMES[1]:
            found.append(spectrum.astype(np.float16))
    return found


def make_example(spectrum: npt.NDArray[np.float16], random: Random) -> Example:
    """Vary level, microphone and noise, and cut the speech into calls as a stream does."""
    varied = _vary(spectrum.astype(np.float32), random)[: FRAMES + 3]
    n_frames = varied.shape[0] - _MARGIN
    ends = _call_ends(n_frames, random)
    padded = np.full((FRAMES + 3, RECIPE.n_mels), _SILENCE, np.float32)
    padded[: varied.shape[0]] = varied
    highest = padded.max(axis=1)
    call = np.minimum(np.searchsorted(ends, np.arange(TOKENS), side="right"), len(ends) - 1)
    first_of_call = np.concatenate(([0], ends))[call]
    # A token sees one frame beyond its own two. The frames of a call share a clamp.
    last_frames = np.minimum(2 * np.array(ends)[call] + 2, FRAMES + 2)
    loudest = np.maximum.accumulate(highest)[last_frames]
    at = np.arange(TOKENS)
    mask = (at[None] < np.array(ends)[call][:, None]) & (
        at[None] >= first_of_call[:, None] - CONTEXT_TOKENS
    )
    return Example(
        spectrum=padded,
        loudest=np.pad(np.repeat(loudest, 2), (_MARGIN, 1), "edge"),
        mask=mask,
        first_position=int(random.integers(POSITIONS)) if random.random() < 0.5 else 0,
        real=at < ends[-1],
    )


def _call_ends(n_frames: int, random: Random) -> list[int]:
    """Return the number of tokens after each call of a stream over this many frames."""
    stride = int(random.choice(_STRIDE_FRAMES))
    inferred, ends, states = int(random.integers(*_FIRST_FRAMES)), [], 0
    while True:
        inferred = min(inferred, n_frames)
        available = (inferred - SHAPE.look_ahead_frames) // SHAPE.frames_per_state
        while states < available:
            states = min(available, states + SHAPE.states_per_call)
            ends.append(states * TOKENS_PER_STATE)
        if inferred == n_frames:
            return ends
        inferred += stride


def _vary(spectrum: Spectrum, random: Random) -> Spectrum:
    gain = random.uniform(-2.4, 1.6)
    tilt = random.uniform(-0.8, 0.8) if random.random() < 0.5 else 0.0
    varied = spectrum + gain + np.linspace(0, tilt, RECIPE.n_mels)
    if random.random() < 0.4:
        level = varied.max() - random.uniform(0.6, 3.0)
        shape = np.linspace(0, random.uniform(-2, 0.5), RECIPE.n_mels)
        shape += random.normal(0, 0.1, RECIPE.n_mels)
        noise = level + shape - shape.max() + random.normal(0, 0.25, varied.shape)
        varied = np.log10(10**varied + 10**noise)
    clamped: Spectrum = np.maximum(varied, _SILENCE).astype(np.float32)
    return clamped


def _first_onset(levels: FloatArray, frames_per_second: float) -> int | None:
    gate = LevelGate(frames_per_second)
    for level in levels:
        gate.push(np.array([level]))
        if gate.onset_frame is not None:
            return gate.onset_frame
    return None
