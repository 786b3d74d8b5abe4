"""A chunk that was heard and waits to be judged."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.dsp.frontend import Heard


@dataclass(frozen=True)
class Stride:
    """One stride of a stream, after the front end."""

    acoustics: Heard
    start_sample: int
    """Of the window, counted from the beginning of the stream."""
    end_sample: int
    warm: bool
    """Whether the warm-up is over."""

    @property
    def needs_inference(self) -> bool:
        """Whether the model has to be asked."""
        return self.warm and self.acoustics.window is not None
