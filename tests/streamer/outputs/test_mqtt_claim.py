"""Which of several daemons of one name publishes under it."""

from __future__ import annotations

import pytest

from emotiond.streamer.outputs.mqtt_claim import Claim


def test_the_older_one_keeps_the_name_and_tells_the_younger_one() -> None:
    older, younger = Claim(), Claim()
    assert younger.mark > older.mark
    assert older.hear(younger.mark.encode())
    assert not older.is_lost
    assert not younger.hear(older.mark.encode())
    assert younger.is_lost


def test_its_own_mark_says_nothing() -> None:
    claim = Claim()
    assert not claim.hear(claim.mark.encode())
    assert not claim.is_lost


def test_a_silent_one_contradicts_nobody() -> None:
    oldest, older, younger = Claim(), Claim(), Claim()
    older.hear(oldest.mark.encode())
    assert not older.hear(younger.mark.encode())
    assert older.is_lost


@pytest.mark.parametrize("content", [b"", b"0", b"\xff", b"0" * 20, b"0" * 20 + b"-" + b"g" * 16])
def test_what_no_daemon_says_is_not_heard(content: bytes) -> None:
    claim = Claim()
    assert not claim.hear(content)
    assert not claim.is_lost
