"""The input of both models and the prior of the speaker, for training and cards."""

from __future__ import annotations

from emotiond.dsp.recipe import Recipe

RECIPE = Recipe(
    sample_rate=16000,
    frame_length=400,
    hop_length=160,
    n_fft=400,
    n_mels=80,
    n_mfcc=80,
    mel_scale="slaney",
)
"""Whisper's analysis. It keeps all coefficients, so that the graph can invert the DCT."""

WINDOW_FRAMES = 300
"""Frames of a full window: 3 s. A multiple of 4."""

MINIMUM_FRAMES = 24
"""Frames of the shortest window: the pre-roll and the frames that open the gate."""

PRIOR_SECONDS = 10.0
"""Weight of the population, in seconds of the speaker's speech; training and daemon share it."""
