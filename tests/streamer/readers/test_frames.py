"""Compressed sound without a header is known by its frames, and sound is not taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.readers.frames import frames_of, may_be_frames
from tests.support.signals import demo
from tests.support.sound_files import encoded, mp2_frame, without_count

SOUND = demo()[:32_000]


def adts_frame(count: int) -> bytes:
    """A frame of AAC as a radio sends it, with so many bytes behind its header."""
    length = count + 7
    header = bytes((0xFF, 0xF1, 0x50, 0x80 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5))
    return header + b"\xfc" + bytes(count)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (encoded(SOUND, "MP3"), "MP3"),
        (without_count(encoded(SOUND, "MP3")), "MP3"),
        (encoded(SOUND, "MP3", 44_100, bitrate_mode="VARIABLE"), "MP3"),
        (mp2_frame(192) * 3 + b"....", "MP2"),
        (adts_frame(300) + adts_frame(200) + adts_frame(400), "AAC"),
    ],
)
def test_three_frames_tell_the_format(content: bytes, name: str) -> None:
    assert may_be_frames(content)
    assert frames_of(content[:8192]) == name


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\xfb", mp2_frame(64) * 2, b"\xff" * 9000])
def test_fewer_frames_are_none(content: bytes) -> None:
    may_be_frames(content)
    assert frames_of(content) is None


@given(st.integers(0, SOUND.size - 1), st.floats(0.0001, 1))
def test_raw_sound_that_begins_like_a_frame_is_none(first: int, gain: float) -> None:
    raw = (SOUND[first:] * gain * 32767).astype("<i2").tobytes()
    assert frames_of(b"\xff\xfb\x90\x44" + raw) is None
    assert frames_of(np.frombuffer(raw, np.int16).astype("<f4").tobytes()) is None
