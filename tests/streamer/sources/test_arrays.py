"""Arrays and blocks: what is accepted, and what is said of the rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.mono import mix_down
from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.sources.arrays import SampleReading, check_rate, read_array
from tests.support.mono import CANCELLING
from tests.support.signals import block_sizes, cut, noise, tone

STEREO = noise(1.1, -20).reshape(-1, 2)


def all_of(reading: SampleReading) -> FloatArray:
    found = []
    while (block := reading.read()).shape[0]:
        assert block.shape[0] <= reading.sample_rate / 2
        found.append(block[:, 0])
    return np.concatenate(found)


@given(sizes=block_sizes, channels=st.sampled_from([1, 2, 3, 9]), fortran=st.booleans())
def test_any_cut_gives_the_same_bits_as_the_whole(
    sizes: list[int], channels: int, fortran: bool
) -> None:
    sound = noise(0.5, -20)[: 7992 // 9 * 9].reshape(-1, channels)
    blocks = (np.asfortranarray(block) if fortran else block for block in cut(sound, sizes))
    whole = all_of(read_array(sound, 16_000))
    assert all_of(SampleReading(blocks, 16_000)).tobytes() == whole.tobytes()
    np.testing.assert_allclose(whole, sound.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("name", CANCELLING)
def test_a_voice_in_channels_that_cancel_is_kept(name: str) -> None:
    sound = CANCELLING[name]
    wanted = mix_down(sound, 16_000)
    assert all_of(read_array(sound, 16_000)).tobytes() == wanted.tobytes()
    blocks = all_of(SampleReading(cut(sound, [1000, 77]), 16_000))
    assert blocks.tobytes() == wanted.tobytes()


def test_blocks_may_have_other_channels_than_the_block_before() -> None:
    voice = tone(440, 0.1)[:, None]
    found = all_of(SampleReading([voice, np.hstack((voice, voice)), voice], 16_000))
    np.testing.assert_array_equal(found, np.tile(voice[:, 0], 3))


@pytest.mark.parametrize("kind", ["<i2", ">i2", "f2", "<f4", ">f4", "f8", "longdouble"])
def test_every_kind_of_number_gives_the_same_sound(kind: str) -> None:
    steps = np.round(tone(440, 0.1) * 128) * 256
    given_samples = steps.astype(kind) if "i" in kind else (steps / 32768).astype(kind)
    np.testing.assert_array_equal(all_of(read_array(given_samples, 16_000)), steps / 32768)


def test_an_array_that_cannot_be_written_to_is_read() -> None:
    sound = STEREO.copy()
    sound.flags.writeable = False
    assert all_of(read_array(sound, 44_100)).shape == sound.shape[:1]


@pytest.mark.parametrize("rate", [2000, 384_000, 16_000.0, np.int16(8000), np.float64(44_100)])
def test_a_whole_number_is_a_rate(rate: Any) -> None:
    assert check_rate(rate) == int(rate)
    assert type(check_rate(rate)) is int


@pytest.mark.parametrize(
    "rate", [0, -1, 1999, 384_001, 16_000.5, np.nan, np.inf, "16000", None, True, 10**400, STEREO]
)
def test_an_invalid_rate_is_refused(rate: Any) -> None:
    with pytest.raises(SourceError, match="2000 to 384000 Hz"):
        check_rate(rate)


class Reluctant:
    """An array of another library, which lives elsewhere."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("it is on another device")


BAD: list[tuple[Any, str]] = [
    ([0.1, 0.2], "type list"),
    (None, "type NoneType"),
    (b"\0\0", "type bytes"),
    (Reluctant(), "another device"),
    (STEREO.astype(np.int32), "int32"),
    (STEREO.astype(np.uint8), "uint8"),
    (STEREO.astype(complex), "complex"),
    (STEREO > 0, "bool"),
    (STEREO.astype(object), "object"),
    (np.array(["sound"]), "<U5"),
    (np.float32(0.5), r"shape \(\)"),
    (np.zeros((2, 3, 4)), r"shape \(2, 3, 4\)"),
    (np.zeros((10, 0)), r"shape \(10, 0\)"),
    (STEREO.T, r"shape \(2, "),
    (np.array([0.0, np.nan]), "not finite"),
    (np.array([[0.0, np.inf]]), "not finite"),
    (np.array([0.0, np.inf], np.float16), "not finite"),
    (np.array([0.0, -1e300]), "samples reach"),
    (32_767 * STEREO, "scaled as integers"),
]


@pytest.mark.parametrize(("samples", "problem"), BAD)
def test_an_invalid_array_is_refused(samples: Any, problem: str) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        read_array(samples, 16_000)
    assert caught.value.remedy.startswith("Give ")


@pytest.mark.parametrize(("samples", "problem"), BAD)
def test_an_invalid_block_is_refused_when_it_is_read(samples: Any, problem: str) -> None:
    reading = SampleReading([STEREO[:100], samples], 16_000)
    assert reading.read().shape == (100, 1)
    with pytest.raises(SourceError, match=problem):
        reading.read()


@pytest.mark.parametrize("shape", [(0,), (0, 2)])
def test_an_empty_array_is_refused_and_an_empty_block_is_skipped(shape: Any) -> None:
    with pytest.raises(SourceError, match="0 samples"):
        read_array(np.zeros(shape), 16_000)
    assert all_of(SampleReading([np.zeros(shape), STEREO], 16_000)).shape == STEREO.shape[:1]


def test_a_value_far_into_an_array_is_found_before_anything_is_read() -> None:
    sound = np.zeros(200_000)
    sound[-1] = np.nan
    with pytest.raises(SourceError, match="not finite"):
        read_array(sound, 16_000)


def test_blocks_are_taken_when_they_are_needed_and_closed() -> None:
    taken, closed = [], []

    def blocks() -> Iterator[FloatArray]:
        try:
            for number in range(10):
                taken.append(number)
                yield np.zeros(8000)
        finally:
            closed.append(True)

    reading = SampleReading(blocks(), 16_000)
    assert taken == []
    reading.read()
    reading.read()
    assert (taken, closed) == ([0, 1], [])
    reading.close()
    reading.close()
    assert closed == [True]
    assert not reading.read().shape[0]


def test_blocks_that_another_thread_waits_for_are_closed_when_it_has_one() -> None:
    waiting, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def blocks() -> Iterator[FloatArray]:
        try:
            waiting.set()
            assert go_on.wait(60)
            yield np.zeros(10)
        finally:
            closed.set()

    reading = SampleReading(blocks(), 16_000)
    sizes: list[int] = []
    reader = threading.Thread(target=lambda: sizes.append(reading.read().shape[0]))
    reader.start()
    assert waiting.wait(60)
    reading.close()
    assert not closed.is_set()
    go_on.set()
    reader.join(60)
    assert closed.is_set()
    assert sizes == [0]
