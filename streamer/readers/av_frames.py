"""The samples of the frames that PyAV decodes, gathered to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.readers.sound_file import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS

if TYPE_CHECKING:
    import av

Piece = tuple[int, FloatArray]
"""A sample rate in Hz, and samples of shape ``(n, channels)``."""

_BLOCK_SECONDS = 0.02
_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}


def samples_of(frame: av.AudioFrame) -> FloatArray:
    """Return samples of shape ``(n, channels)``.

    Raises:
        SourceError: the rate, the channels or the samples are not those of sound.
    """
    rate, channels = frame.sample_rate, frame.layout.nb_channels
    if not (LOWEST_RATE <= rate <= HIGHEST_RATE and 1 <= channels <= MOST_CHANNELS):
        raise SourceError(
            f"it sends {channels} channels at {rate} Hz",
            f"Let it send {LOWEST_RATE} to {HIGHEST_RATE} Hz, and {MOST_CHANNELS} channels at most",
        )
    samples = _in_floats(_array_of(frame, channels))
    if (fault := fault_of(peak_of(samples))) is not None:
        raise SourceError(f"it is no sound: {fault.problem}", "Let it send samples up to 1")
    return np.ascontiguousarray(samples)


def _array_of(frame: av.AudioFrame, channels: int) -> NDArray[Any]:
    """Return shape ``(n, channels)``.

    ``to_ndarray`` counts the planes itself, and finds more than there are of eight channels.
    """
    is_planar = frame.format.is_planar
    dtype = _TYPES.get(frame.format.name.removesuffix("p") if is_planar else frame.format.name)
    if dtype is None:
        raise SourceError("it sends samples of an unknown kind", "Let it send another codec")
    planes = cast("Sequence[bytes]", frame.planes[: channels if is_planar else 1])
    if is_planar:
        return np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in planes], axis=1)
    return np.frombuffer(planes[0], dtype, frame.samples * channels).reshape(-1, channels)


def _in_floats(samples: NDArray[Any]) -> FloatArray:
    """Return samples from -1 to 1."""
    floats = samples.astype(np.float32)
    if samples.dtype == np.uint8:
        return (floats - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return floats * np.float32(0.5 ** (8 * samples.dtype.itemsize - 1))
    return floats


def gathered(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Join pieces, so that each has 20 ms at least unless the form changes."""
    held: list[FloatArray] = []
    count = held_rate = 0
    for rate, samples in pieces:
        if held and (rate, samples.shape[1]) != (held_rate, held[0].shape[1]):
            yield held_rate, np.concatenate(held)
            held, count = [], 0
        held.append(samples)
        held_rate, count = rate, count + samples.shape[0]
        if count >= _BLOCK_SECONDS * rate:
            yield held_rate, np.concatenate(held)
            held, count = [], 0
    if count:
        yield held_rate, np.concatenate(held)
