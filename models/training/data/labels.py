"""The labels that each corpus knows, and the right labels of each window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emotiond.inference.card import LABELS
from emotiond.models.training.data.columns import JOINED, OWN, OWN_JOINED

_KNOWN = {
    "ravdess-speech": set(LABELS),
    JOINED: set(LABELS),
    "ravdess-song": set(LABELS) - {"disgust", "surprised"},
    "nemo": set(LABELS) - {"disgust"},
    # Its model is for this corpus alone: a label that no clip has is never right.
    OWN: set(LABELS),
    OWN_JOINED: set(LABELS),
}
"""Labels that a corpus distinguishes or may contain. Training ignores the others."""


def allowed_labels(corpus: npt.NDArray[np.str_]) -> npt.NDArray[np.float32]:
    """Return 1 for the labels that the corpus of a window knows, ``(n, 8)``."""
    rows = [[label in _KNOWN.get(name, set()) for label in LABELS] for name in corpus.tolist()]
    return np.array(rows, np.float32)


def target_labels(
    label: npt.NDArray[np.int64], corpus: npt.NDArray[np.str_]
) -> npt.NDArray[np.float32]:
    """Return 1 for the right labels, ``(n, 8)``. Neutral in nEMO may also be calm."""
    targets = np.zeros((label.size, len(LABELS)), np.float32)
    labelled = label >= 0
    targets[labelled, label[labelled]] = 1
    either = (corpus == "nemo") & (label == LABELS.index("neutral"))
    targets[either, LABELS.index("calm")] = 1
    return targets
