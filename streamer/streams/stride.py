"""One stride of a stream after the front end, before inference."""

from __future__ import annotations

from dataclasses import dataclass

from emotiond.dsp.frontend import Acoustics


@dataclass(frozen=True)
class Stride:
    """One stride of a stream after the front end."""

    acoustics: Acoustics
    start_sample: int
    """Start of the window, counted from the start of the stream."""
    end_sample: int
    """End of the window, counted in the same way."""
    warm: bool
    """Whether the warm-up is over. The end of the sound ends it, too."""
    is_new: bool = True
    """Whether the stride says more than the one before. An empty last chunk adds nothing, unless
    it ends the warm-up."""

    @property
    def needs_inference(self) -> bool:
        """Whether the model must run for this stride."""
        return self.warm and self.acoustics.window is not None
