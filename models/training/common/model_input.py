"""The input of both models and the prior of the speaker, for training and cards."""

from __future__ import annotations

from emotiond.dsp.recipe import Recipe
from emotiond.inference.card import EncoderShape

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

WINDOW_FRAMES = {"full": 200, "lite": 296}
"""Frames of a full window, which the heads pool: 2 and almost 3 s, whole states. With 2 s, labels
of ``lite`` change too often; see ``docs/experiments.md``."""

MINIMUM_FRAMES = 24
"""Frames of the shortest window: the pre-roll and the frames that open the gate."""

TRAINING_PRIOR_SECONDS = 10.0
"""Weight of the population in training, in seconds of the speaker's speech."""

PRIOR_SECONDS = 30.0
"""The same in the daemon. It changes its idea of a voice more slowly than training does: a lasting
emotion becomes part of it less, and adaptation gains as much."""

FULL_ENCODER = EncoderShape(
    frames_per_state=4, look_back_frames=2, look_ahead_frames=1, states_per_call=7
)
"""A token of Whisper's encoder needs two frames before its own two, and one after them. A state is
the mean of two tokens. A stride of 0.25 s completes six or seven states."""
TOKENS_PER_STATE = 2
CONTEXT_TOKENS = 50
"""Tokens before those of a call that its tokens see in each block: 1 s. Three blocks reach 3 s."""
POSITIONS = 1500
"""Whisper's positions: 30 s. They begin anew afterwards."""

LITE_ENCODER = EncoderShape(
    frames_per_state=8, look_back_frames=0, look_ahead_frames=0, states_per_call=4
)

ENCODERS = {"full": FULL_ENCODER, "lite": LITE_ENCODER}
"""The encoders by the names of the models."""
