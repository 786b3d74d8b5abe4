from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.reach import is_loopback
from emotiond.streamer.server.access import Access

ACCESS = Access("127.0.0.1", ["voice.example"], ["https://page.example"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8765",
        "localhost",
        "LOCALHOST:8765",
        "[::1]",
        "[::1]:8765",
        "127.1.2.3:80",
        "voice.example",
        "Voice.Example:8765",
    ],
)
def test_this_machine_and_allowed_names_may_be_asked_for(host: str) -> None:
    assert ACCESS.host_is_known(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8765",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example#localhost",
        "evil.example/localhost",
        "localhost/x",
        "localhost?x",
        "localhost@evil.example",
        "user@localhost",
        "localhost:x",
        "localhost:99999",
        "localhost:-1",
        "[::1",
        "::1]",
        "[::2]",
        "[::ffff:192.0.2.1]",
        "0.0.0.0",  # noqa: S104
        "192.168.1.2",
        "2130706433",
        " localhost",
        "localhost ",
        "local\thost",
        "not.voice.example",
        "voice.example.evil.example",
    ],
)
def test_a_name_that_may_be_rebound_is_refused(host: str | None) -> None:
    assert not ACCESS.host_is_known(host)


def test_the_address_that_it_listens_on_is_known() -> None:
    assert Access("192.168.1.2").host_is_known("192.168.1.2:8765")
    assert Access("voice-box").host_is_known("Voice-Box:8765")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8765", "127.0.0.1:8765"),
        ("http://localhost:8765", "LOCALHOST:8765"),
        ("https://voice.example", "voice.example"),
        ("https://page.example", "127.0.0.1:8765"),
    ],
)
def test_its_own_page_and_allowed_ones_may_connect(origin: str, host: str) -> None:
    assert ACCESS.origin_may_connect(origin, host)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8766",
        "http://localhost:8765",
        "http://127.0.0.1:8765.evil.example",
        "http://page.example",
        "https://page.example:444",
        "https://page.example.evil.example",
        "file://",
        "ws://127.0.0.1:8765",
    ],
)
def test_a_foreign_page_may_not_connect(origin: str) -> None:
    assert not ACCESS.origin_may_connect(origin, "127.0.0.1:8765")


def test_a_rebound_page_equals_its_host_and_is_stopped_by_the_host() -> None:
    assert ACCESS.origin_may_connect("http://evil.example:8765", "evil.example:8765")
    assert not ACCESS.host_is_known("evil.example:8765")


@pytest.mark.parametrize("host", ["localhost", "Localhost", "127.0.0.1", "127.255.0.1", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "example", "localhost."])  # noqa: S104
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@given(st.text())
def test_any_host_header_is_unknown_unless_it_is_loopback(host: str) -> None:
    assert not Access("127.0.0.1").host_is_known(host) or is_loopback(
        host.rpartition(":")[0].strip("[]") or host
    )


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("https://page.example/", "https://page.example"),
        ("HTTPS://Page.Example:443", "https://page.example"),
        ("http://page.example:80/", "http://page.example"),
        ("null", "null"),
    ],
)
def test_an_allowed_origin_may_be_written_as_people_write_it(allowed: str, origin: str) -> None:
    access = Access("127.0.0.1", allowed_origins=[allowed])
    assert access.origin_may_connect(origin, "127.0.0.1:8765")
    assert not access.origin_may_connect("http://evil.example", "127.0.0.1:8765")
    assert "null" not in access.web_origins
