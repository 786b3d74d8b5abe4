"""Cuts a recording into the same windows that the daemon infers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.frontend import FrontEnd
from emotiond.inference.card import SAMPLE_RATE

STRIDE_SAMPLES = SAMPLE_RATE // 4
"""Samples from one inference to the next, as in ``analyze``."""

WARMUP_SAMPLES = SAMPLE_RATE // 2
"""Samples before the first inference."""


@dataclass(frozen=True)
class Cut:
    """One window, copied out of the front end."""

    features: npt.NDArray[np.float32]
    """Shape ``(window_frames, n_mfcc)``, with padding at the end."""
    frames: int
    """Number of real frames."""
    active_frames: int
    """Number of frames that are loud enough for speech."""
    end_sample: int
    """Position after the last real frame."""


def cut_windows(front_end: FrontEnd, samples: npt.NDArray[np.float32]) -> Iterator[Cut]:
    """Push a recording through a restarted front end, stride by stride.

    Yields:
        The windows of the strides at which the daemon would infer.
    """
    front_end.restart()
    for start in range(0, samples.shape[0], STRIDE_SAMPLES):
        pushed = front_end.push(samples[start : start + STRIDE_SAMPLES])
        window = pushed.window
        if window is not None and start + STRIDE_SAMPLES > WARMUP_SAMPLES:
            yield Cut(
                window.features.copy(), window.frames, window.active_frames, pushed.end_sample
            )


def choose_window(
    front_end: FrontEnd, samples: npt.NDArray[np.float32], random: np.random.Generator
) -> Cut | None:
    """Choose one window of a recording, with strides from a random offset.

    The probability of a window is proportional to the speech in it, which is also its weight in
    the result for a clip. Returns None if the gate never opened.
    """
    lead = np.zeros(int(random.integers(STRIDE_SAMPLES)), np.float32)
    cuts = list(cut_windows(front_end, np.concatenate((lead, samples))))
    weights = np.array([cut.active_frames for cut in cuts], np.float64)
    if weights.sum() == 0:
        return None
    return cuts[int(random.choice(len(cuts), p=weights / weights.sum()))]
