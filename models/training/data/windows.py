"""Cut a recording into the very windows that the daemon would hear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotiond.dsp.frontend import FrontEnd
from emotiond.inference.card import SAMPLE_RATE

STRIDE_SAMPLES = SAMPLE_RATE // 4
"""Samples from one inference to the next, as ``analyze`` has it."""

WARMUP_SAMPLES = SAMPLE_RATE // 2
"""Before so much audio nothing is judged."""


@dataclass(frozen=True)
class Cut:
    """One window, copied out of the front end."""

    features: npt.NDArray[np.float32]
    """Shape ``(window_frames, n_mfcc)``, padding behind."""
    frames: int
    """Real ones."""
    active_frames: int
    """Loud enough for speech."""
    end_sample: int
    """Just behind its last real frame."""


def cut_windows(front_end: FrontEnd, samples: npt.NDArray[np.float32]) -> Iterator[Cut]:
    """Push a recording through a restarted front end, stride by stride.

    Yields:
        The windows of those strides at which the daemon would ask the model.
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
    """One window of a recording, strides falling anywhere on it.

    A window's chance is in proportion to the speech in it, which is its weight in the
    judgement of a clip. None where the gate never opened.
    """
    lead = np.zeros(int(random.integers(STRIDE_SAMPLES)), np.float32)
    cuts = list(cut_windows(front_end, np.concatenate((lead, samples))))
    weights = np.array([cut.active_frames for cut in cuts], np.float64)
    if weights.sum() == 0:
        return None
    return cuts[int(random.choice(len(cuts), p=weights / weights.sum()))]
