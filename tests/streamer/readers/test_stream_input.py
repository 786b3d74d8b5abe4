"""Bytes that come in any pieces, and chains of Ogg cut into their links."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.readers.stream_input import OggLink, StreamInput
from tests.support.streams import vorbis

LINK, OTHER = vorbis(44_100, seconds=0.3), vorbis(16_000, 2, seconds=0.2)


def dripping(content: bytes, piece: int) -> Callable[[int], bytes]:
    file = io.BytesIO(content)
    return lambda most: file.read(min(most, piece))


def whole(source: StreamInput | OggLink, most: int = 4096) -> bytes:
    parts = []
    while part := source.read(most):
        assert len(part) <= most
        parts.append(part)
    return b"".join(parts)


@given(content=st.binary(), piece=st.integers(1, 40), ahead=st.integers(0, 60))
def test_what_was_seen_ahead_is_read_afterwards(content: bytes, piece: int, ahead: int) -> None:
    stream = StreamInput(dripping(content, piece))
    assert stream.peek(ahead) == content[:ahead]
    assert whole(stream, 7) == content


@given(piece=st.integers(1, 5_000), most=st.integers(1, 5_000))
def test_a_chain_is_cut_where_a_link_begins(piece: int, most: int) -> None:
    stream = StreamInput(dripping(LINK + OTHER, piece))
    assert whole(OggLink(stream), most) == LINK
    assert whole(OggLink(stream), most) == OTHER
    assert stream.peek(1) == b""


@given(st.lists(st.one_of(st.binary(), st.just(b"OggS"), st.just(LINK[:100]))).map(b"".join))
def test_damage_is_passed_on_and_nothing_gets_lost(content: bytes) -> None:
    stream = StreamInput(dripping(content, 50))
    parts = []
    while stream.peek(1):
        link = whole(OggLink(stream), 64)
        assert link
        parts.append(link)
    assert b"".join(parts) == content


def test_several_streams_that_begin_together_are_one_link() -> None:
    def page(flags: int, serial: int) -> bytes:
        head = struct.pack("<4sBBqIII", b"OggS", 0, flags, 0, serial, 0, 0)
        return head + b"\x01\x02ab"

    link = page(2, 1) + page(2, 2) + page(0, 1) + page(0, 2)
    stream = StreamInput(io.BytesIO(link + link).read)
    assert whole(OggLink(stream)) == link
    assert whole(OggLink(stream)) == link
