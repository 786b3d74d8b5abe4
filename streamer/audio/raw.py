"""Raw samples as streams carry them: their formats, WAV headers before them, and wrong guesses."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError

_KINDS = {"u8": "u1", "s16": "i2", "s24": "i1", "s32": "i4", "f32": "f4", "f64": "f8"}
_ORDERS = {"le": "<", "be": ">"}
FORMATS = MappingProxyType(
    {"u8": ("u8", "<")}
    | {kind + end: (kind, _ORDERS[end]) for kind in list(_KINDS)[1:] for end in _ORDERS}
)
"""The names of formats: kind of number, and order of bytes."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WAV_FORMATS = {
    (_PCM, 8): "u8", (_PCM, 16): "s16le", (_PCM, 24): "s24le", (_PCM, 32): "s32le",
    (_FLOAT, 32): "f32le", (_FLOAT, 64): "f64le",
}  # fmt: skip
_OTHERS = {
    b"OggS": "Ogg", b"fLaC": "FLAC", b"ID3": "MP3", b"FORM": "AIFF", b"\x1aE\xdf\xa3": "WebM",
    b"RIFX": "WAV with the highest byte first", b"riff": "Wave64", b".snd": "AU", b"dns.": "AU",
    b"caff": "CAF", b"#!AMR": "AMR", b"\x1f\x8b\x08": "gzip", b"PK\3\4": "ZIP",
    b"0&\xb2u\x8ef\xcf\x11": "WMA",
}  # fmt: skip
_FLOATS = ("f64le", "f64be", "f32le", "f32be")  # one half of wide ones may look like narrow ones
_INTEGERS = ("s16be", "s24le", "s24be", "s32le", "s32be")
_NUMBERS = {2: "two", 4: "four", 6: "six", 8: "eight"}
_FEWEST_SAMPLES = 1000  # that are not zero
_WHOLE_BYTES = 24  # the smallest multiple of all samples
_DOUBTED_POWER = 1000.0  # -60 dBFS
_LOUD_POWER = 1e6  # -30 dBFS
_SMOOTH, _NOISE = 0.5, 1.6  # of what is sound, and what is not


@dataclass(frozen=True)
class RawForm:
    """How raw samples are to be read."""

    sample_rate: int
    """Hz."""
    channels: int
    format: str
    """One of :data:`FORMATS`."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of the samples of all channels at one time."""
        return self.channels * sample_bytes(self.format)


def sample_bytes(name: str) -> int:
    """Return the size of one sample of a format."""
    kind, _ = FORMATS[name]
    return 1 if kind == "u8" else int(kind[1:]) // 8


def decode(data: bytes, form: RawForm) -> FloatArray:
    """Return whole frames of samples from -1 to 1, shape ``(n, channels)``, float32."""
    kind, order = FORMATS[form.format]
    if kind == "s24":
        bytes_of = np.frombuffer(data, np.uint8).reshape(-1, 3)
        bytes_of = bytes_of[:, ::-1] if order == ">" else bytes_of
        wide = np.zeros((bytes_of.shape[0], 4), np.uint8)
        wide[:, 1:] = bytes_of
        samples = wide.view("<i4")[:, 0] / 2.0**31
    else:
        numbers = np.frombuffer(data, order + _KINDS[kind])
        if kind == "u8":
            samples = (numbers - 128.0) / 128
        elif kind.startswith("s"):
            samples = numbers / 2.0 ** (int(kind[1:]) - 1)
        else:
            samples = numbers
    return np.asarray(samples, np.float32).reshape(-1, form.channels)


def container_of(beginning: bytes) -> str | None:
    """Return the name of a format that is no raw sound, by its first 12 bytes."""
    if beginning[4:8] == b"ftyp":
        return "MP4"
    return next((name for mark, name in _OTHERS.items() if beginning.startswith(mark)), None)


