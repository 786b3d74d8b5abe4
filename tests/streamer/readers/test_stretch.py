"""A stretch of a sound file."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.stretch import Stretch, blocks_in

RATE = 10
SAMPLES = np.arange(20, dtype=np.float32)[:, None]


def samples(start: float, end: float | None = None) -> list[float]:
    """A file of 2 s, in blocks of 7 samples."""
    blocks = iter([SAMPLES[:7], SAMPLES[7:14], SAMPLES[14:], SAMPLES[20:]])
    found = blocks_in(Stretch(start, end), lambda: next(blocks), RATE, "a.wav")
    return [value for block in found for value in block[:, 0].tolist()]


def test_what_is_outside_is_left_out() -> None:
    assert samples(0.5, 1.5) == [*range(5, 15)]
    assert samples(1.9) == [19]
    assert samples(1.9, 9.0) == [19]


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (0.1, 0.1000001, "no sample lies in the segment from 0.1 to 0.1000001 s"),
        (9.0, 9.01, "no sample lies in the segment from 9 to 9.01 s"),
        (2.0, None, "the segment begins at 2 s, and the file ends at 2 s"),
        (3.0, 4.0, "the segment begins at 3 s, and the file ends at 2 s"),
    ],
)
def test_a_stretch_without_a_sample_is_refused_with_its_reason(
    start: float, end: float | None, reason: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        samples(start, end)
