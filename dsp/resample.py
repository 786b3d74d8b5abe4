"""Convert the sample rate of a stream, block by block."""

from __future__ import annotations

import numpy as np
import soxr

from emotiond.dsp.types import FloatArray


class Resampler:
    """Resamples a mono signal in blocks of any size. Equal rates leave it unchanged.

    Args:
        from_rate: Hz of the input.
        to_rate: Hz of the output.
        live: whether the delay has to be small and constant: 8 to 30 ms, which docs/reliability.md
            lists by rate. Otherwise the output comes in bursts, up to 115 ms late, and does not
            depend on the size of the blocks.
    """

    def __init__(self, from_rate: float, to_rate: float, live: bool = False) -> None:
        self._rates = (from_rate, to_rate)
        self._live = live
        self.restart()

    def restart(self) -> None:
        """Discard the signal so far."""
        from_rate, to_rate = self._rates
        self._stream = (
            None
            if from_rate == to_rate
            else soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", vr=self._live)
        )

    def push(self, samples: FloatArray, last: bool = False) -> FloatArray:
        """Convert the next block.

        Args:
            samples: float32, shape ``(n,)``.
            last: whether the signal ends here. Then the output includes the filter's delay.

        Returns:
            float32, shape ``(m,)``. Until ``last``, the filter delays the output.
        """
        if self._stream is None:
            return samples
        block = np.ascontiguousarray(samples, np.float32)
        resampled: FloatArray = self._stream.resample_chunk(block, last=last)
        return resampled
