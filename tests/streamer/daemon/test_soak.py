"""Hours of sound with clients that come and go leave nothing behind in the daemon.

A few minutes of sound show what would grow in a day. For the whole day:
``pytest tests/streamer/daemon/test_soak.py --soak-hours 24 --timeout 0``.
"""

from __future__ import annotations

import sys

import pytest

from tests.support.clients import PASSING_CLIENTS
from tests.support.soak import soak


@pytest.mark.skipif(sys.platform != "linux", reason="needs descriptors that can be counted")
def test_sound_with_clients_coming_and_going_leaves_nothing_behind(
    request: pytest.FixtureRequest,
) -> None:
    hours = request.config.getoption("--soak-hours")
    outcome = soak(hours, readings=8)
    assert outcome.exit_status == 0
    assert "Traceback" not in outcome.stderr
    assert outcome.websocket.missing == outcome.zeromq.missing == 0
    assert outcome.websocket.events > 0.9 * hours * 3600 * 4
    assert list(outcome.websocket.statuses) == ["running"]
    assert set(outcome.clients) >= set(PASSING_CLIENTS)
    first, *_, last = outcome.readings
    for reading in outcome.readings:  # a client may be connected at that moment
        assert abs(reading.descriptors - first.descriptors) <= 4
        assert abs(reading.threads - first.threads) <= 2
    assert last.megabytes < first.megabytes + 5
