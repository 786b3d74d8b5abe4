"""Files that hold several emotions, and files that hold one."""

from __future__ import annotations

from collections.abc import Sequence

MIXED: Sequence[tuple[Sequence[tuple[str | None, float]], bool]] = (
    ([("happy", 60), ("sad", 60)], True),
    ([("happy", 3600), ("sad", 1800), ("angry", 1800)], True),
    ([("happy", 2), (None, 200), ("sad", 2)], True),
    ([(label, 3.0) for label in ("calm", "happy", "angry", "fearful", "disgust", "sad")], True),
    ([("happy", 0.5), ("angry", 0.5), ("sad", 0.75)], False),
    ([("happy", 1.75), ("sad", 3)], False),
    ([("happy", 100), ("sad", 20)], False),
    ([("happy", 100), (None, 3000), ("sad", 20)], False),
    ([("sad", 4)], False),
    ([(None, 4)], False),
)
"""Labels with the seconds for which they were published, and whether that is mixed."""
