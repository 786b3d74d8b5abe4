"""The window of an encoder's state, as the classifier copies it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotiond.inference.encoding import Encoding


def latest(
    encoding: Encoding, states: int, size: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """So many of the latest states of this size, and their levels; zeros follow a part."""
    copies = np.empty((states, size), np.float32), np.empty(states, np.float32)
    encoding.copy_window(*copies)
    return copies
