"""The state of the encoder in one speech of one stream: its past, and the states that it gave.

Each frame is encoded once. The signature ``encode`` takes

- ``features``, shape ``(1, frames_per_call, n_mfcc)``, with zeros after those of the valid states,
- ``position``, ``(1, 1)``: the number of states before this call,
- ``count``, ``(1, 1)``: how many states of this call are valid.

It gives ``states``, ``(1, states_per_call, size)``, and ``levels``, ``(1, states_per_call)``. It
keeps what it needs of the past in arrays of three kinds, which it takes and gives by name:

- ``ring_…``, shape ``(…, rows, width)``: the latest rows in any order, as for the keys and values
  of an attention. It gives the rows of this call, ``(…, states_per_call * k, width)``, at most
  as many as the ring holds.
- ``tail_…``, the same shape: the latest rows in their order, as for a convolution.
- ``hold_…``, any shape: given anew by each call, from its valid states alone.

All of them are zeros at the onset of speech. Rows of a call beyond its valid states are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emotiond.dsp.frontend import Window
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import EncoderShape

RING, TAIL, HOLD = "ring_", "tail_", "hold_"

MOST_STATES = 2**23
"""States after which the encoding begins anew, in mid-speech: float32 counts no further than twice
as many. With a state every 20 ms, they last for 46 hours of speech without a pause."""


class Encoding:
    """What the encoder knows about the present speech. It belongs to one thread.

    Args:
        shape: that of the model's card.
        window_states: states of a full window, at least ``states_per_call``.
        state_size: values of a state.
        past_shapes: shapes of the arrays that hold the past, by name. A ring holds at least the
            rows of one call.
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
        self._levels = np.zeros((window_states, 1), np.float32)
        self._speech = 0  # front ends count from 1
        self._first_frame = 0
        self.position = 0
        """States since the encoding began: at the onset of the speech, or after a gap."""

    def next_call(self, window: Window) -> tuple[int, FloatArray]:
        """Return how many states are due, at most ``states_per_call``, and the frames for them.

        A new speech clears the past. So does a gap: a stride so long that the frames after the
        last state are no longer held. The encoding then begins anew with the earliest frame held.

        Args:
            window: the present speech. It holds more frames than one call takes.

        Returns:
            The number of states, and a view of their features, shape ``(n, n_mfcc)``, where ``n``
            is at most ``frames_per_call``. Without states, it is empty.
        """
        shape, held = self._shape, window.features.shape[0]
        earliest = window.end_frame - held + shape.look_back_frames
        if (
            window.speech != self._speech
            or self._next_frame < earliest
            or self.position >= MOST_STATES
        ):
            self._begin(window.speech, max(window.first_frame, earliest))
        frames = window.end_frame - shape.look_ahead_frames - self._next_frame
        count = min(max(frames, 0) // shape.frames_per_state, shape.states_per_call)
        if count == 0:
            return 0, window.features[:0]
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
        _write(self._states, self.position, states[:count])
        _write(self._levels, self.position, levels[:count, None])
        for name, new in past.items():
            kept = self.past[name]
            if name.startswith(HOLD):
                kept[...] = new
                continue
            rows_per_state = new.shape[-2] // self._shape.states_per_call
            rows = new[..., : count * rows_per_state, :]
            if name.startswith(RING):
                _write(kept, self.position * rows_per_state, rows)
            else:
                _append(kept, rows)
        self.position += count

    def copy_window(self, states: FloatArray, levels: FloatArray) -> None:
        """Copy the latest states, in their order, and their levels. Zeros follow a part.

        Args:
            states: where they go, shape ``(window_states, state_size)``.
            levels: the same, ``(window_states,)``.
        """
        length = self._states.shape[0]
        first = self.position % length if self.position > length else 0
        for kept, copy in ((self._states, states), (self._levels[:, 0], levels)):
            copy[: length - first] = kept[first:]
            copy[length - first :] = kept[:first]

    @property
    def _next_frame(self) -> int:
        """The first frame of the next state."""
        return self._first_frame + self.position * self._shape.frames_per_state

    def _begin(self, speech: int, first_frame: int) -> None:
        self._speech, self._first_frame, self.position = speech, first_frame, 0
        for array in (*self.past.values(), self._states, self._levels):
            array[...] = 0


def _write(ring: FloatArray, number: int, rows: FloatArray) -> None:
    """Write rows into a ring, from the row of this number on, which may lie in a later round."""
    first = number % ring.shape[-2]
    until_end = min(rows.shape[-2], ring.shape[-2] - first)
    ring[..., first : first + until_end, :] = rows[..., :until_end, :]
    if until_end < rows.shape[-2]:
        ring[..., : rows.shape[-2] - until_end, :] = rows[..., until_end:, :]


def _append(tail: FloatArray, rows: FloatArray) -> None:
    """Move rows into the end of a tail, and the oldest ones out."""
    kept = tail.shape[-2] - rows.shape[-2]
    if kept > 0:
        tail[..., :kept, :] = tail[..., -kept:, :]
        tail[..., kept:, :] = rows
    else:
        tail[...] = rows[..., -kept:, :]
