from __future__ import annotations

import os

import pytest

from emotiond.streamer.server.limits import affordable_connections, affordable_subscribers


@pytest.mark.skipif(os.name != "posix", reason="needs limits of descriptors")
def test_no_more_connections_are_allowed_than_there_are_descriptors() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, before[1]))
        assert affordable_subscribers() == 21
        assert affordable_connections(512) == 300 - 64 - 4 * 21
        assert affordable_connections(100) == 100
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, before[1]))
        assert (affordable_connections(512), affordable_subscribers()) == (1, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
