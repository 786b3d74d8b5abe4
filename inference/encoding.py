"""The state of the encoder in one speech of one stream: its past, and the states that it gave.

Each frame is encoded once. The encoder keeps what it needs of the past in arrays of three kinds,
which the signature ``encode`` takes and returns by name:

- ``ring_…``, shape ``(…, rows, width)``: the latest rows in any order, as for the keys and values
  of an attention. It returns the rows of this call, ``(…, states_per_call * k, width)``.
- ``tail_…``, the same shape: the latest rows in their order, as for a convolution.
- ``hold_…``, any shape: returned anew by each call.

All of them are zeros at the onset of speech.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emotiond.dsp.frontend import Window
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import EncoderShape

RING, TAIL, HOLD = "ring_", "tail_", "hold_"


class Encoding:
    """What the encoder knows about the present speech. It belongs to one thread.

    Args:
        shape: that of the model's card.
        window_states: states of a full window.
        state_size: values of a state.
        past_shapes: shapes of the arrays that hold the past, by name.
    """

    def __init__(
        self,
        shape: EncoderShape,
        window_states: int,
        state_size: int,
        past_shapes: Mapping[str, tuple[int, ...]],
    ) -> None:
        self._shape = shape
        self.past = {name: np.zeros(size, np.float32) for name, size in past_shapes.items()}
        """Arrays by name, as the signature ``encode`` takes them."""
        self._states = np.zeros((window_states, state_size), np.float32)
        self._levels = np.zeros(window_states, np.float32)
        self._speech = 0
        self._first_frame = 0
        self.position = 0
        """States since the onset of the speech."""

    def next_call(self, window: Window) -> tuple[int, FloatArray]:
        """Return how many states are due, at most ``states_per_call``, and the frames for them.

        A new speech clears the past. So does a gap: a stride so long that the frames after the
        last state are no longer held.

        Args:
            window: the present speech.

        Returns:
            The number of states, and features of shape ``(n, n_mfcc)``, where ``n`` is at most
            ``frames_per_call``.
        """
        shape, held = self._shape, window.features.shape[0]
        if window.speech != self._speech:
            self._begin(window.speech, window.first_frame)
        earliest = window.end_frame - held + shape.look_back_frames
        if self._next_frame < earliest:
            self._begin(window.speech, max(window.first_frame, earliest))
        frames = window.end_frame - shape.look_ahead_frames - self._next_frame
        count = min(max(frames, 0) // shape.frames_per_state, shape.states_per_call)
        first = held - (window.end_frame - self._next_frame) - shape.look_back_frames
        length = shape.look_back_frames + count * shape.frames_per_state + shape.look_ahead_frames
        return count, window.features[first : first + length]

    def add(
        self, count: int, states: FloatArray, levels: FloatArray, past: Mapping[str, FloatArray]
    ) -> None:
        """Keep the result of a call.

        Args:
            count: number of valid states; they come first.
            states: shape ``(states_per_call, state_size)``.
            levels: loudness of each state, ``(states_per_call,)``; positive where there is sound.
            past: what the call returned for each array of :attr:`past`.
        """
        rows = np.arange(self.position, self.position + count) % self._states.shape[0]
        self._states[rows] = states[:count]
        self._levels[rows] = levels[:count]
        for name, new in past.items():
            kept = self.past[name]
            if name.startswith(HOLD):
                kept[...] = new
                continue
            per_state = new.shape[-2] // self._shape.states_per_call
            n_new, n_kept = count * per_state, kept.shape[-2]
            if name.startswith(RING):
                begin = self.position * per_state
                kept[..., np.arange(begin, begin + n_new) % n_kept, :] = new[..., :n_new, :]
            else:
                joined = np.concatenate((kept, new[..., :n_new, :]), axis=-2)
                kept[...] = joined[..., joined.shape[-2] - n_kept :, :]
        self.position += count

    def window(self) -> tuple[FloatArray, FloatArray]:
        """Return the latest states in their order, and their levels; zeros follow a part.

        Returns:
            Shapes ``(window_states, state_size)`` and ``(window_states,)``.
        """
        if self.position <= self._states.shape[0]:
            return self._states, self._levels
        first = self.position % self._states.shape[0]
        return (
            np.concatenate((self._states[first:], self._states[:first])),
            np.concatenate((self._levels[first:], self._levels[:first])),
        )

    @property
    def _next_frame(self) -> int:
        """The first frame of the next state."""
        return self._first_frame + self.position * self._shape.frames_per_state

    def _begin(self, speech: int, first_frame: int) -> None:
        self._speech, self._first_frame, self.position = speech, first_frame, 0
        for array in (*self.past.values(), self._states, self._levels):
            array[...] = 0
