"""Relieves a machine that is too slow: it lengthens the stride first, then drops old audio."""

from __future__ import annotations

STRETCHES = (1, 2, 4, 4)
"""Factor of the stride at each level. The last level also drops audio."""
MOST_LAG_SECONDS = (1.0, 2.0, 3.0)
"""Largest lag at each level. Beyond it, the next level begins; at the last, audio is dropped."""
KEPT_SECONDS = 1.0
"""Newest audio that is kept when old audio is dropped."""

_LOSING = len(STRETCHES) - 1
_CALM_LAG_SECONDS = 0.5  # a stream with less lag keeps up
_FIRST_PATIENCE_SECONDS, _LONGEST_PATIENCE_SECONDS = 0.25, 60.0


class Overload:
    """The level of relief for one live stream. It depends on the lag alone, not on a clock.

    The level rises at once and falls after a calm time. That time doubles with every rise, so a
    load that is slightly too high is not tried again and again.
    """

    def __init__(self) -> None:
        self.level = 0
        """0 without overload."""
        self._patience_seconds = _FIRST_PATIENCE_SECONDS
        self._calm_seconds = 0.0

    @property
    def stretch(self) -> int:
        """How many strides are now merged into one."""
        return STRETCHES[self.level]

    @property
    def loses(self) -> bool:
        """Whether old audio is dropped instead of being late."""
        return self.level == _LOSING

    def observe(self, lag_seconds: float, stride_seconds: float) -> bool:
        """Record the lag of one stride.

        Args:
            lag_seconds: the audio queued behind this stride.
            stride_seconds: the duration of this stride.

        Returns:
            Whether the level has changed.
        """
        if self.level < _LOSING and lag_seconds > MOST_LAG_SECONDS[self.level]:
            self.level += 1
            self._calm_seconds = 0.0
            self._patience_seconds = min(2 * self._patience_seconds, _LONGEST_PATIENCE_SECONDS)
            return True
        self._calm_seconds += stride_seconds
        if lag_seconds > _CALM_LAG_SECONDS:
            self._calm_seconds = 0.0
        if self._calm_seconds < self._patience_seconds:
            return False
        self._calm_seconds = 0.0
        if self.level == 0:
            self._patience_seconds = _FIRST_PATIENCE_SECONDS
            return False
        self.level -= 1
        return True
