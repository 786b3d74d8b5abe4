"""Says why a request was refused, with the flag that would allow it, and logs each name once."""

from __future__ import annotations

import logging
import re

from emotiond.streamer.server.access import normal_origin

_log = logging.getLogger(__name__)

_HOST = re.compile(r"[\w.-]{1,253}|\[[0-9a-f:.]{2,45}\]", re.ASCII | re.IGNORECASE)
_ORIGIN = re.compile(  # as --allow-origin takes it
    rf"(?!wss?:)[a-z][a-z0-9+.-]{{0,20}}://({_HOST.pattern})(:\d{{1,5}})?", re.ASCII | re.IGNORECASE
)
_MOST_LOGGED = 20  # names; a flood of them must not fill the log


class Refusals:
    """The names that were refused. Only well-formed ones are repeated to anyone."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def of_host(self, host_header: str) -> str:
        """Return why a request for this Host is refused."""
        name = re.sub(r":\d+$", "", host_header)
        if not _HOST.fullmatch(name):
            return "unknown host name; see --allow-host"
        name = name.strip("[]")
        return self._noted(
            f"the daemon does not know the name {name}; allow it: --allow-host {name}"
        )

    def of_origin(self, origin: str) -> str:
        """Return why a page of this origin is refused."""
        if origin == "null":
            return self._noted(
                "a page without an origin may not listen, such as a file on a disk; "
                "docs/security.md says what --allow-origin null risks"
            )
        if not _ORIGIN.fullmatch(origin):
            return "this page may not listen; see --allow-origin"
        origin = normal_origin(origin)
        return self._noted(f"pages of {origin} may not listen; allow them: --allow-origin {origin}")

    def _noted(self, reason: str) -> str:
        if reason not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(reason)
            _log.warning("refused: %s", reason)
        return reason
