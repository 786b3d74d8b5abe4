"""The frames that PyAV decodes of a stream: checked, and gathered to blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.readers import av_samples
from emotiond.streamer.readers.sound_file import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS

if TYPE_CHECKING:
    import av

Piece = tuple[int, FloatArray]
"""A sample rate in Hz, and samples of shape ``(n, channels)``."""

_BLOCK_SECONDS = 0.02


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
    samples = av_samples.samples_of(frame)
    if samples is None:
        raise SourceError("it sends samples of an unknown kind", "Let it send another codec")
    if (fault := fault_of(peak_of(samples))) is not None:
        raise SourceError(f"it is no sound: {fault.problem}", "Let it send samples up to 1")
    return samples


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
