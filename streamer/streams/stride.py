"""A chunk that was heard and waits to be judged."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.dsp.frontend import Heard


@dataclass(frozen=True)
class Turn:
    """One stride of a stream, after the front end."""

    heard: Heard
    start_sample: int
    """Of the window, counted from the beginning of the stream."""
    end_sample: int
    warm: bool
    """Whether the warm-up is over."""

    @property
    def needs_judging(self) -> bool:
        """Whether the model has to be asked."""
        return self.warm and self.heard.window is not None
