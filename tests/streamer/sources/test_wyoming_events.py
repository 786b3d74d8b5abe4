from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wyoming.event import Event

from emotiond.exceptions import SourceError
from emotiond.streamer.sources.wyoming_events import (
    MOST_BODY_BYTES,
    MOST_CHUNK_SECONDS,
    MOST_DATA_BYTES,
    MOST_LINE_BYTES,
    pong_to,
    read_event,
    sound_of,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["type", "data", "data_length", "payload_length", "version"])


async def read(data: bytes) -> Event | None:
    reader = asyncio.StreamReader(limit=MOST_LINE_BYTES)
    reader.feed_data(data)
    reader.feed_eof()
    return await read_event(reader)


def hear(data: bytes) -> None:
    """Read as the door does; nothing but the refusal may come out."""
    try:
        if (event := asyncio.run(read(data))) is not None and (sound := sound_of(event)):
            assert sound.decoded().shape[1] == sound.form.channels
    except SourceError:
        pass


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_the_end_or_refused(data: bytes) -> None:
    hear(data)


@given(JSON | st.dictionaries(KEYS, JSON, max_size=4), st.binary(max_size=20))
@example({"type": "audio-chunk", "data": {"rate": 16000, "width": 3, "channels": 2}}, b"")
def test_any_json_is_an_event_or_refused(line: object, rest: bytes) -> None:
    hear(json.dumps(line).encode() + b"\n" + rest)


@given(st.fixed_dictionaries(dict.fromkeys(("rate", "width", "channels"), JSON)))
def test_any_form_of_sound_is_sound_or_refused(data: dict[str, object]) -> None:
    hear(json.dumps({"type": "audio-start", "data": data}).encode() + b"\n")


@pytest.mark.parametrize(
    ("key", "most"), [("data_length", MOST_DATA_BYTES), ("payload_length", MOST_BODY_BYTES)]
)
def test_what_is_announced_as_too_long_is_refused_before_it_comes(key: str, most: int) -> None:
    line = json.dumps({"type": "ping", key: most + 1}).encode() + b"\n"
    with pytest.raises(SourceError, match="Send at most"):
        asyncio.run(read(line))


def test_an_event_that_is_cut_off_is_the_end() -> None:
    line = json.dumps({"type": "audio-chunk", "payload_length": 4}).encode() + b"\nabc"
    assert asyncio.run(read(line)) is None


def test_an_event_of_low_rate_holds_no_sound_for_minutes() -> None:
    data = {"rate": 2_000, "width": 1, "channels": 1}
    most = bytes(MOST_CHUNK_SECONDS * 2_000)
    assert sound_of(Event("audio-chunk", data, most)) is not None
    with pytest.raises(SourceError, match=f"Send at most {MOST_CHUNK_SECONDS} s"):
        sound_of(Event("audio-chunk", data, most + b"x"))


def test_an_event_of_the_usual_form_may_be_as_long_as_any() -> None:
    data = {"rate": 16_000, "width": 2, "channels": 1}
    assert sound_of(Event("audio-chunk", data, bytes(MOST_BODY_BYTES))) is not None


def test_what_is_no_sound_has_none() -> None:
    assert sound_of(Event("transcribe", {"rate": 16_000})) is None


@given(JSON)
@example("\ud800")
@example("well?")
def test_a_ping_is_answered_whatever_its_text(text: object) -> None:
    answer = pong_to(Event("ping", {"text": text})).text
    is_unicode = isinstance(text, str) and not any("\ud800" <= char <= "\udfff" for char in text)
    assert answer == (text if is_unicode else None)
