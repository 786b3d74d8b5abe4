"""Lets one of several daemons of one name publish under it: the one that started first.

Each tells the others when it started, on a topic that only they hear. So none disconnects another,
and no two mix their events and their ``online`` and ``offline``.
"""

from __future__ import annotations

import re
import secrets
import time

_MARK = re.compile(rb"\d{20}-[0-9a-f]{16}")


class Claim:
    """What a daemon knows of others of its name."""

    def __init__(self) -> None:
        self.mark = f"{time.time_ns():020d}-{secrets.token_hex(8)}"
        """What it tells the others. The smallest one has the name."""
        self.is_lost = False
        """Whether another daemon has the name."""

    def hear(self, content: bytes) -> bool:
        """Take what a daemon of this name tells, perhaps this one.

        Returns:
            Whether it has to be told that the name is taken.
        """
        if not _MARK.fullmatch(content) or content.decode() == self.mark:
            return False
        self.is_lost = self.is_lost or content.decode() < self.mark
        return not self.is_lost
