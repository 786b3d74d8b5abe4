"""What Home Assistant is told. ``test_mqtt_home_assistant.py`` has a real one read it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from emotiond.streamer.outputs.mqtt_discovery import Discovery
from emotiond.streamer.outputs.mqtt_topics import Publication, Topics

TOPICS = Topics("living room")


def content(publication: Publication) -> dict[str, Any]:
    assert publication.is_kept
    parsed: dict[str, Any] = json.loads(publication.content)
    return parsed


def test_all_messages_are_of_one_device_and_have_what_home_assistant_wants() -> None:
    discovery = Discovery(TOPICS, 0.25, takes_commands=True)
    told = [discovery.of_microphone(), discovery.of_stream("mic"), discovery.of_stream("a/b")]
    prefix, suffix = discovery.all_topics.split("+")
    for each in told:
        assert each.topic.startswith(prefix)
        assert each.topic.endswith(suffix)
        assert content(each).keys() == {"device", "origin", "components", "availability_topic"}
    assert len({each.topic for each in told}) == 3
    assert len({str(content(each)["device"]) for each in told}) == 1
    assert content(told[0])["device"]["name"] == "emotiond living room"
    components = [part for each in told for part in content(each)["components"].values()]
    identifiers = [part["unique_id"] for part in components]
    assert len(set(identifiers)) == len(components)
    for part in components:
        assert not ("options" in part and {"state_class", "unit_of_measurement"} & part.keys())


def test_only_with_consent_there_is_a_switch() -> None:
    parts = content(Discovery(TOPICS, 0.25, takes_commands=False).of_microphone())["components"]
    assert parts.keys() == {"microphone"}
    parts = content(Discovery(TOPICS, 0.25, takes_commands=True).of_microphone())["components"]
    assert parts["mute"]["command_topic"] == "emotiond/living%20room/microphone/set"
    assert parts["mute"]["state_topic"] == "emotiond/living%20room/mute"
    assert parts["microphone"]["state_topic"] == "emotiond/living%20room/microphone"


@pytest.mark.parametrize("stride_seconds", [0.01, 0.25, 0.37, 1.0, 10.0])
def test_values_expire_after_whole_seconds_that_no_overload_exceeds(stride_seconds: float) -> None:
    parts = content(Discovery(TOPICS, stride_seconds, takes_commands=False).of_stream("mic"))
    expiries = [part.get("expire_after") for part in parts["components"].values()]
    found = {expiry for expiry in expiries if expiry is not None}
    assert len(found) == 1
    seconds = found.pop()
    assert isinstance(seconds, int)
    assert seconds >= max(5, math.ceil(4 * stride_seconds))


def test_what_changes_at_every_stride_is_disabled_at_first() -> None:
    parts = content(Discovery(TOPICS, 0.25, takes_commands=False).of_stream("mic"))["components"]
    enabled = {key for key, part in parts.items() if part.get("enabled_by_default", True)}
    assert enabled == {"label", "state", "change"}


def test_a_removal_empties_what_the_broker_keeps() -> None:
    discovery = Discovery(TOPICS, 0.25, takes_commands=False)
    topic = discovery.of_stream("mic").topic
    assert discovery.removal(topic) == Publication(topic, "", is_kept=True)
