"""The small subscriber takes an endpoint as people write it."""

from __future__ import annotations

import pytest

from emotiond.clients.zeromq_subscriber import zeromq_endpoint


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("127.0.0.1", "tcp://127.0.0.1:8766"),
        ("raspberrypi.local:9000", "tcp://raspberrypi.local:9000"),
        ("[::1]", "tcp://[::1]:8766"),
        ("[fe80::1%eth0]:9000", "tcp://[fe80::1%eth0]:9000"),
        ("tcp://127.0.0.1:8766", "tcp://127.0.0.1:8766"),
        ("ipc:///run/emotiond", "ipc:///run/emotiond"),
    ],
)
def test_the_scheme_and_the_port_may_be_left_out(address: str, endpoint: str) -> None:
    assert zeromq_endpoint(address) == endpoint
