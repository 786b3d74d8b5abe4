"""What is said on which topic, and how names become levels of a topic."""

from __future__ import annotations

import dataclasses
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from emotiond.inference.card import LABELS
from emotiond.streamer.outputs.mqtt_topics import (
    STREAM_LABELS,
    STREAM_STATES,
    Publication,
    Topics,
    identifier,
    publications,
    topic_level,
)
from emotiond.streamer.protocol.events import Change, Emotion, Event, Status
from tests.support.port import EMOTION

TOPICS = Topics("living room")
SCORES = dict.fromkeys(LABELS, 1 / 8)
HAPPY = dataclasses.replace(
    EMOTION, stream="mic", state="speech", label="happy", confidence=0.81254, scores=SCORES,
    raw=SCORES, level_dbfs=-23.45678,
)  # fmt: skip


def said(event: Event) -> dict[str, str]:
    told = [*publications(TOPICS, event)]
    assert not any(each.is_kept for each in told)  # the broker keeps nobody's emotion
    prefix = "emotiond/living%20room/mic/"
    assert all(each.topic.startswith(prefix) for each in told)
    return {each.topic.removeprefix(prefix): each.content for each in told}


def test_an_emotion_is_five_values() -> None:
    assert said(HAPPY) == {
        "state": "speech",
        "label": "happy",
        "confidence": "0.8125",
        "scores": json.dumps(dict.fromkeys(LABELS, 0.125), separators=(",", ":")),
        "level": "-23.4568",
    }


def test_without_a_label_there_is_none_and_what_is_not_there_is_null() -> None:
    silence = dataclasses.replace(EMOTION, stream="mic")
    assert said(silence) == {
        "state": "silence",
        "label": "none",
        "confidence": "null",
        "scores": "null",
        "level": "-120.0",
    }


def test_a_change_is_the_message_of_the_protocol() -> None:
    told = said(Change(7, "mic", 10.25, "calm", "happy", 4.5))
    assert {key: json.loads(content) for key, content in told.items()} == {
        "change": {
            "type": "change", "seq": 7, "stream": "mic", "at": 10.25, "from": "calm",
            "to": "happy", "held_seconds": 4.5,
        }
    }  # fmt: skip


def test_where_no_sound_comes_no_label_stays() -> None:
    for status in ("muted", "reconnecting", "stalled", "ended"):
        told = said(Status(8, "mic", status, "", None, None, demo=False))  # type: ignore[arg-type]
        assert told == {"state": status, "label": "none", "confidence": "null", "scores": "null"}
    for status in ("running", "overload"):
        assert said(Status(8, "mic", status, "", None, None, demo=False)) == {}  # type: ignore[arg-type]


def test_all_that_is_said_is_among_what_can_be_said() -> None:
    states = {"warmup", "silence", "uncertain", "speech"}
    assert {*STREAM_STATES} == {*states, "stalled", "reconnecting", "muted", "ended"}
    assert {*STREAM_LABELS} == {*LABELS, "none"}


def test_a_name_is_percent_encoded() -> None:
    assert topic_level("kitchen-2_a.b~") == "kitchen-2_a.b~"
    assert topic_level("a/b+c#d %\0$") == "a%2Fb%2Bc%23d%20%25%00%24"
    assert topic_level("K\N{LATIN SMALL LETTER U WITH DIAERESIS}che") == "K%C3%BCche"
    assert (
        identifier("K\N{LATIN SMALL LETTER U WITH DIAERESIS}che 1_a.b~")
        == "K_C3_BCche_201_5Fa_2Eb_7E"
    )


NAMES = st.text(st.characters(), min_size=1)  # with surrogates, which a file's name can bring


@given(NAMES)
def test_any_name_is_one_level_that_any_broker_and_home_assistant_take(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~%-]+", topic_level(name))
    assert re.fullmatch(r"[A-Za-z0-9_-]+", identifier(name))


@given(NAMES, NAMES)
def test_no_two_names_become_one(one: str, other: str) -> None:
    if one != other:
        assert topic_level(one) != topic_level(other)
        assert identifier(one) != identifier(other)


@given(NAMES)
def test_no_stream_has_a_topic_of_the_daemon(name: str) -> None:
    topics = Topics(name)
    own = {topics.availability, topics.microphone, topics.mute, topics.commands, topics.instance}
    assert len(own) == 5
    assert not own & {each.topic for each in publications(topics, emotion_of(name))}


def emotion_of(stream: str) -> Emotion:
    return dataclasses.replace(EMOTION, stream=stream)


def test_a_stream_called_microphone_does_not_command_it() -> None:
    told = {each.topic for each in publications(TOPICS, emotion_of("microphone"))}
    assert TOPICS.commands == "emotiond/living%20room/microphone/set"
    assert TOPICS.commands not in told
    assert Publication(TOPICS.microphone, "on", is_kept=True).topic not in told
