"""The kept events of one stream, packed into 80 bytes each."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emotiond.inference.card import LABELS
from emotiond.streamer.protocol.events import STATES, Emotion

CLOSEST_SECONDS = 0.15
"""Events that follow each other more closely are thinned out to this: 2 MB an hour at most."""

_ROWS_PER_BLOCK = 256
_UNIT = 1e4  # per one: the protocol's numbers have four decimals
_NO_AGE = -1
_LONGEST = 2**31 - 1  # of what has 32 bits
_ROW = np.dtype(
    [
        ("seq", "<u4"),
        ("end", "<f8"),
        ("window", "<u4"),  # end - start
        ("time", "<f8"),
        ("dropped_samples", "<u8"),
        ("age_ms", "<i4"),
        ("level_dbfs", "<i4"),
        ("speech_ratio", "<u2"),
        ("state", "u1"),
        ("label", "i1"),  # -1 for null
        ("scores", "<u2", len(LABELS)),
        ("raw", "<u2", len(LABELS)),
        ("arrival", "<u4"),  # in whole seconds
    ]
)
# Where a window has no scores, these have no meaning.
_STATES_WITH_SCORES = np.array([state in ("uncertain", "speech") for state in STATES])

Rows = npt.NDArray[np.void]


class KeptStream:
    """Keeps the events of a limited time, and forgets the older ones.

    The time counts twice, in the stream's own sound and since an event arrived: a file that plays
    as fast as possible fills no more memory, and a muted microphone keeps nothing for longer.

    Args:
        keep_seconds: for how long an event is kept.
    """

    def __init__(self, keep_seconds: float) -> None:
        self._keep_seconds = keep_seconds
        self._blocks: deque[Rows] = deque()
        self._count = 0  # rows in the last block
        self._last_end = -np.inf

    @property
    def kept_bytes(self) -> int:
        """The size of all blocks."""
        return sum(block.nbytes for block in self._blocks)

    def add(self, event: Emotion, arrival_seconds: float) -> None:
        """Keep an event, unless the last one is too close.

        Args:
            event: later than all before.
            arrival_seconds: from any zero, of a clock that never jumps.
        """
        if event.end - self._last_end < CLOSEST_SECONDS - 1 / _UNIT:
            return
        if not self._blocks or self._count == _ROWS_PER_BLOCK:
            self._blocks.append(np.zeros(_ROWS_PER_BLOCK, _ROW))
            self._count = 0
        self._blocks[-1][self._count] = _packed(event, arrival_seconds)
        self._count += 1
        self._last_end = event.end
        self._forget_old_blocks(arrival_seconds)

    def before(self, seq: int | None, most: int, now_seconds: float) -> tuple[Rows, bool]:
        """Return the newest kept events before one, and whether there are older ones.

        Args:
            seq: the number of that event; None for the end.
            most: the number of events.
            now_seconds: by the clock of the arrivals.
        """
        self._forget_old_blocks(now_seconds)
        parts: list[Rows] = []
        wanted = most + 1  # one more shows that there are older ones
        for index in range(len(self._blocks) - 1, -1, -1):
            rows = self._filled(index)
            rows = rows if seq is None else rows[: int(np.searchsorted(rows["seq"], seq))]
            rows = rows[self._is_kept(rows, now_seconds)]
            parts.insert(0, rows[max(0, len(rows) - wanted) :])
            wanted -= len(parts[0])
            if wanted == 0:
                break
        found = np.concatenate(parts) if parts else np.zeros(0, _ROW)
        return found[-most:], len(found) > most

    def forget(self, now_seconds: float) -> None:
        """Forget what is too old. :meth:`add` and :meth:`before` do so themselves."""
        self._forget_old_blocks(now_seconds)

    def _forget_old_blocks(self, now_seconds: float) -> None:
        while self._blocks and not self._is_kept(self._filled(0)[-1:], now_seconds).any():
            self._blocks.popleft()

    def _is_kept(self, rows: Rows, now_seconds: float) -> npt.NDArray[np.bool_]:
        in_sound = rows["end"] > self._last_end - self._keep_seconds
        since_arrival = rows["arrival"] > now_seconds - self._keep_seconds - 1
        kept: npt.NDArray[np.bool_] = in_sound & since_arrival
        return kept

    def _filled(self, index: int) -> Rows:
        block = self._blocks[index]
        return block[: self._count] if index == len(self._blocks) - 1 else block


def columns(rows: Rows) -> Mapping[str, Sequence[Any]]:
    """Return events by field, as in the protocol: each field has a list of all its values.

    ``confidence`` is not among them: it is the score of the label.
    """
    ages, has_scores = rows["age_ms"], _STATES_WITH_SCORES[rows["state"]]
    return {
        "seq": rows["seq"].tolist(),
        "start": np.round(rows["end"] - rows["window"] / _UNIT, 4).tolist(),
        "end": rows["end"].tolist(),
        "time": rows["time"].tolist(),
        "state": [STATES[state] for state in rows["state"]],
        "label": [None if label < 0 else LABELS[label] for label in rows["label"]],
        "scores": _scores(rows["scores"], has_scores),
        "raw": _scores(rows["raw"], has_scores),
        "speech_ratio": (rows["speech_ratio"] / _UNIT).tolist(),
        "level_dbfs": (rows["level_dbfs"] / _UNIT).tolist(),
        "age_ms": [None if age == _NO_AGE else age / _UNIT for age in ages.tolist()],
        "dropped_samples": rows["dropped_samples"].tolist(),
    }


def _scores(values: npt.NDArray[np.uint16], known: npt.NDArray[np.bool_]) -> list[Any]:
    lists = (values / _UNIT).tolist()
    return [scores if has else None for scores, has in zip(lists, known.tolist(), strict=True)]


def _packed(event: Emotion, arrival_seconds: float) -> tuple[Any, ...]:
    age = _NO_AGE if event.age_ms is None else max(0, _units(event.age_ms))
    return (
        event.seq,
        round(event.end, 4),
        _units(event.end - event.start),
        round(event.time, 4),
        event.dropped_samples,
        age,
        _units(event.level_dbfs),
        _units(event.speech_ratio),
        STATES.index(event.state),
        -1 if event.label is None else LABELS.index(event.label),
        _packed_scores(event.scores),
        _packed_scores(event.raw),
        int(arrival_seconds),
    )


def _packed_scores(scores: Mapping[str, float] | None) -> tuple[int, ...]:
    return (0,) * len(LABELS) if scores is None else tuple(map(_units, scores.values()))


def _units(value: float) -> int:
    return min(_LONGEST, round(value * _UNIT))