def wav_form(fmt: bytes) -> RawForm:
    """Return what the ``fmt`` chunk of a WAV header says.

    Raises:
        SourceError: the samples are encoded in a way that is no plain number.
    """
    if len(fmt) < 16:
        raise SourceError("the WAV header is damaged", "Send it again")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", fmt[:16])
    if tag == _EXTENSIBLE and len(fmt) >= 26:
        tag = int.from_bytes(fmt[24:26], "little")
    name = _WAV_FORMATS.get((tag, bits))
    if name is None or not channels:
        raise SourceError(
            f"the WAV stream has an encoding that is not known (tag {tag}, {bits} bits)",
            "Send 16-bit PCM, for instance: ffmpeg -i INPUT -f wav -c:a pcm_s16le -",
        )
    return RawForm(rate, channels, name)


def is_silent(data: bytes) -> bool:
    """Return whether sound that is taken for signed 16-bit mono is too quiet to be doubted."""
    return _power(np.frombuffer(data[: len(data) // 2 * 2], "<i2")) < _DOUBTED_POWER


def doubt(data: bytes) -> str | None:
    """Return what some seconds look like that were taken for signed 16-bit mono; None for that.

    They are not silent.
    """
    data = data[: len(data) // _WHOLE_BYTES * _WHOLE_BYTES]
    for name in _FLOATS:
        if _are_floats(np.abs(_numbers(data, name))):
            return f"{name[1:3]}-bit floats: use --format {name}"
    x = _numbers(data, "s16le")
    if np.mean(np.abs(x) > 24_000) > 0.8:
        return "unsigned 8-bit samples: use --format u8"
    if not x[::2].any():  # the lower halves of numbers; or a silent left channel, read right, too
        return "32-bit samples: use --format s32le"
    channels = _channels_of(x)
    if channels > 1:
        return f"{_NUMBERS[channels]} channels: use --channels {channels}"
    if _power(x) > _LOUD_POWER and np.mean(x) ** 2 > 0.5 * _power(x):
        return "no sound: decode it before"
    if _roughness(x) < 1:
        return None
    numbers = {name: _numbers(data, name) for name in _INTEGERS}
    loud = [(_roughness(y), name) for name, y in numbers.items() if _power(y) > _DOUBTED_POWER]
    roughness, smoothest = min(loud, default=(2.0, ""))
    if roughness < _SMOOTH:
        order = ", the highest byte first" if smoothest.endswith("be") else ""
        return f"{smoothest[1:3]}-bit samples{order}: use --format {smoothest}"
    if _NOISE < _roughness(x) < 4 - _NOISE and _power(x) > _LOUD_POWER:
        return "noise: name the samples with --format, --channels and --rate"
    return None


def _numbers(data: bytes, name: str) -> FloatArray:
    """Return the samples of a format, at the scale of 16 bits."""
    with np.errstate(invalid="ignore", over="ignore"):
        return decode(data, RawForm(1, 1, name))[:, 0].astype(np.float64) * 32768


def _are_floats(magnitudes: FloatArray) -> bool:
    """Return whether all numbers but zeros have magnitudes of sound, at whatever scale."""
    some = magnitudes[magnitudes != 0] / 32768
    with np.errstate(invalid="ignore"):
        return bool(some.size > _FEWEST_SAMPLES and np.mean((some > 1e-7) & (some < 65_536)) > 0.95)


def _channels_of(x: FloatArray) -> int:
    """Return in how many channels samples make sense."""
    for count in sorted(_NUMBERS, reverse=True):  # alike, or of opposite signs
        frames = x[: x.size // count * count].reshape(-1, count)
        frames = frames * np.sign(np.mean(frames[:, :1] * frames, axis=0))
        within = np.mean(np.diff(frames, axis=1) ** 2, axis=0)
        between = np.mean((frames[1:, 0] - frames[:-1, -1]) ** 2)
        if within.max() < 0.25 * between:
            return count
    left, right = x[::2], x[1::2]
    quiet, loud = sorted((left, right), key=_power)
    if _power(quiet) < 0.01 * _power(loud) and _roughness(loud) < 1:
        return 2
    return 2 if _roughness(x) > 1 and max(_roughness(left), _roughness(right)) < _SMOOTH else 1


def _power(x: npt.NDArray[Any]) -> float:
    return float(np.mean(np.square(x, dtype=np.float64))) if x.size else 0.0


def _roughness(x: FloatArray) -> float:
    """Return 0 for smooth samples, 2 for noise."""
    return float(np.mean(np.diff(x) ** 2)) / max(1.0, _power(x))
