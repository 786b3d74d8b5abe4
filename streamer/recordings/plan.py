"""How a recording is divided into files, how much of it is kept, and in which form."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from emotiond.exceptions import ConfigError

EventForm = Literal["jsonl", "sqlite"]
EVENT_FORMS: tuple[EventForm, ...] = ("jsonl", "sqlite")

FEWEST_BYTES = 1_000_000
"""Of a file; of a quota twice as many."""
_DAYS = ("day", "1d")
_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?\s?([A-Za-z]+)")
_BY_NAME = {name.lower(): factor for name, factor in _UNITS.items()}


@dataclass(frozen=True)
class Plan:
    """The settings of a recording."""

    forms: Sequence[EventForm] = ("jsonl",)
    """In which the events are written."""
    most_bytes: int | None = None
    """Of the files of one part together; None without a limit."""
    by_day: bool = False
    """Whether a part ends at midnight, local time."""
    quota_bytes: int | None = None
    """Of all parts together; None without a limit."""

    @property
    def rotates(self) -> bool:
        """Whether the recording has several parts by intention."""
        return self.most_bytes is not None or self.by_day

    @property
    def most_part_bytes(self) -> int | None:
        """The size at which a part ends: with a quota, at half of it at the latest.

        So the quota can be kept although the present part is never deleted.
        """
        limits = [self.most_bytes, None if self.quota_bytes is None else self.quota_bytes // 2]
        return min((limit for limit in limits if limit is not None), default=None)


def parse_plan(
    rotate: Sequence[str], quota: str | None, events: Literal["jsonl", "sqlite", "both"]
) -> Plan:
    """Read the settings of the command line.

    Args:
        rotate: sizes such as ``100MB``, and ``day`` or ``1d``; one of each at most.
        quota: a size.
        events: in which form events are written.

    Raises:
        ConfigError: one has no such form, is too small, or they contradict each other.
    """
    sizes = [text for text in rotate if text not in _DAYS]
    if len(sizes) > 1 or len(rotate) - len(sizes) > 1:
        raise ConfigError("record_rotate has two values of a kind", "Use one size, and day")
    most_bytes = None
    for text in sizes:
        most_bytes = _size("record_rotate", text, FEWEST_BYTES, "100MB or day")
    quota_bytes = None
    if quota is not None:
        if not rotate:
            raise ConfigError(
                "record_quota is of no use without record_rotate: one file only grows",
                "Give --record-rotate 100MB or --record-rotate day, too",
            )
        quota_bytes = _size("record_quota", quota, 2 * FEWEST_BYTES, "10GB")
    forms: Sequence[EventForm] = EVENT_FORMS if events == "both" else (events,)
    return Plan(forms, most_bytes, len(rotate) > len(sizes), quota_bytes)


def is_another_day(begin_seconds: float, now_seconds: float) -> bool:
    """Return whether midnight, local time, has passed since a part began.

    A clock that is set back by a moment at midnight makes no further file; one that is set back
    by more than a day does.

    Args:
        begin_seconds: Unix time at which the part began.
        now_seconds: Unix time now.
    """
    begin, now = (_local_date(each) for each in (begin_seconds, now_seconds))
    return now > begin or (begin - now).days > 1


def _local_date(unix_seconds: float) -> datetime.date:
    return datetime.datetime.fromtimestamp(unix_seconds).date()


def _size(name: str, text: str, fewest: int, example: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    factor = None if match is None else _BY_NAME.get(match[3].lower())
    if match is None or factor is None:
        units = ", ".join(_UNITS)
        raise ConfigError(
            f"{name} cannot be {text!r}", f"Use a number with {units}, such as {example}"
        )
    size = int(float(f"{match[1]}.{match[2] or 0}") * factor)
    if size < fewest:
        raise ConfigError(f"{name} cannot be {text!r}", f"Use {fewest // 10**6}MB at least")
    return size
