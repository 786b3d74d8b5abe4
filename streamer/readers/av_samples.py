"""Takes the samples out of a frame of PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from emotiond.dsp.types import FloatArray

if TYPE_CHECKING:
    import av

_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}


def samples_of(frame: av.AudioFrame) -> FloatArray | None:
    """Return samples from -1 to 1 of shape ``(n, channels)``; None for an unknown kind of them.

    ``to_ndarray`` counts the planes itself, and finds more than there are of eight channels.
    """
    channels, is_planar = frame.layout.nb_channels, frame.format.is_planar
    dtype = _TYPES.get(frame.format.name.removesuffix("p") if is_planar else frame.format.name)
    if dtype is None:
        return None
    planes = cast("Sequence[bytes]", frame.planes[: channels if is_planar else 1])
    samples: NDArray[Any]
    if is_planar:
        samples = np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in planes], axis=1)
    else:
        samples = np.frombuffer(planes[0], dtype, frame.samples * channels).reshape(-1, channels)
    return np.ascontiguousarray(_in_floats(samples))


def _in_floats(samples: NDArray[Any]) -> FloatArray:
    """Return samples from -1 to 1."""
    floats = samples.astype(np.float32)
    if samples.dtype == np.uint8:
        return (floats - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return floats * np.float32(0.5 ** (8 * samples.dtype.itemsize - 1))
    return floats
