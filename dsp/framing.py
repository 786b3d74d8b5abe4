"""Cut a signal into overlapping frames, whole or block by block, without copying frames."""

from __future__ import annotations

import numpy as np

from emotiond.dsp.recipe import Recipe
from emotiond.dsp.types import FloatArray


def frame_view(samples: FloatArray, frame_length: int, hop_length: int) -> FloatArray:
    """Return a view of the full frames of a contiguous signal.

    Returns:
        Read-only view of shape ``(n_frames, frame_length)``.
    """
    n_frames = max(0, 1 + (samples.shape[0] - frame_length) // hop_length)
    step = samples.itemsize
    # as_strided does the same through two more objects: 4.8 µs instead of 1.9.
    frames: FloatArray = np.ndarray(
        (n_frames, frame_length), samples.dtype, samples, strides=(hop_length * step, step)
    )
    frames.flags.writeable = False
    return frames


class FrameStream:
    """Cuts a signal into frames. It takes the signal in blocks of any size.

    Each frame begins with one sample of *lead*: the sample before the frame, which the
    pre-emphasis needs. The first lead of a signal is 0, so that ``y[0] = x[0]``. Frame indices
    count from the last :meth:`restart`. Frames are float64, because later steps would otherwise
    convert the same sample several times.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._length = recipe.frame_length + 1
        self._hop = recipe.hop_length
        self.restart()

    def restart(self) -> None:
        """Discard the signal so far. The next sample is sample 0."""
        self._pending: FloatArray = np.zeros(1, np.float64)
        self._to_skip = 0

    def push(self, samples: FloatArray) -> FloatArray:
        """Add a block and return the frames that it completes.

        Args:
            samples: shape ``(n,)``; ``n`` may be 0.

        Returns:
            View of shape ``(n_new, 1 + frame_length)``, float64.
        """
        pending = np.concatenate((self._pending, samples))
        if self._to_skip:  # if the hop is longer than a frame, no frame uses the rest
            skipped = min(self._to_skip, pending.shape[0])
            self._to_skip -= skipped
            pending = pending[skipped:]
        frames = frame_view(pending, self._length, self._hop)
        used = frames.shape[0] * self._hop
        self._to_skip += max(0, used - pending.shape[0])
        self._pending = pending[used:].copy()
        return frames
