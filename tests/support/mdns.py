"""Looks for services from another machine, by mDNS."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Set
from typing import Any

from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from tests.support.daemon import PATIENCE_SECONDS
from tests.support.links import THERE


def look_for(kind: str, *, until: Callable[[Set[str]], bool]) -> Mapping[str, ServiceInfo | None]:
    """Browse from ``THERE`` until what was found will do."""
    found: dict[str, ServiceInfo | None] = {}
    changed = threading.Event()

    def note(zeroconf: Zeroconf, service_type: str, name: str, state_change: Any) -> None:
        if state_change is ServiceStateChange.Removed:
            found.pop(name, None)
        else:
            found[name] = zeroconf.get_service_info(service_type, name)
        changed.set()

    with contextlib.closing(Zeroconf(interfaces=[THERE])) as zeroconf:
        ServiceBrowser(zeroconf, kind, handlers=[note])
        while not until(found.keys()):
            assert changed.wait(PATIENCE_SECONDS)
            changed.clear()
        return dict(found)
