"""What decides the results of all items of a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Channels: TypeAlias = Literal["mixed", "separate"]


@dataclass(frozen=True)
class Settings:
    """It passes through JSON to other processes."""

    model: str | None
    """Name or path; None for the best bundled one."""
    profile: str | None
    """Name; None for an unknown voice."""
    stride_samples: int
    """At 16 kHz."""
    channels: Channels = "mixed"
    """Whether several channels are several speakers."""
    events: bool = True
    """Whether results have their events. Rows of whole files need none."""

    def to_json(self) -> dict[str, Any]:
        """Return what ``Settings(**…)`` takes."""
        return asdict(self)
