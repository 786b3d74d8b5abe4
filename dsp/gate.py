"""A level gate with an adaptive noise floor. It finds onset and offset of possible speech.

The gate only saves work and marks onsets. The model decides whether the sound is a voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from emotiond.dsp.level import SILENCE_DBFS
from emotiond.dsp.types import FloatArray


class GateState(Enum):
    """State of the gate. Sound counts as speech in ``SPEAKING`` and ``STOPPING``."""

    QUIET = "quiet"
    STARTING = "starting"
    SPEAKING = "speaking"
    STOPPING = "stopping"


# Looked up for each frame, a member of the class takes several times as long.
_QUIET, _STARTING, _SPEAKING, _STOPPING = GateState


@dataclass(frozen=True)
class GateSettings:
    """When the gate opens and closes. Times round to whole frames."""

    open_above_floor_db: float = 9.0
    """Height above the noise floor at which a frame is active while the gate is closed."""
    close_above_floor_db: float = 6.0
    """Height above the noise floor at which a frame is active while the gate is open."""
    below_peak_db: float = 35.0
    """A frame this far below the peak is a pause, even in a quiet room."""
    peak_fall_db_per_second: float = 5.0
    """Decay of the peak, so that a quiet voice can follow a loud one."""
    lowest_floor_dbfs: float = -85.0
    """Initial and lowest noise floor. The noise of converters lies below it."""
    floor_memory_seconds: float = 6.0
    """The noise floor is the minimum over this time. Speech has gaps within it; rain has none."""
    start_seconds: float = 0.03
    """Activity of this length opens the gate. Shorter sounds are clicks."""
    stop_seconds: float = 0.8
    """A longer pause closes the gate."""


class NoiseFloor:
    """Tracks the minimum level of the last few seconds, in sub-blocks.

    The method is from Rainer Martin, *Noise power spectral density estimation based on optimal
    smoothing and minimum statistics*, IEEE TSAP 9(5), 2001, applied to the level alone.
    """

    _BLOCKS = 12

    def __init__(self, memory_frames: int, lowest_dbfs: float) -> None:
        self._block_frames = max(1, memory_frames // self._BLOCKS)
        self._lowest_dbfs = lowest_dbfs
        self._minima = [lowest_dbfs] * self._BLOCKS
        self._slot = -1  # index of the present block
        self._left = 0  # frames until the next block
        self.dbfs = lowest_dbfs

    def update(self, level_dbfs: float) -> None:
        """Update the floor with the level of one frame."""
        level = level_dbfs if level_dbfs > self._lowest_dbfs else self._lowest_dbfs
        if self._left == 0:
            self._left = self._block_frames
            self._slot = (self._slot + 1) % self._BLOCKS
            self._minima[self._slot] = level
            self.dbfs = min(self._minima)
        elif level < self._minima[self._slot]:
            self._minima[self._slot] = level
            self.dbfs = min(self.dbfs, level)
        self._left -= 1


class LevelGate:
    """Marks active frames and finds onsets. For its states, see :class:`GateState`.

    Args:
        frames_per_second: rate of the levels.
        settings: thresholds and times.
    """

    def __init__(self, frames_per_second: float, settings: GateSettings | None = None) -> None:
        self._settings = settings or GateSettings()
        self._start_frames = max(1, round(self._settings.start_seconds * frames_per_second))
        self._stop_frames = max(1, round(self._settings.stop_seconds * frames_per_second))
        self._memory_frames = round(self._settings.floor_memory_seconds * frames_per_second)
        self._peak_fall_db = self._settings.peak_fall_db_per_second / frames_per_second
        self.restart()

    def restart(self) -> None:
        """Discard all state. The next frame is frame 0."""
        self._floor = NoiseFloor(self._memory_frames, self._settings.lowest_floor_dbfs)
        self._peak_dbfs = SILENCE_DBFS
        self._frame = 0
        self._run = 0  # frames spent in STARTING, or in STOPPING
        self.state = GateState.QUIET
        self.onset_frame: int | None = None
        """First frame of the present speech; None while the gate is closed."""

    def close(self) -> None:
        """End the present speech. Active frames open the gate again, with a new onset."""
        self.state = GateState.QUIET
        self.onset_frame = None

    @property
    def is_open(self) -> bool:
        """Whether the last frame belongs to speech or to a pause within it."""
        return self.state is _SPEAKING or self.state is _STOPPING

    @property
    def floor_dbfs(self) -> float:
        """Present estimate of the noise floor."""
        return self._floor.dbfs

    def push(self, levels_dbfs: FloatArray) -> npt.NDArray[np.bool_]:
        """Process the levels of the next frames.

        Args:
            levels_dbfs: shape ``(n,)``.

        Returns:
            Whether each frame is active, shape ``(n,)``.
        """
        return np.array([self._advance(level) for level in levels_dbfs.tolist()], np.bool_)

    def _advance(self, level_dbfs: float) -> bool:
        state = self.state
        active = self._is_active(level_dbfs, state is _SPEAKING or state is _STOPPING)
        if active:
            if state is _STOPPING:
                self.state = _SPEAKING
            elif state is not _SPEAKING:
                self._start()
        elif state is not _QUIET:
            self._stop()
        self._frame += 1
        return active

    def _is_active(self, level_dbfs: float, is_open: bool) -> bool:
        settings, floor = self._settings, self._floor
        floor.update(level_dbfs)
        falling_dbfs = self._peak_dbfs - self._peak_fall_db
        self._peak_dbfs = peak_dbfs = level_dbfs if level_dbfs > falling_dbfs else falling_dbfs
        margin_db = settings.close_above_floor_db if is_open else settings.open_above_floor_db
        return (
            level_dbfs > floor.dbfs + margin_db and level_dbfs > peak_dbfs - settings.below_peak_db
        )

    def _start(self) -> None:
        """Count an active frame while the gate is closed."""
        if self.state is _QUIET:
            self.state, self._run = _STARTING, 0
        self._run += 1
        if self._run >= self._start_frames:
            self.state = _SPEAKING
            self.onset_frame = self._frame + 1 - self._run

    def _stop(self) -> None:
        """Count an inactive frame while the state is not ``QUIET``."""
        if self.state is _STARTING:
            self.state = _QUIET
            return
        if self.state is _SPEAKING:
            self.state, self._run = _STOPPING, 0
        self._run += 1
        if self._run > self._stop_frames:
            self.state = _QUIET
            self.onset_frame = None
