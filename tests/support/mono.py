"""Sound of several channels: some cancel each other in their mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emotiond.dsp.types import FloatArray
from tests.support.signals import RATE, demo, noise

_SECONDS = 5
_VOICE = demo()[: _SECONDS * RATE]


def _hiss(seed: int) -> FloatArray:
    return noise(_SECONDS, -60, seed)


def _channels(*channels: FloatArray) -> FloatArray:
    return np.ascontiguousarray(np.stack(channels, axis=1), np.float32)


_QUIETER = 10 ** (-1 / 20)

CANCELLING: Mapping[str, FloatArray] = {
    "exactly": _channels(_VOICE, -_VOICE),
    "1 dB apart": _channels(_VOICE, -_QUIETER * _VOICE),
    "with hiss": _channels(_VOICE + _hiss(1), -_QUIETER * _VOICE + _hiss(2)),
    "the second louder": _channels(-_QUIETER * _VOICE + _hiss(1), _VOICE + _hiss(2)),
    "two of four": _channels(_hiss(1), _VOICE, -_VOICE, _hiss(2)),
    "two pairs": _channels(_VOICE, -_VOICE, 0.5 * _VOICE, -0.5 * _VOICE),
    "three channels": _channels(_VOICE, -0.5 * _VOICE, -0.5 * _VOICE),
}
"""A voice in channels, shape ``(n, channels)``; in their mean it is gone, or nearly so."""

ORDINARY: Mapping[str, FloatArray] = {
    "the same twice": _channels(_VOICE, _VOICE),
    "one side": _channels(_VOICE, np.zeros_like(_VOICE)),
    "a third as loud and opposite": _channels(_VOICE, -0.3 * _VOICE),
    "one of eight": _channels(*(_hiss(seed) for seed in range(7)), _VOICE),
    "independent": _channels(*(noise(_SECONDS, -20, seed) for seed in range(6))),
    "silence": _channels(np.zeros_like(_VOICE), np.zeros_like(_VOICE)),
    "a delay": _channels(_VOICE, np.roll(_VOICE, 80)),
}
"""A voice, or none, in channels whose mean is what a listener in the middle hears."""
