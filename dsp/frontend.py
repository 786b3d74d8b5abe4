"""Samples in, windows of features out: what the daemon hears and what a model is trained on."""

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
"""A window reaches this far before the onset of the present speech, and no further."""


@dataclass(frozen=True)
class WindowShape:
    """How features are cut into windows.

    A window holds at most ``frames`` frames. Where the present speech is younger, the
    missing frames stand behind the real ones and are those of digital silence.
    """

    frames: int
    """Of a full window: what the model takes."""
    minimum_frames: int
    """Real frames without which there is nothing to judge."""


@dataclass(frozen=True)
class Window:
    """Features for one inference."""

    features: FloatArray
    """Shape ``(shape.frames, n_mfcc)``; valid until the next push."""
    frames: int
    """Real ones; the rest is padding."""
    active_frames: int
    """Those of them that the level gate found loud enough for speech."""


@dataclass(frozen=True)
class Acoustics:
    """What one push brought."""

    start_sample: int
    """Of the span that a window of the full length would hold, or that the window holds."""
    end_sample: int
    """Just behind the last full frame, counted from the last restart."""
    speech_ratio: float
    """Share of the frames between the two that were loud enough for speech."""
    level_dbfs: float
    """Of the frames that this push completed; the previous level where it completed none."""
    new_active_frames: int
    """Of the frames that this push completed, those that were loud enough for speech."""
    gate: GateState
    window: Window | None
    """None while the gate is shut, or too little has been heard since it opened."""


class FrontEnd:
    """Level, gate, features and window of one stream.

    The same samples pushed in the same chunks give the same bits; other chunks give
    features equal to about 1e-4.
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
        self._padded_from = 0  # behind so many frames there is nothing but silence in it
        self._level_dbfs = mean_level_dbfs(np.empty(0, np.float32))

    @property
    def frames_computed(self) -> int:
        """Frames since the last restart; each is computed once."""
        return self._history.frames

    def restart(self) -> None:
        """Forget everything: the next sample pushed is sample 0, after an unknown silence."""
        self._frames.restart()
        self._gate.restart()
        self._history.restart()

    def end_speech(self) -> None:
        """Say that the sound, though loud, is no speech: the next window begins anew."""
        self._gate.close()

    def push(self, samples: FloatArray) -> Acoustics:
        """Hear further samples, shape ``(n,)``, float32 in −1 … 1."""
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
    """The last frames' features in one array, always contiguous.

    The array is several windows long; only when its end is reached is the last window moved
    to its beginning, so a frame is copied once as it comes and a fraction of once more.
    """

    _WINDOWS = 4

    def __init__(self, keep_frames: int, n_mfcc: int) -> None:
        self._keep = keep_frames
        self._features = np.empty((self._WINDOWS * keep_frames, n_mfcc), np.float32)
        self._active = np.empty(self._WINDOWS * keep_frames, np.bool_)
        self.restart()

    def restart(self) -> None:
        """Forget all frames."""
        self._end = 0
        self.frames = 0
        """Pushed since the last restart."""

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
        """View the last frames, at most as many as are kept."""
        return self._features[self._end - n_frames : self._end]

    def active_in(self, n_frames: int) -> int:
        """How many of the last frames were active."""
        return int(np.count_nonzero(self._active[self._end - n_frames : self._end]))
