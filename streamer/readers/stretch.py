"""Takes a stretch out of a sound file, whose decoder goes forward only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError


class Stretch(NamedTuple):
    """A part of a file."""

    start_seconds: float = 0.0
    end_seconds: float | None = None
    """None for the end of the file. A file that ends earlier ends it."""


WHOLE = Stretch()
"""All of a file."""


def blocks_in(
    stretch: Stretch, read: Callable[[], FloatArray], sample_rate: int, path: str
) -> Iterator[FloatArray]:
    """Yield the samples of a stretch: what is before it is decoded and discarded.

    Args:
        stretch: the part.
        read: returns the next samples of the file, shape ``(n, channels)``; ``n`` is 0 at the end.
        sample_rate: Hz.
        path: for messages.

    Raises:
        SourceError: the stretch has no sample, or begins behind the end of the file.
    """
    start = round(stretch.start_seconds * sample_rate)
    end = None if stretch.end_seconds is None else round(stretch.end_seconds * sample_rate)
    if end is not None and end <= start:
        raise SourceError(
            f"{path}: no sample lies in the segment from {stretch.start_seconds:.10g} to "
            f"{stretch.end_seconds:.10g} s",
            "Correct the segment",
        )
    position, is_empty = 0, True
    while (end is None or position < end) and (block := read()).shape[0]:
        inside = block[max(0, start - position) : None if end is None else end - position]
        position += block.shape[0]
        if inside.shape[0]:
            is_empty = False
            yield inside
    if is_empty and position:
        raise SourceError(
            f"{path}: the segment begins at {stretch.start_seconds:g} s, and the file ends at "
            f"{position / sample_rate:g} s",
            "Correct the segment",
        )
