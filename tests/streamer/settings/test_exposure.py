"""What settings expose, and what is then closed, refused or warned of."""

from __future__ import annotations

from typing import Any

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.outputs.zeromq import ZEROMQ
from emotiond.streamer.settings.exposure import closed_unasked, exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config


def test_exposure_to_other_machines_needs_consent() -> None:
    exposed = make_config({"host": "0.0.0.0"}, {})  # noqa: S104 - what is refused
    with pytest.raises(ConfigError, match="--token-file"):
        refuse_exposure(exposed)
    for flags in ({"token_file": "token"}, {"insecure": True}):
        refuse_exposure(make_config({"host": "0.0.0.0", **flags}, {}))  # noqa: S104
    with pytest.raises(ConfigError, match="--zmq-curve"):
        refuse_exposure(make_config({"zmq": "tcp://*:8766"}, {}))
    with pytest.raises(ConfigError, match="--tls-key"):
        refuse_exposure(make_config({"tls_cert": "cert.pem"}, {}))


@pytest.mark.parametrize(
    ("flags", "zmq"),
    [
        ({}, "tcp://127.0.0.1:8766"),
        ({"token_file": "token"}, "off"),
        ({"token_file": "token", "zmq_curve": "keys"}, "tcp://127.0.0.1:8766"),
        ({"token_file": "token", "insecure": True}, "tcp://127.0.0.1:8766"),
        ({"token_file": "token", "zmq": "ipc:///run/emotiond"}, "ipc:///run/emotiond"),
    ],
)
def test_zeromq_is_open_by_default_unless_it_makes_the_token_go_for_nothing(
    flags: dict[str, Any], zmq: str
) -> None:
    config = make_config(flags, {})
    refuse_exposure(config)
    assert config.settings_of(ZEROMQ).zmq == zmq
    assert len(closed_unasked(config)) == (zmq == "off")


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:9", "tcp://[::1]:9", "ipc://@abstract"])
def test_beside_a_token_every_user_of_this_machine_is_kept_out(endpoint: str) -> None:
    flags = {"token_file": "token", "zmq": endpoint}
    with pytest.raises(ConfigError, match="every user of this machine"):
        refuse_exposure(make_config(flags, {}))
    refuse_exposure(make_config({**flags, "insecure": True}, {}))
    refuse_exposure(make_config({**flags, "zmq_curve": "keys"}, {}))


OPEN_WEBSOCKET = "anyone who can reach 0.0.0.0 can listen; --token-file changes that"
PLAIN_WEBSOCKET = "on 0.0.0.0 nothing is encrypted; --tls-cert changes that"
OPEN_ZEROMQ = "anyone who can reach * can subscribe; --zmq-curve changes that"
EVERYWHERE = {"host": "0.0.0.0"}  # noqa: S104 - what is warned of
ENCRYPTED = {"tls_cert": "cert.pem", "tls_key": "key.pem"}


@pytest.mark.parametrize(
    ("flags", "warnings"),
    [
        ({}, []),
        ({"zmq": "tcp://127.0.0.1:8766"}, []),
        ({"zmq": "tcp://[::1]:8766"}, []),
        ({"zmq": "ipc:///run/emotiond"}, []),
        ({"zmq": "off"}, []),
        ({"zmq": "tcp://*:8766", "insecure": True}, [OPEN_ZEROMQ]),
        ({"zmq": "tcp://*:8766", "zmq_curve": "keys"}, []),
        ({**EVERYWHERE, "insecure": True}, [OPEN_WEBSOCKET, PLAIN_WEBSOCKET]),
        ({**EVERYWHERE, "token_file": "token"}, [PLAIN_WEBSOCKET]),
        ({**EVERYWHERE, **ENCRYPTED, "insecure": True}, [OPEN_WEBSOCKET]),
        ({**EVERYWHERE, **ENCRYPTED, "token_file": "token"}, []),
        (
            {**EVERYWHERE, "zmq": "tcp://*:8766", "insecure": True},
            [OPEN_WEBSOCKET, PLAIN_WEBSOCKET, OPEN_ZEROMQ],
        ),
    ],
)
def test_each_output_warns_of_what_is_open_to_other_machines(
    flags: dict[str, Any], warnings: list[str]
) -> None:
    assert exposure_warnings(make_config(flags, {})) == warnings
