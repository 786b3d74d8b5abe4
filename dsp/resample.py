"""Any sample rate to the model's, block by block."""

from __future__ import annotations

import numpy as np
import soxr

from emotiond.dsp.types import FloatArray


class Resampler:
    """Converts a mono signal that comes in blocks of any size; passes it on where rates agree.

    Args:
        from_rate: Hz of what is pushed.
        to_rate: Hz of what comes out.
    """

    def __init__(self, from_rate: float, to_rate: float) -> None:
        self._rates = (from_rate, to_rate)
        self.restart()

    def restart(self) -> None:
        """Forget the signal so far."""
        from_rate, to_rate = self._rates
        self._stream = (
            None
            if from_rate == to_rate
            else soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
        )

    def push(self, samples: FloatArray, last: bool = False) -> FloatArray:
        """Convert a further block.

        Args:
            samples: float32, shape ``(n,)``.
            last: whether the signal ends here, so that what the filter holds back comes out too.

        Returns:
            float32, shape ``(m,)``; ``m`` lags behind by the length of the filter until ``last``.
        """
        if self._stream is None:
            return samples
        block = np.ascontiguousarray(samples, np.float32)
        resampled: FloatArray = self._stream.resample_chunk(block, last=last)
        return resampled
