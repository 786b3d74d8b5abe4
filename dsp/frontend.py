"""Samples in, windows of features out. Training and the daemon use the same windows."""

from __future__ import annotations

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


@dataclass(frozen=True)
class WindowShape:
    """How to cut features into windows.

    If the present speech is shorter than a window, features of digital silence follow its frames.
    """

    frames: int
    """Frames in a full window, the input of the model."""
    minimum_frames: int
    """Frames of audio that a window needs before the model runs."""


@dataclass(frozen=True)
class Window:
    """Features for one inference."""

    features: FloatArray
    """Shape ``(shape.frames, n_mfcc)``. The next push overwrites it."""
    frames: int
    """Frames of audio. The rest is padding."""
    active_frames: int
    """Frames of audio that the gate marked as active: loud enough for speech."""


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
        self._mfcc = Mfcc(recipe)
        frames_per_second = recipe.sample_rate / recipe.hop_length
        self._pre_roll_frames = round(PRE_ROLL_SECONDS * frames_per_second)
        self._frames = FrameStream(recipe)
        self._gate = LevelGate(frames_per_second, gate_settings)
        self._history = FeatureHistory(shape.frames, recipe.n_mfcc)
        self._silence = self._mfcc(np.zeros((1, recipe.frame_length + 1), np.float32))[0]
        self._padded = np.tile(self._silence, (shape.frames, 1))
        self._padded_from = 0  # from this frame on, it contains silence
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
        if self._gate.onset_frame is None:
            return None
        first = max(0, self._gate.onset_frame - self._pre_roll_frames)
        n_frames = min(self._history.frames - first, self._shape.frames)
        if n_frames < self._shape.minimum_frames:
            return None
        features = self._history.last(n_frames)
        if n_frames < self._shape.frames:
            self._padded[:n_frames] = features
            self._padded[n_frames : self._padded_from] = self._silence
            self._padded_from = n_frames
            features = self._padded
        return Window(features, n_frames, self._history.active_in(n_frames))


class FeatureHistory:
    """The features of the last frames, contiguous in one array.

    The array is several windows long. When it is full, the last window moves to its beginning. So
    each frame is copied once, and a fraction of the frames a second time.
    """

    _WINDOWS = 4

    def __init__(self, keep_frames: int, n_mfcc: int) -> None:
        self._keep = keep_frames
        self._features = np.empty((self._WINDOWS * keep_frames, n_mfcc), np.float32)
        self._active = np.empty(self._WINDOWS * keep_frames, np.bool_)
        self.restart()

    def restart(self) -> None:
        """Discard all frames."""
        self._end = 0
        self.frames = 0
        """Number of frames since the last restart."""

    def push(self, features: FloatArray, active: npt.NDArray[np.bool_]) -> None:
        """Append frames: features ``(n, n_mfcc)`` and whether each was active, ``(n,)``."""
        self.frames += features.shape[0]
        features, active = features[-self._keep :], active[-self._keep :]
        if self._end + features.shape[0] > self._features.shape[0]:
            kept = slice(max(0, self._end - self._keep), self._end)
            self._end = kept.stop - kept.start
            self._features[: self._end] = self._features[kept]
            self._active[: self._end] = self._active[kept]
        new = slice(self._end, self._end + features.shape[0])
        self._features[new], self._active[new] = features, active
        self._end = new.stop

    def last(self, n_frames: int) -> FloatArray:
        """Return a view of the last frames, at most ``keep_frames``."""
        return self._features[self._end - n_frames : self._end]

    def active_in(self, n_frames: int) -> int:
        """Return the number of active frames among the last ones."""
        return int(np.count_nonzero(self._active[self._end - n_frames : self._end]))
