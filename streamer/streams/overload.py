"""When the machine is too slow for live sound: first judge less often, then give up the oldest."""

from __future__ import annotations

STRETCHES = (1, 2, 4, 4)
"""Of the stride, at each level; at the last one, sound is given up as well."""
MOST_LAG_SECONDS = (1.0, 2.0, 3.0)
"""That a level bears: one further behind takes the next; at the last, it is cut short."""
KEPT_SECONDS = 1.0
"""Of the newest sound, where the oldest is given up."""

_LOSING = len(STRETCHES) - 1
_CALM_LAG_SECONDS = 0.5  # less far behind than this, a stream keeps up
_FIRST_PATIENCE_SECONDS, _LONGEST_PATIENCE_SECONDS = 0.25, 60.0


class Overload:
    """How much one live stream is relieved; by what it lags, with no clock of its own.

    A level is taken at once and left after a calm time, which doubles with every level that
    has to be taken: what is just too much for the machine is not tried again and again.
    """

    def __init__(self) -> None:
        self.level = 0
        """0 while all is well."""
        self._patience_seconds = _FIRST_PATIENCE_SECONDS
        self._calm_seconds = 0.0

    @property
    def stretch(self) -> int:
        """How many strides are now judged as one."""
        return STRETCHES[self.level]

    @property
    def loses(self) -> bool:
        """Whether the oldest sound is given up rather than judged late."""
        return self.level == _LOSING

    def observe(self, lag_seconds: float, stride_seconds: float) -> bool:
        """Take note of a turn.

        Args:
            lag_seconds: sound that waits behind what is judged in this turn.
            stride_seconds: sound that is judged in it.

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
