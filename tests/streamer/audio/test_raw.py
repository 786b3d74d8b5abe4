"""What raw samples look like that are taken for signed 16-bit mono."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.streamer.audio.raw import (
    FORMATS,
    RawForm,
    container_of,
    decode,
    doubt,
    is_silent,
)
from tests.support.signals import RATE, demo, noise, tone

VOICE = demo()[: 4 * RATE]
ENCODERS: dict[str, Callable[[FloatArray], bytes]] = {
    "u8": lambda x: (x * 127 + 128).astype("u1").tobytes(),
    "s16le": lambda x: (x * 32767).astype("<i2").tobytes(),
    "s16be": lambda x: (x * 32767).astype(">i2").tobytes(),
    "s24le": lambda x: (x * 8388607).astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes(),
    "s24be": lambda x: (x * 8388607).astype(">i4").view("u1").reshape(-1, 4)[:, 1:].tobytes(),
    "s32le": lambda x: (x * 2147483647.0).astype("<i4").tobytes(),
    "s32be": lambda x: (x * 2147483647.0).astype(">i4").tobytes(),
    "f32le": lambda x: x.astype("<f4").tobytes(),
    "f32be": lambda x: x.astype(">f4").tobytes(),
    "f64le": lambda x: x.astype("<f8").tobytes(),
    "f64be": lambda x: x.astype(">f8").tobytes(),
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_decoded(name: str) -> None:
    found = decode(ENCODERS[name](VOICE), RawForm(RATE, 1, name))[:, 0]
    np.testing.assert_allclose(found, VOICE, atol=0.02 if name == "u8" else 1e-4)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "s16le"])
def test_each_other_format_is_named(name: str) -> None:
    told = doubt(ENCODERS[name](VOICE))
    assert told is not None
    assert told.endswith(f": use --format {name}")


def test_floats_at_the_scale_of_integers_are_floats_too() -> None:
    assert doubt(ENCODERS["f32le"](VOICE * 32767)) == "32-bit floats: use --format f32le"


@pytest.mark.parametrize(
    ("channels", "count"),
    [
        ((VOICE, VOICE), 2),
        ((VOICE, -VOICE), 2),
        ((VOICE, 0 * VOICE), 2),
        ((VOICE, np.roll(VOICE, RATE)), 2),
        ((VOICE,) * 4, 4),
        ((VOICE,) * 6, 6),
    ],
    ids=["alike", "cancelling", "right silent", "apart", "four", "six"],
)
def test_several_channels_are_counted(channels: tuple[FloatArray, ...], count: int) -> None:
    told = doubt(ENCODERS["s16le"](np.stack(channels, 1)))
    assert told is not None
    assert told.endswith(f"channels: use --channels {count}")


def test_a_silent_left_channel_has_a_remedy_that_is_right_for_both_readings() -> None:
    stereo = ENCODERS["s16le"](np.stack((0 * VOICE, VOICE), 1))
    assert doubt(stereo) == "32-bit samples: use --format s32le"
    found = decode(stereo, RawForm(RATE, 1, "s32le"))[:, 0]
    np.testing.assert_allclose(found, VOICE, atol=1e-4)


def test_what_is_no_sound_is_told() -> None:
    assert (doubt(np.random.default_rng(0).bytes(100_000)) or "").startswith("noise: ")
    assert (doubt(b"hello world, no sound " * 5000) or "").startswith("no sound: ")


@pytest.mark.parametrize("level", [1.0, 0.03])
@pytest.mark.parametrize("step", [1, 2])
def test_a_voice_raises_no_doubt(level: float, step: int) -> None:
    assert doubt(ENCODERS["s16le"](level * VOICE[::step])) is None


def test_tones_and_quiet_noise_raise_no_doubt() -> None:
    for sound in (tone(100, 4), tone(1000, 4), noise(4, -45)):
        assert doubt(ENCODERS["s16le"](sound)) is None


def test_silence_is_not_judged() -> None:
    assert is_silent(b"")
    assert is_silent(bytes(1000))
    assert is_silent(ENCODERS["s16le"](noise(1, -70)))
    assert not is_silent(ENCODERS["s16le"](VOICE))


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"OggS", "Ogg"), (b"RIFX", "WAV with the highest byte first"), (b"riff\x2e\x91", "Wave64"),
        (b".snd", "AU"), (b"caff", "CAF"), (b"#!AMR", "AMR"), (b"\x1f\x8b\x08", "gzip"),
        (b"\0\0\0\x20ftypM4A ", "MP4"), (b"RIFF", None), (bytes(12), None),
    ],
)  # fmt: skip
def test_a_container_is_known_by_its_first_bytes(beginning: bytes, name: str | None) -> None:
    assert container_of(beginning.ljust(12, b"\1")) == name
