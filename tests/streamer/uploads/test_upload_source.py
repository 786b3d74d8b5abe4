from __future__ import annotations

import asyncio

import numpy as np
import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.uploads.upload_source import UploadSource, decode


def test_both_formats_give_the_same_samples() -> None:
    integers = np.array([-16384, 0, 8192], "<i2")
    floats = (integers / 32768).astype("<f4")
    assert decode(integers.tobytes(), "s16le", 1).tolist() == [[-0.5], [0.0], [0.25]]
    assert decode(floats.tobytes(), "f32le", 1).tolist() == [[-0.5], [0.0], [0.25]]


def test_half_a_sample_and_non_finite_samples_are_refused() -> None:
    with pytest.raises(SourceError, match="3 bytes"):
        decode(b"abc", "s16le", 1)
    with pytest.raises(SourceError, match=r"2 bytes .* of 2 channels"):
        decode(b"ab", "s16le", 2)
    with pytest.raises(SourceError, match="scaled as integers"):
        decode(np.array([0, 12_345], "<f4").tobytes(), "f32le", 1)
    with pytest.raises(SourceError, match="not finite"):
        decode(np.array([np.nan], "<f4").tobytes(), "f32le", 1)


@pytest.mark.parametrize("lossless", [False, True])
def test_only_a_lossless_upload_waits_for_room(lossless: bool) -> None:
    async def push() -> tuple[bool, int]:
        source, ring = UploadSource(16_000, 1, lossless), Ring(100, 1, 16_000)
        source.start(ring, lambda *_: None)
        await source.push(np.zeros((100, 1), np.float32))
        pushing = asyncio.ensure_future(source.push(np.zeros((50, 1), np.float32)))
        await asyncio.sleep(0.05)
        waited = not pushing.done()
        ring.read(100)
        source.make_room()
        await pushing
        return waited, source.pushed_samples

    assert asyncio.run(push()) == (lossless, 150)


def test_a_stopped_upload_discards_what_waits() -> None:
    async def push() -> int:
        source, ring = UploadSource(16_000, 1, lossless=True), Ring(100, 1, 16_000)
        source.start(ring, lambda *_: None)
        await source.push(np.zeros((100, 1), np.float32))
        pushing = asyncio.ensure_future(source.push(np.zeros((50, 1), np.float32)))
        await asyncio.sleep(0.05)
        source.stop()
        await pushing
        return source.pushed_samples

    assert asyncio.run(push()) == 100
