"""The soak of the benchmarks, in short: what grows in a day, grows in its first minutes."""

from __future__ import annotations

import sys

import pytest

from benchmarks.soak import soak
from benchmarks.visitors import VISITORS


@pytest.mark.skipif(sys.platform != "linux", reason="needs descriptors that can be counted")
def test_minutes_of_sound_with_clients_coming_and_going_leave_nothing_behind() -> None:
    outcome = soak(hours=0.1, readings=8)
    assert outcome.exit_status == 0
    assert "Traceback" not in outcome.stderr
    assert outcome.websocket.holes == outcome.zeromq.holes == 0
    assert outcome.websocket.events > 0.09 * 3600 * 4
    assert list(outcome.websocket.statuses) == ["running"]
    assert set(outcome.visits) >= set(VISITORS)
    first, *_, last = outcome.readings
    for reading in outcome.readings:  # a visitor may be there at that moment
        assert abs(reading.descriptors - first.descriptors) <= 4
        assert abs(reading.threads - first.threads) <= 2
    assert last.megabytes < first.megabytes + 5
