"""Which track is chosen, what the decoder gets to know of it, and what is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.exceptions import SourceError
from emotiond.streamer.sources.rtsp_description import track_of
from tests.support.rtp import FORMATS, description

BASE = "rtsp://camera.example/live/"


@pytest.mark.parametrize("name", FORMATS)
def test_each_codec_is_known(name: str) -> None:
    number, lines, *_ = FORMATS[name]
    track = track_of(description(number, lines), BASE)
    said = track.description.decode()
    assert f"m=audio 0 RTP/AVP {number}\r\n" in said
    assert all(line in said for line in lines.split("\r\n"))
    assert "192.0.2.1" not in said
    assert "control" not in said


def test_of_several_tracks_and_formats_the_first_that_can_be_played_is() -> None:
    content = (
        b"v=0\no=- 1 1 IN IP4 0.0.0.0\ns=x\nt=0 0\na=control:rtsp://camera.example/all\n"
        b"m=video 0 RTP/AVP 26\na=control:1\n"
        b"m=audio 0 RTP/SAVP 0\na=control:2\n"
        b"m=audio 0 RTP/AVP 98\na=rtpmap:98 X-SECRET/8000\na=control:3\n"
        b"m=audio 0 RTP/AVP 3 98 8\na=rtpmap:98 telephone-event/8000\na=control:4\n"
        b"m=audio 0 RTP/AVP 0\na=control:5\n"
    )
    track = track_of(content, BASE)
    assert (track.url, track.stream_url) == (f"{BASE}4", "rtsp://camera.example/all")
    assert track.description.endswith(b"m=audio 0 RTP/AVP 8\r\n")


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        (BASE, "*", BASE),
        (BASE, "", BASE),
        (BASE, "trackID=1", f"{BASE}trackID=1"),
        ("rtsp://camera.example/live", "trackID=1", f"{BASE}trackID=1"),
        (BASE, "/trackID=1", f"{BASE}trackID=1"),
        (BASE, "rtsp://10.0.0.9/x?y=z", "rtsp://10.0.0.9/x?y=z"),
        (BASE, "RTSP://camera.example/x", "RTSP://camera.example/x"),
        ("rtsp://c/x?channel=1", "t", "rtsp://c/x?channel=1/t"),
    ],
)
def test_a_track_is_named_as_clients_do(base: str, control: str, url: str) -> None:
    assert track_of(description("0", control=control), base).url == url


REFUSED = {
    b"": "describes its stream in an unknown way",
    b"<html>": "describes its stream in an unknown way",
    b"v=1\r\nm=audio 0 RTP/AVP 0\r\n": "describes its stream in an unknown way",
    b"v=0\r\ns=x\r\n": "it has no sound",
    b"v=0\r\nm=video 0 RTP/AVP 26\r\n": "it has no sound",
    b"v=0\r\nm=audio 0 RTP/AVP 3\r\n": "sound of an unknown codec",
    b"v=0\r\nm=audio 0 RTP/SAVP 0\r\na=crypto:1 x\r\n": "sound of an unknown codec",
    b"v=0\r\nm=audio 0 udp 0\r\n": "sound of an unknown codec",
    b"v=0\r\nm=audio 0 RTP/AVP 96\r\n": "sound of an unknown codec",
    b"v=0\r\nm=audio 0 RTP/AVP 0\r\na=rtpmap:0 X-MP2T/90000\r\n": "sound of an unknown codec",
    b"v=0\r\nm=audio 0 RTP/AVP 96\r\na=rtpmap:96 L16/0/1\r\n": "sound of an unknown codec",
    b"v=0\r\nm=audio 0 RTP/AVP 96\r\na=rtpmap:96 L16/8000/0\r\n": "sound of an unknown codec",
    b"v=0\r\nm=audio 0 RTP/AVP 999\r\na=rtpmap:999 L16/8000\r\n": "sound of an unknown codec",
    description("0", control="a b"): "names no address of RTSP",
    description("0", control="x" * 5_000): "names no address of RTSP",
    description("0", control="ä"): "names no address of RTSP",
}


@pytest.mark.parametrize("content", REFUSED, ids=lambda content: repr(content[:40]))
def test_what_cannot_be_played_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(SourceError, match=REFUSED[content]):
        track_of(content, BASE)


def test_a_base_that_is_no_address_of_rtsp_is_refused() -> None:
    for base in ("http://camera.example/", "rtsp://", "file:///etc/passwd", "x", ""):
        with pytest.raises(SourceError, match="names no address of RTSP"):
            track_of(description("0"), base)


@pytest.mark.parametrize(
    "line", ["a=fmtp:96 ", "a=rtpmap:96 ", "a=control:", "m=audio ", "m=audio 0 RTP/AVP 0"]
)
@pytest.mark.parametrize("filling", [" ", "0", "/", " 0"])
def test_no_line_is_long_enough_to_stop_the_daemon(line: str, filling: str) -> None:
    """A regular expression lets no other thread run until it has an answer."""
    content = b"v=0\r\nm=audio 0 RTP/AVP 96\r\n" + (line + filling * 60_000 + "ä").encode()
    began_seconds = time.thread_time()
    with pytest.raises(SourceError):
        track_of(content, BASE)
    assert time.thread_time() - began_seconds < 1.0


LINES = st.sampled_from(
    ["v=0", "m=audio 0 RTP/AVP 0 96", "m=video 0 RTP/AVP 0", "a=rtpmap:96 L16/8000", "a=control:"]
) | st.text(max_size=30)


@given(st.lists(LINES, max_size=12), st.binary(max_size=50))
def test_whatever_comes_is_a_track_or_one_sentence(lines: list[str], rest: bytes) -> None:
    content = b"v=0\r\n" + "\r\n".join(lines).encode("utf-8", "replace") + rest
    try:
        track = track_of(content, BASE)
    except SourceError:
        return
    for url in (track.url, track.stream_url):
        assert url.isascii()
        assert url.isprintable()
        assert " " not in url
    assert track.description.decode("ascii").count("\r\n") <= 7
