"""Samples in, windows of features out. Training and the daemon use the same windows."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.framing import FrameStream
from emotiond.dsp.gate import GateSettings, GateState, LevelGate
from emotiond.dsp.level import levels_dbfs, mean_level_dbfs
from emotiond.dsp.mfcc import Mfcc
from emotiond.dsp.recipe import Recipe
from emotiond.dsp.types import FloatArray

PRE_ROLL_SECONDS = 0.2
"""A window begins at most this long before the onset of the present speech."""

_LEAST_KEPT_SECONDS = 2.5
"""Features stay available for this long: from the pre-roll until the first inference of a speech,
and from one inference to the next. After a longer stride, the encoder begins anew with them."""


@dataclass(frozen=True)
class WindowShape:
    """The latest part of the present speech that one inference describes."""

    frames: int
    """Frames in a full window."""
    minimum_frames: int
    """Frames of audio that a window needs before the model runs."""


@dataclass(frozen=True)
class Window:
    """The present speech for one inference. Frames count from the last restart."""

    speech: int
    """Number of the present speech. Every onset begins another one, a restart does, too."""
    first_frame: int
    """First frame of the present speech, with its pre-roll."""
    end_frame: int
    """Number of frames so far."""
    features: FloatArray
    """Features of the latest frames, shape ``(n, n_mfcc)``; the last row is that of
    ``end_frame - 1``. They reach back to silence before frame 0. The next push overwrites them."""
    frames: int
    """Length of the window: the last frames of the speech, at most ``shape.frames``."""
    active_frames: int
    """Frames of the window that the gate marked as active: loud enough for speech."""


@dataclass(frozen=True)
class Acoustics:
    """Level, gate and window after one push. Positions count from the last restart."""

    start_sample: int
    """Position of the first sample of the window; without a window, of a full one."""
    end_sample: int
    """Position after the last full frame."""
    speech_ratio: float
    """Share of active frames between the two positions."""
    level_dbfs: float
    """Level of the frames that this push completed. If there are none, the previous level."""
    new_active_frames: int
    """Active frames among those that this push completed."""
    gate: GateState
    window: Window | None
    """None while the gate is closed, or the present speech is too short."""


class FrontEnd:
    """Computes level, gate, features and window of one stream.

    The same samples in the same chunks give identical features. In other chunks, features differ
    by about 1e-4.
    """

    def __init__(
        self, recipe: Recipe, shape: WindowShape, gate_settings: GateSettings | None = None
    ) -> None:
        self._recipe = recipe
        self._shape = shape
        self._mfcc = _shared_mfcc(recipe)
        frames_per_second = recipe.sample_rate / recipe.hop_length
        self._pre_roll_frames = round(PRE_ROLL_SECONDS * frames_per_second)
        self._frames = FrameStream(recipe)
        self._gate = LevelGate(frames_per_second, gate_settings)
        kept_frames = max(shape.frames, round(_LEAST_KEPT_SECONDS * frames_per_second))
        self._history = FeatureHistory(kept_frames, _silence(recipe))
        self._speech = 0
        self._onset_frame: int | None = None  # that of the present number
        self._level_dbfs = mean_level_dbfs(np.empty(0, np.float32))

    @property
    def frames_computed(self) -> int:
        """Frames since the last restart. Each is computed once."""
        return self._history.frames

    def restart(self) -> None:
        """Discard all state. The next sample is sample 0, and the noise floor is unknown."""
        self._frames.restart()
        self._gate.restart()
        self._history.restart()
        self._onset_frame = None

    def end_speech(self) -> None:
        """End the present speech, because the sound is not a voice. Later sound has a new onset."""
        self._gate.close()

    def push(self, samples: FloatArray) -> Acoustics:
        """Process the next samples, shape ``(n,)``, float32 in −1 … 1."""
        frames = self._frames.push(samples)
        new_active_frames = 0
        if frames.shape[0]:
            levels = levels_dbfs(frames[:, 1:])
            active = self._gate.push(levels)
            new_active_frames = int(np.count_nonzero(active))
            self._history.push(self._mfcc(frames), active)
            self._level_dbfs = mean_level_dbfs(levels)
        window = self._window()
        n_frames = window.frames if window else min(self._history.frames, self._shape.frames)
        active_frames = window.active_frames if window else self._history.active_in(n_frames)
        return Acoustics(
            start_sample=(self._history.frames - n_frames) * self._recipe.hop_length,
            end_sample=self._recipe.end_of(self._history.frames),
            speech_ratio=active_frames / n_frames if n_frames else 0.0,
            level_dbfs=self._level_dbfs,
            new_active_frames=new_active_frames,
            gate=self._gate.state,
            window=window,
        )

    def _window(self) -> Window | None:
        if self._gate.onset_frame != self._onset_frame:
            self._onset_frame = self._gate.onset_frame
            self._speech += 1
        if self._onset_frame is None:
            return None
        end = self._history.frames
        first = max(0, self._onset_frame - self._pre_roll_frames)
        n_frames = min(end - first, self._shape.frames)
        if n_frames < self._shape.minimum_frames:
            return None
        active_frames = self._history.active_in(n_frames)
        return Window(self._speech, first, end, self._history.latest, n_frames, active_frames)


@functools.lru_cache(maxsize=4)
def _shared_mfcc(recipe: Recipe) -> Mfcc:
    """Return the transform of a recipe. Its matrices are 150 KB, which all streams share."""
    return Mfcc(recipe)


@functools.lru_cache(maxsize=4)
def _silence(recipe: Recipe) -> FloatArray:
    """Return the features of a silent frame, shape ``(n_mfcc,)``, read-only."""
    frame = np.zeros((1, recipe.frame_length + 1), np.float32)
    silence: FloatArray = _shared_mfcc(recipe)(frame)[0]
    silence.flags.writeable = False
    return silence


class FeatureHistory:
    """The features of the latest frames, contiguous in one array, after features of silence.

    The array is a quarter longer than what is kept. When it is full, the latest frames move to its
    beginning. So each frame is copied five times on average.

    Args:
        keep_frames: frames that stay available.
        silence: features of a silent frame, shape ``(n_mfcc,)``.
    """

    def __init__(self, keep_frames: int, silence: FloatArray) -> None:
        self._keep = keep_frames
        self._silence = silence
        length = keep_frames + -(-keep_frames // 4)
        self._features = np.empty((length, silence.shape[0]), np.float32)
        self._active = np.empty(length, np.bool_)
        self.restart()

    def restart(self) -> None:
        """Discard all frames."""
        self._features[: self._keep] = self._silence
        self._active[: self._keep] = False
        self._end = self._keep
        self.frames = 0
        """Number of frames since the last restart."""

    def push(self, features: FloatArray, active: npt.NDArray[np.bool_]) -> None:
        """Append frames: features ``(n, n_mfcc)`` and whether each was active, ``(n,)``."""
        self.frames += features.shape[0]
        features, active = features[-self._keep :], active[-self._keep :]
        if self._end + features.shape[0] > self._features.shape[0]:
            kept = slice(self._end - self._keep + features.shape[0], self._end)
            self._end = kept.stop - kept.start
            self._features[: self._end] = self._features[kept]
            self._active[: self._end] = self._active[kept]
        new = slice(self._end, self._end + features.shape[0])
        self._features[new], self._active[new] = features, active
        self._end = new.stop

    @property
    def latest(self) -> FloatArray:
        """A view of the latest frames, shape ``(keep_frames, n_mfcc)``."""
        return self._features[self._end - self._keep : self._end]

    def active_in(self, n_frames: int) -> int:
        """Return the number of active frames among the latest ones, at most ``keep_frames``."""
        return int(np.count_nonzero(self._active[self._end - n_frames : self._end]))
