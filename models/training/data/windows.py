"""Cuts a recording into the same windows that the daemon infers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from emotiond.dsp.frontend import FrontEnd, Window
from emotiond.inference.card import SAMPLE_RATE

STRIDE_SAMPLES = SAMPLE_RATE // 4
"""Samples from one inference to the next, as in ``analyze``."""

WARMUP_SAMPLES = SAMPLE_RATE // 2
"""Samples up to the end of the first stride that the daemon infers in a longer sound."""


def cut_windows(front_end: FrontEnd, samples: npt.NDArray[np.float32]) -> Iterator[Window]:
    """Push a recording through a restarted front end, stride by stride.

    Yields:
        The windows of the strides at which the daemon would infer. The next step overwrites the
        features of a window.
    """
    front_end.restart()
    for start in range(0, samples.shape[0], STRIDE_SAMPLES):
        end = min(start + STRIDE_SAMPLES, samples.shape[0])
        window = front_end.push(samples[start:end]).window
        if window is not None and end >= min(WARMUP_SAMPLES, samples.shape[0]):
            yield window
