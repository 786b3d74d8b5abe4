"""Windows of the present speech, as a front end gives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emotiond.dsp.frontend import Window
from emotiond.dsp.types import FloatArray
from emotiond.inference.classifier import Classifier

HELD_FRAMES = 250
"""Frames that a front end holds."""


def window_at(
    features: FloatArray, end_frame: int, speech: int = 1, first_frame: int = 0, frames: int = 0
) -> Window:
    """The window after so many frames of a signal, with the features of silence before it.

    Args:
        features: those of all frames, shape ``(n, n_mfcc)``.
        end_frame: number of frames so far.
        speech: its number.
        first_frame: its first frame.
        frames: length of the window; 0 for one second at most.
    """
    silence = np.zeros((HELD_FRAMES, features.shape[1]), np.float32)
    held = np.concatenate((silence, features[:end_frame]))[-HELD_FRAMES:]
    length = frames or min(100, end_frame - first_frame)
    return Window(speech, first_frame, end_frame, held, length, length)


def states_after(
    classifier: Classifier, features: FloatArray, ends: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """States and levels of the window of a new stream, after these numbers of frames."""
    encoding = classifier.encoding()
    for end_frame in ends:
        classifier.encode(window_at(features, end_frame), encoding)
    card = classifier.card
    states = np.empty((card.window_states, card.recipe.n_mfcc), np.float32)
    levels = np.empty(card.window_states, np.float32)
    encoding.copy_window(states, levels)
    return states, levels
