"""Packs the events of all tracks: columns of integers, byte by byte, deflated.

The bytes of one weight lie beside each other, since they are much alike. So 144,000 events of ten
hours, each with sixteen scores, keep every digit in some megabytes.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotiond.streamer.report.track import COLUMNS, Track, index_of

_USUAL_STRIDE_SECONDS = 0.25
_SLOWEST_CLOCK = 0.9
"""Seconds of the clock in a second of sound: less is a file that was played as fast as it goes. The
page has the same rule, in ``clients/web/state/event-buffer.js``."""
_END, _CLOCK, _WINDOW = index_of("end"), index_of("clock"), index_of("window")

Table = NDArray[np.int64]


def pack(tracks: Sequence[Track]) -> tuple[Mapping[str, Any], bytes]:
    """Pack tracks. Returns what the page has to know of columns and tracks, and the events."""
    tables = [track.table() for track in tracks]
    packed = zlib.compressobj(6)
    parts: list[bytes] = []
    for index, column in enumerate(COLUMNS):
        values = [table[:, index] for table in tables]
        if column.is_delta:
            values = [np.diff(each, prepend=0) for each in values]
        planes = np.concatenate(values).astype("<i8").view(np.uint8).reshape(-1, 8).T
        parts.append(packed.compress(planes[: column.bytes].tobytes()))
    about = {
        "columns": [
            {"name": name, "bytes": size, "scale": scale, "isDelta": is_delta}
            for name, size, scale, is_delta in COLUMNS
        ],
        "tracks": [_about(track, table) for track, table in zip(tracks, tables, strict=True)],
    }
    return about, b"".join([*parts, packed.flush()])


def _about(track: Track, table: Table) -> Mapping[str, Any]:
    ends = table[:, _END] / COLUMNS[_END].scale
    stride = _stride_seconds(ends)
    origin = max(0.0, ends[0] - stride) if track.is_session and len(ends) else 0.0
    last = float(ends[-1]) if len(ends) else 0.0
    if track.is_session:  # it ends with a stride: the last frame ends a little before it
        last = origin + math.ceil((last - origin) / stride) * stride
    return {
        "name": track.name,
        "speaker": track.speaker,
        "channel": track.channel,
        "isSession": track.is_session,
        "hasClock": track.is_session and _has_clock(table, ends),
        "isDemo": track.is_demo,
        "originSeconds": round(origin, 4),
        "durationSeconds": round(max(track.duration_seconds, last) - origin, 4),
        "strideSeconds": stride,
        "count": len(table),
    }


def _stride_seconds(ends: NDArray[np.float64]) -> float:
    """The usual distance of events; a gap is longer, and the last one can be nearer."""
    steps = np.diff(ends)
    steps = steps[steps > 0]
    return round(float(np.median(steps)), 4) if len(steps) else _USUAL_STRIDE_SECONDS


def _has_clock(table: Table, ends: NDArray[np.float64]) -> bool:
    if not len(ends):
        return False
    clock = table[:, _CLOCK] / COLUMNS[_CLOCK].scale
    passed = ends[-1] + clock[-1] - ends[0] - clock[0]
    return bool(passed >= _SLOWEST_CLOCK * (ends[-1] - ends[0]))
