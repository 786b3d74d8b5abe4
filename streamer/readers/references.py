"""Recognizes what is no sound, but refers to sound elsewhere."""

from __future__ import annotations

_BEGINNINGS = {
    b"#extm3u": "a playlist (M3U, HLS)",
    b"[playlist]": "a playlist (PLS)",
    b"[reference]": "a playlist (ASX)",
    b"<asx": "a playlist (ASX)",
    b"<mpd": "a playlist (DASH)",
    b"<smoothstreamingmedia": "a playlist",
    b"<?xml": "a playlist or another document in XML",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"v=0": "the description of a session (SDP)",
    b"ffconcat": "a list of files",
    b";ffmetadata": "metadata",
    b"rtsptext": "an address",
    b"rtsp://": "an address",
    b"http://": "an address",
    b"https://": "an address",
}


def reference_in(head: bytes) -> str | None:
    """Return what the beginning of a stream is, if it is text that leads elsewhere."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((name for start, name in _BEGINNINGS.items() if text.startswith(start)), None)
