"""Which addresses there are, and that secrets of theirs are never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.exceptions import SourceError
from emotiond.streamer.sources.network_address import Address, is_address, parse_address


@pytest.mark.parametrize(
    ("value", "address", "shown"),
    [
        (
            "http://radio.example:8000/live.mp3",
            Address("http", "radio.example", 8000, "/live.mp3"),
            "http://radio.example:8000/live.mp3",
        ),
        (
            "HTTPS://Radio.example",
            Address("https", "radio.example", 443, "/"),
            "https://radio.example/",
        ),
        (
            "https://ann:p%40ss@radio.example/live?key=secret#part",
            Address("https", "radio.example", 443, "/live?key=secret", "ann", "p@ss"),
            "https://radio.example/live?…",
        ),
        (
            "rtsp://ann:p@camera.example/live",
            Address("rtsp", "camera.example", 554, "/live", "ann", "p"),
            "rtsp://camera.example/live",
        ),
        (
            "RTSPS://camera.example:8322/user=ann&password=p/1.sdp",
            Address("rtsps", "camera.example", 8322, "/user=ann&password=p/1.sdp"),
            "rtsps://camera.example:8322/user=…",
        ),
        (
            "rtsps://camera.example",
            Address("rtsps", "camera.example", 322, "/"),
            "rtsps://camera.example/",
        ),
        ("http://[::1]:80/x", Address("http", "::1", 80, "/x"), "http://[::1]/x"),
        (
            "http://radio.example/ä%20b",
            Address("http", "radio.example", 80, "/%C3%A4%20b"),
            "http://radio.example/%C3%A4%20b",
        ),
    ],
)
def test_an_address_has_these_parts(value: str, address: Address, shown: str) -> None:
    assert is_address(value)
    assert parse_address(value) == address
    assert address.shown == shown


@pytest.mark.parametrize(
    "value",
    [
        "http://",
        "http:///x",
        "http://radio.example:0/",
        "http://radio.example:99999/",
        "http://radio.example:x/",
        "http://[::1/",
        "http://radio.example/a b",
        "http://radio.example/a\r\nX: y",
        "rtmp://radio.example/",
        "radio.example",
    ],
)
def test_what_has_another_form_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(SourceError, match="has another form") as refused:
        parse_address(value)
    assert "radio" not in str(refused.value)


@pytest.mark.parametrize("value", ["rtsp:/me:radio@host/x", "HTTPS:me:radio@host", "http:"])
def test_an_address_that_lacks_a_slash_is_taken_for_no_file(value: str) -> None:
    assert is_address(value)
    with pytest.raises(SourceError, match="has another form") as refused:
        parse_address(value)
    assert "radio" not in str(refused.value)


@pytest.mark.parametrize("value", ["mic", "http", "a.wav", "./http:x", "file:///x", "demo"])
def test_other_values_are_no_addresses(value: str) -> None:
    assert not is_address(value)


@given(
    st.text(st.characters(codec="ascii", categories=("Lu", "Ll", "Nd")), min_size=9, max_size=20)
)
def test_no_secret_is_ever_shown(secret: str) -> None:
    address = parse_address(f"https://user:{secret}@host.example/live?token={secret}")
    assert (address.password, address.has_credentials) == (secret, True)
    assert secret not in address.shown


@pytest.mark.parametrize(
    ("reference", "shown", "keeps"),
    [
        ("/other", "https://host.example/other", True),
        ("other?x=1", "https://host.example/a/other?…", True),
        ("//host.example/b", "https://host.example/b", True),
        ("https://host.example:443/b", "https://host.example/b", True),
        ("https://host.example:444/b", "https://host.example:444/b", False),
        ("https://else.example/b", "https://else.example/b", False),
        ("http://host.example/b", "http://host.example/b", False),
    ],
)
def test_credentials_stay_with_their_server(reference: str, shown: str, keeps: bool) -> None:
    there = parse_address("https://user:secret@host.example/a/live").joined(reference)
    assert there.shown == shown
    assert there.has_credentials is keeps


@pytest.mark.parametrize("reference", ["file:///etc/passwd", "ftp://host.example/", "data:,x"])
def test_other_schemes_lead_nowhere(reference: str) -> None:
    with pytest.raises(SourceError):
        parse_address("https://host.example/").joined(reference)
