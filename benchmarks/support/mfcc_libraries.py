"""One MFCC recipe in each library: HTK, 25 ms every 10 ms, 26 bands, 13 coefficients."""

from __future__ import annotations

from typing import Any

import kaldi_native_fbank as knf
import librosa
import numpy as np
import python_speech_features as psf

from emotiond.dsp.recipe import Recipe
from emotiond.dsp.types import FloatArray

RATE = 16_000
HOP = 160
RECIPE = Recipe(
    sample_rate=RATE,
    frame_length=400,
    hop_length=HOP,
    n_fft=512,
    n_mels=26,
    n_mfcc=13,
    window="rectangular",
    pre_emphasis=0.97,
    spectrum="periodogram",
    logarithm="ln",
    log_floor=float(np.finfo(np.float64).eps),
    floor="zero",
    lifter=22,
    append_energy=True,
)


def with_psf(samples: FloatArray) -> None:
    """Compute a whole window with python_speech_features and its defaults."""
    psf.mfcc(samples, RATE, nfft=512)


def with_librosa(samples: FloatArray) -> None:
    """Compute a whole signal with librosa."""
    librosa.feature.mfcc(
        y=samples,
        sr=RATE,
        n_mfcc=13,
        n_mels=26,
        n_fft=512,
        win_length=400,
        hop_length=HOP,
        center=False,
        htk=True,
    )


class Kaldi:
    """The online extractor of kaldi-native-fbank. It frees the frames that were read."""

    def __init__(self) -> None:
        options = knf.MfccOptions()
        options.frame_opts.samp_freq = RATE
        options.frame_opts.dither = 0
        options.frame_opts.window_type = "rectangular"
        options.mel_opts.num_bins = 26
        options.num_ceps = 13
        self._online: Any = knf.OnlineMfcc(options)
        self._read = 0

    def push(self, samples: FloatArray) -> None:
        """Push samples and read the frames that they complete."""
        self._online.accept_waveform(RATE, samples)
        ready = self._online.num_frames_ready
        for frame in range(self._read, ready):
            self._online.get_frame(frame)
        self._online.pop(ready - self._read)
        self._read = ready
