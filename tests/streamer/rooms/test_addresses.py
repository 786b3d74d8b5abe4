from __future__ import annotations

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.rooms.addresses import MOST_ROOMS, parse_address, parse_addresses
from emotiond.streamer.settings.exposure import refuse_exposure
from emotiond.streamer.settings.layers import make_config

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("wss://kitchen:8765", "wss://kitchen:8765/ws"),
        ("wss://kitchen", "wss://kitchen:443/ws"),
        ("WSS://Kitchen:8765/", "wss://kitchen:8765/ws"),
        ("wss://house.example/emotion/", "wss://house.example:443/emotion/ws"),
        ("wss://house.example/emotion/ws", "wss://house.example:443/emotion/ws"),
        ("ws://127.0.0.1:8766", "ws://127.0.0.1:8766/ws"),
        ("ws://localhost:8766/ws", "ws://localhost:8766/ws"),
        ("ws://[::1]:8766", "ws://[::1]:8766/ws"),
    ],
)
def test_an_address_is_that_of_the_daemon_of_its_page_or_of_its_socket(text: str, url: str) -> None:
    assert parse_address(text).url == url
    assert parse_address(url).url == url


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ws://kitchen:8765", "unencrypted. Use wss://"),
        ("ws://192.168.1.5:8765", "unencrypted. Use wss://"),
        ("ws://localhost.example:1", "unencrypted. Use wss://"),
        ("ws://127.0.0.1@kitchen:8765", "has a password"),
        ("wss://anna:secret@kitchen", "has a password, '?' or '#': at kitchen"),
        ("wss://kitchen/?token=secret", "has a password, '?' or '#': at kitchen"),
        ("kitchen:8765", "follow cannot be 'kitchen:8765'. Use wss://HOST:8765"),
        ("http://kitchen:8765", "follow cannot be"),
        ("wss://", "follow cannot be"),
        ("wss://kitchen:0", "follow cannot be"),
        ("wss://kitchen:70000", "follow cannot be"),
        ("wss://[::1", "follow cannot be"),
        ("wss://anna:secret@kitchen:70000", "follow cannot be an address with a password"),
        ("http://anna:secret@kitchen", "follow cannot be an address with a password"),
        ("wss://kitchen..lan", "follow cannot be"),
        (f"wss://{'k' * 64}", "follow cannot be"),
        ("wss://kit chen", "follow cannot be"),
        ("wss://kit\tchen", "follow cannot be"),
    ],
)
def test_other_addresses_are_refused_without_quoting_a_secret(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_config({"follow": [text]}, {})
    assert reason in str(refused.value)
    assert "secret" not in str(refused.value)


def test_no_daemon_is_followed_twice_and_not_too_many() -> None:
    with pytest.raises(ConfigError, match="twice"):
        parse_addresses(["wss://kitchen", "wss://Kitchen:443/ws"])
    with pytest.raises(ConfigError, match=f"Use {MOST_ROOMS} at most"):
        parse_addresses([f"wss://kitchen:{port}" for port in range(1, MOST_ROOMS + 2)])


def test_what_belongs_to_following_is_of_no_use_alone() -> None:
    with pytest.raises(ConfigError, match="follow_ca is of no use without follow"):
        make_config({"follow_ca": "cert.pem"}, {})


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (
            {"follow": ["wss://kitchen"], "follow_token_file": "tokens"},
            "everyone who can reach 127.0.0.1 would see what other daemons show for a token",
        ),
        (
            {"follow": ["ws://127.0.0.1:9"], "host": EVERYWHERE, "insecure": True},
            "everyone who can reach 0.0.0.0 would see what ws://127.0.0.1:9/ws shows to this",
        ),
    ],
)  # fmt: skip
def test_a_daemon_that_needs_less_proof_than_the_other_refuses(
    flags: dict[str, object], reason: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_exposure(make_config(flags, {}))
    assert reason in str(refused.value)
    assert "--token-file FILE" in str(refused.value)
    refuse_exposure(make_config({**flags, "token_file": "own"}, {}))


def test_one_without_a_token_may_follow_another_without() -> None:
    refuse_exposure(make_config({"follow": ["ws://127.0.0.1:9", "wss://kitchen"]}, {}))
