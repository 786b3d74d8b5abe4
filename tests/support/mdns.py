"""Looks for services from another machine, by mDNS."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from zeroconf import (
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    ServiceBrowser,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)

from tests.support.daemon import PATIENCE_SECONDS
from tests.support.links import THERE, Link

_GROUP, _PORT = "224.0.0.251", 5353
_ANSWER, _POINTER, _INTERNET = 0x8400, 12, 1  # flags, type and class of mDNS


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


@contextlib.contextmanager
def claiming_every_name(cable: Link, kind: str) -> Iterator[threading.Event]:
    """Answer from ``THERE`` that each name that somebody asks for is taken.

    Yields what is set with the first answer.
    """
    has_claimed = threading.Event()

    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", _PORT))
        here = socket.inet_aton(THERE)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
        group = socket.inet_aton(_GROUP) + here
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        return made

    def claim(heard: socket.socket) -> None:
        while packet := heard.recv(9000):
            for record in DNSIncoming(packet).answers():
                if isinstance(record, DNSPointer) and record.name == kind:
                    answer = DNSOutgoing(_ANSWER)
                    mine = DNSPointer(kind, _POINTER, _INTERNET, 4500, record.alias)
                    answer.add_answer_at_time(mine, 0)
                    for each in answer.packets():
                        heard.sendto(each, (_GROUP, _PORT))
                    has_claimed.set()

    with cable.on(THERE, make) as heard:
        thread = threading.Thread(target=claim, args=(heard,), daemon=True)
        thread.start()
        yield has_claimed
        heard.sendto(b"", heard.getsockname())
        thread.join()
