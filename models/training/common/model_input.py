"""What both models take, and how a speaker is got to know: shared by training and cards."""

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
"""Whisper's own analysis, with all coefficients kept so that the graph can undo the DCT."""

WINDOW_FRAMES = 300
"""Of a full window: 3 s; a multiple of 4."""

MINIMUM_FRAMES = 24
"""Of the shortest: the pre-roll and what opens the gate."""

PRIOR_SECONDS = 10.0
"""The population counts as so much speech of the speaker, in training as in the daemon."""
