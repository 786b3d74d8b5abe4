"""Logs what may come a thousand times a second: one line a minute, with a count."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import extract_tb
from typing import Any

from emotiond.exceptions import shortage_of

PAUSE_SECONDS = 60.0
"""From one line to the next of the same words."""


class SparingLog:
    """Logs each line at once, then no more than once a minute, and says how often it came since.

    Args:
        log: gets the lines.
        now: returns the time in seconds.
        at_once: how often the same words may come in a minute.
    """

    def __init__(
        self,
        log: logging.Logger,
        now: Callable[[], float] = time.monotonic,
        at_once: int = 1,
    ) -> None:
        self._log = log
        self._now = now
        self._at_once = at_once
        self._left: Counter[str] = Counter()
        self._logged_seconds: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def warning(self, line: str, detail: str = "") -> None:
        """Log a line of the daemon's own words: each other line is kept for good.

        Args:
            line: what comes once a minute at most.
            detail: follows it, and may be another one each time.
        """
        now = self._now()
        if now - self._logged_seconds.get(line, -PAUSE_SECONDS) >= PAUSE_SECONDS:
            self._logged_seconds[line], self._left[line] = now, self._at_once
        if self._left[line] <= 0:
            self._unsaid[line] += 1
            return
        self._left[line] -= 1
        count = self._unsaid.pop(line, 0)
        self._log.warning(
            "%s%s%s", line, detail, f" ({count} more since the last line)" if count else ""
        )

    def loop_exception(self, _loop: object, context: Mapping[str, Any]) -> None:
        """Log what nobody caught in an event loop, without a traceback and without its text.

        The text of an exception may quote what a client sent. This serves as the exception
        handler of a loop.
        """
        error = context.get("exception")
        if not isinstance(error, BaseException):
            self.warning("internal error in the event loop")
            return
        shortage = shortage_of(error) if isinstance(error, OSError) else None
        if shortage is not None:
            self.warning(". ".join(shortage))
            return
        places = extract_tb(error.__traceback__)
        where = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
        self.warning(f"internal error: {type(error).__name__}{where}")
