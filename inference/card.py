"""A model's card: its input and output, its settings, and what users should know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from emotiond.dsp.frontend import WindowShape
from emotiond.dsp.recipe import Recipe
from emotiond.exceptions import CardError
from emotiond.inference.adaptation import AdaptationSettings
from emotiond.inference.files import read_file
from emotiond.inference.parsing import Kinds, build
from emotiond.inference.smoothing.kinds import SMOOTHERS
from emotiond.inference.smoothing.protocols import SmootherSettings

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""The eight labels. Every vector of scores has this order."""

SAMPLE_RATE = 16_000
"""Hz, the rate of all audio after the ring buffer."""

_FORMAT = 2
_LARGEST_BYTES = 4_000_000
_MOST_VALUES_PER_SECOND = 60_000  # a live stream keeps 2.5 s
_LARGEST_LOG_FLOOR = 1e30  # in float32, a far larger one is infinite
_LEAST_LOG_FLOOR = 1e-37  # a smaller one is 0 in float32


@dataclass(frozen=True)
class EncoderShape:
    """How the encoder of a model takes features and gives states.

    A state describes ``frames_per_state`` frames. One call of the encoder gives at most
    ``states_per_call`` of them, and sees a few frames before the first and after the last one.
    """

    frames_per_state: int
    look_back_frames: int
    look_ahead_frames: int
    states_per_call: int

    @property
    def frames_per_call(self) -> int:
        """Frames that one call of the encoder takes."""
        return (
            self.look_back_frames
            + self.states_per_call * self.frames_per_state
            + self.look_ahead_frames
        )


@dataclass(frozen=True)
class Licence:
    """The licences of the weights and of the code, which differ."""

    weights: str
    code: str


@dataclass(frozen=True)
class Card:
    """The contract between a model and the daemon.

    The model has two signatures. ``encode`` takes features and its own past, and returns states;
    :mod:`emotiond.inference.encoding` says how. ``classify`` takes the states of a window and
    returns ``logits``, shape ``(1, 9)``: one for each label, then one for the presence of a voice.

    Raises:
        ValueError: a value is out of range.
    """

    format: int
    name: str
    description: str
    sha256: str
    """SHA-256 of the ``.tflite`` file. It detects a truncated or exchanged file."""
    labels: tuple[str, ...]
    recipe: Recipe
    window_frames: int
    minimum_frames: int
    """Frames of audio that a window needs before the model runs."""
    encoder: EncoderShape
    temperature: float
    """Divisor of the logits before the softmax. It calibrates the posteriors."""
    voice_threshold: float
    """A window with a lower probability of a voice is silence."""
    smoothing: Annotated[SmootherSettings, Kinds(SMOOTHERS)]
    licence: Licence
    training_data: tuple[str, ...]
    evaluation: Mapping[str, Any]
    intended_use: str
    not_for: str
    known_weaknesses: tuple[str, ...]
    adaptation: AdaptationSettings | None = None
    """How to accumulate a speaker's statistics; None for a model that does not adapt."""

    def __post_init__(self) -> None:
        if self.format != _FORMAT:
            raise ValueError(f"format is {self.format}, this version reads {_FORMAT}")
        if self.labels != LABELS:
            raise ValueError(f"labels must be {' '.join(LABELS)}, in this order")
        if self.recipe.sample_rate != SAMPLE_RATE:
            raise ValueError(f"recipe.sample_rate must be {SAMPLE_RATE}")
        if self.recipe.hop_length > self.recipe.frame_length:
            raise ValueError("recipe.hop_length must not exceed recipe.frame_length")
        if max(self.recipe.frame_length, self.recipe.n_fft, self.recipe.n_mels) > SAMPLE_RATE:
            raise ValueError("recipe.frame_length, n_fft and n_mels must not exceed 16000")
        if not _LEAST_LOG_FLOOR <= self.recipe.log_floor <= _LARGEST_LOG_FLOOR:
            raise ValueError(
                f"recipe.log_floor must lie between {_LEAST_LOG_FLOOR} and {_LARGEST_LOG_FLOOR}"
            )
        if not 1 <= self.minimum_frames <= self.window_frames:
            raise ValueError("minimum_frames must lie between 1 and window_frames")
        if self.window_frames > 60_000 // self.recipe.n_mfcc:
            raise ValueError("window_frames is beyond what a live window can be")
        if self.recipe.n_mfcc * SAMPLE_RATE > _MOST_VALUES_PER_SECOND * self.recipe.hop_length:
            raise ValueError("recipe.hop_length is too short for so many n_mfcc")
        encoder = self.encoder
        if min(encoder.frames_per_state, encoder.states_per_call) < 1:
            raise ValueError("encoder.frames_per_state and states_per_call must be at least 1")
        if min(encoder.look_back_frames, encoder.look_ahead_frames) < 0:
            raise ValueError("encoder.look_back_frames and look_ahead_frames must not be negative")
        if encoder.frames_per_call > self.window_frames:
            raise ValueError("encoder: the frames of a call must not exceed window_frames")
        if self.window_frames % encoder.frames_per_state:
            raise ValueError("window_frames must be a multiple of encoder.frames_per_state")
        if self.minimum_frames < encoder.frames_per_state + encoder.look_ahead_frames:
            raise ValueError("minimum_frames must suffice for one state")
        if not 0.01 <= self.temperature <= 100:
            raise ValueError("temperature must lie between 0.01 and 100")
        if not 0 <= self.voice_threshold <= 1:
            raise ValueError("voice_threshold must lie between 0 and 1")
        self.smoothing.check_window(self.window_seconds)

    @property
    def window_states(self) -> int:
        """States of a full window."""
        return self.window_frames // self.encoder.frames_per_state

    @property
    def shape(self) -> WindowShape:
        """How to cut features into windows for this model."""
        return WindowShape(self.window_frames, self.minimum_frames)

    @property
    def window_seconds(self) -> float:
        """Length of the audio in a full window."""
        return self.recipe.end_of(self.window_frames) / self.recipe.sample_rate

    @property
    def shortest_seconds(self) -> float:
        """Length of the shortest audio that the model runs on."""
        return self.recipe.end_of(self.minimum_frames) / self.recipe.sample_rate


def load_card(path: Path) -> Card:
    """Read and check a card.

    Raises:
        CardError: the file is missing, is not JSON, or is not a card.
    """
    remedy = "Put the model's own card beside it, or choose a model from 'emotiond models'"
    try:
        values = json.loads(read_file(path, _LARGEST_BYTES).decode())
        return build(Card, values)
    except OSError as error:
        raise CardError(f"cannot read the card {path} ({error.strerror})", remedy) from None
    except (ValueError, RecursionError) as error:
        raise CardError(f"the card {path} is broken: {error}", remedy) from None
