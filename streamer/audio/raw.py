"""Raw samples as streams carry them: their formats, WAV headers before them, and wrong guesses."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

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
}  # fmt: skip


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


def doubt(data: bytes) -> str | None:
    """Return what some seconds look like that were taken for signed 16-bit mono; None for that.

    Silence raises no doubt.
    """
    data = data[: len(data) // 8 * 8]
    x = np.frombuffer(data, "<i2").astype(np.float64)
    power = float(np.mean(x**2)) if x.size else 0.0
    if power < 100:  # -70 dBFS
        return None
    floats = np.abs(np.frombuffer(data, "<f4"))
    with np.errstate(invalid="ignore"):
        some = floats[floats != 0]
        if some.size > floats.size // 4 and np.mean((some > 1e-7) & (some < 2)) > 0.95:
            return "32-bit floats: use --format f32le"
    if np.mean(np.abs(x) > 24_000) > 0.8:
        return "unsigned 8-bit samples: use --format u8"
    swapped = np.frombuffer(data, ">i2").astype(np.float64)
    if _roughness(x) > 1 and _roughness(swapped) < 0.5:
        return "samples with the highest byte first: use --format s16be"
    left, right = x[::2], x[1::2]
    within, between = np.mean((right - left) ** 2), np.mean((left[1:] - right[:-1]) ** 2)
    sides = np.mean(left**2), np.mean(right**2)
    if within < 0.25 * between or min(sides) < 0.01 * max(sides):
        return "two channels: use --channels 2"
    return None


def _roughness(x: FloatArray) -> float:
    return float(np.mean(np.diff(x) ** 2)) / max(1.0, float(np.mean(x**2)))
