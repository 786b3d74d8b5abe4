"""Hours of sound with clients that come and go leave nothing behind in the daemon.

A few minutes of sound show what would grow in a day. ``make soak`` runs the whole day.
"""

from __future__ import annotations

import sys

import pytest

from tests.support.soak import soak

HOURS = 0.1


@pytest.mark.skipif(sys.platform != "linux", reason="needs descriptors that can be counted")
def test_sound_with_clients_coming_and_going_leaves_nothing_behind() -> None:
    outcome = soak(HOURS, readings=8)
    assert outcome.faults() == []
    assert outcome.websocket.events > 0.9 * HOURS * 3600 * 4
