"""The parameters of an MFCC front end, as a model's card contains them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

WindowName = Literal["rectangular", "hann", "hamming"]
MelScale = Literal["htk", "slaney"]
Spectrum = Literal["power", "periodogram"]
Logarithm = Literal["ln", "log10"]
Floor = Literal["clamp", "zero"]


@dataclass(frozen=True)
class Recipe:
    """The parameters of one MFCC front end.

    Frames are causal, not centred: frame ``k`` holds the samples
    ``[k * hop_length, k * hop_length + frame_length)``.

    Raises:
        ValueError: a parameter is out of range, or two contradict each other.
    """

    sample_rate: int
    """Hz."""
    frame_length: int
    """Samples in one frame."""
    hop_length: int
    """Samples from one frame to the next."""
    n_fft: int
    """Points of the Fourier transform. A shorter frame is padded with zeros, a longer one cut."""
    n_mels: int
    """Number of mel bands."""
    n_mfcc: int
    """Number of cepstral coefficients, at most ``n_mels``."""
    window: WindowName = "hann"
    """Periodic (DFT-even) form of the named window."""
    pre_emphasis: float = 0.0
    """``c`` in ``y[n] = x[n] - c * x[n - 1]``, with ``y[0] = x[0]``."""
    mel_scale: MelScale = "htk"
    """``htk``: 2595·log10(1 + f/700), triangles between whole FFT bins.
    ``slaney``: linear below 1 kHz, then logarithmic, triangles of equal area."""
    low_hz: float = 0.0
    """Lower edge of the first band, in Hz."""
    high_hz: float = 8000.0
    """Upper edge of the last band, in Hz."""
    spectrum: Spectrum = "power"
    """``power``: |rfft|². ``periodogram``: |rfft|² / n_fft."""
    logarithm: Logarithm = "log10"
    """Logarithm of the mel powers."""
    log_floor: float = 1e-10
    """Replacement for powers that are too small for the logarithm."""
    floor: Floor = "clamp"
    """``clamp``: replace powers below ``log_floor``. ``zero``: replace only exact zeros."""
    lifter: int = 0
    """``L`` in ``1 + L/2 · sin(πn/L)``, the factor of coefficient ``n``; 0 for none."""
    append_energy: bool = False
    """Replace coefficient 0 by the logarithm of the frame's total power."""

    def __post_init__(self) -> None:
        positive = ("sample_rate", "frame_length", "hop_length", "n_fft", "n_mels", "n_mfcc")
        for name in positive:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        choices = {
            "window": ("rectangular", "hann", "hamming"),
            "mel_scale": ("htk", "slaney"),
            "spectrum": ("power", "periodogram"),
            "logarithm": ("ln", "log10"),
            "floor": ("clamp", "zero"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, not {getattr(self, name)!r}")
        if self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc ({self.n_mfcc}) must not exceed n_mels ({self.n_mels})")
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate / 2:
            raise ValueError(
                f"the bands must lie in 0 ≤ low_hz < high_hz ≤ {self.sample_rate / 2:g} Hz, "
                f"not {self.low_hz:g} to {self.high_hz:g}"
            )
        if not (self.log_floor > 0 and math.isfinite(self.log_floor)):
            raise ValueError(f"log_floor must be positive, not {self.log_floor}")
        if not -1 <= self.pre_emphasis <= 1:
            raise ValueError(f"pre_emphasis must lie between -1 and 1, not {self.pre_emphasis}")
        if self.lifter < 0:
            raise ValueError(f"lifter must not be negative, not {self.lifter}")

    def frames_in(self, samples: int) -> int:
        """Return the number of full frames in a number of samples."""
        if samples < self.frame_length:
            return 0
        return 1 + (samples - self.frame_length) // self.hop_length

    def end_of(self, frames: int) -> int:
        """Return the position after the last sample of a number of frames; 0 for none."""
        if frames == 0:
            return 0
        return (frames - 1) * self.hop_length + self.frame_length
