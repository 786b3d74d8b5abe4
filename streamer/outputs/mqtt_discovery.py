"""What Home Assistant is told by discovery: one device for the daemon, with its entities.

Each stream and the microphone have a topic of their own, with the same device: a stream that ends
takes its entities along, and the others stay. Home Assistant refuses a whole message without
``origin``, without a ``unique_id`` in a component, or with an unknown key at its top.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from emotiond import __version__
from emotiond.inference.card import LABELS
from emotiond.streamer.outputs.mqtt_topics import (
    NO_LABEL,
    STREAM_LABELS,
    STREAM_STATES,
    Publication,
    Topics,
    identifier,
)
from emotiond.streamer.protocol.events import encode

PREFIX = "homeassistant"

_SHORTEST_EXPIRY_SECONDS = 5
_STRIDES_TO_EXPIRY = 8
"""Twice what an overload stretches a stride to."""
_SECONDS_BETWEEN_CHECKS = 2

_THING = re.compile(r"[A-Za-z0-9_-]+")
"""A topic's level about a stream or the microphone. Home Assistant takes no other one."""

_EVENT = f"{{{{ dict(value_json, event_type=value_json.to or '{NO_LABEL}') | to_json }}}}"
"""Makes the message of an event entity from a change."""

Components = dict[str, dict[str, Any]]


class Discovery:
    """Makes the discovery messages of one daemon.

    Args:
        topics: the daemon's topics.
        stride_seconds: from one event of a stream to the next.
        takes_commands: whether the microphone can be muted by a command.
    """

    def __init__(self, topics: Topics, stride_seconds: float, takes_commands: bool) -> None:
        self._topics = topics
        self._takes_commands = takes_commands
        self._identifier = f"emotiond-{identifier(topics.daemon)}"
        # Home Assistant cuts a fraction off, and a zero would never expire.
        expiry_seconds = _STRIDES_TO_EXPIRY * stride_seconds + _SECONDS_BETWEEN_CHECKS
        self._expiry_seconds = max(_SHORTEST_EXPIRY_SECONDS, math.ceil(expiry_seconds))

    @property
    def all_topics(self) -> str:
        """A filter for all discovery messages of this daemon, those of former streams too."""
        return self._topic("+")

    def is_of_it(self, topic: str) -> bool:
        """Return whether a topic can be that of a discovery message of this daemon.

        A broker can send what nobody can publish, as a topic with a wildcard.
        """
        before, _, after = self.all_topics.partition("+")
        thing = topic.removeprefix(before).removesuffix(after)
        return topic == f"{before}{thing}{after}" and _THING.fullmatch(thing) is not None

    def of_microphone(self) -> Publication:
        """Return the message about the daemon's microphone."""
        components: Components = {
            "microphone": {
                "platform": "sensor",
                "name": "microphone",
                "icon": "mdi:microphone",
                "device_class": "enum",
                "options": ["on", "muted", "off"],
                "entity_category": "diagnostic",
                "state_topic": self._topics.microphone,
            }
        }
        if self._takes_commands:
            components["mute"] = {
                "platform": "switch",
                "name": "mute",
                "icon": "mdi:microphone-off",
                # Home Assistant may give one of two entities with one topic nothing that is kept.
                "state_topic": self._topics.mute,
                "command_topic": self._topics.commands,
                "payload_on": "muted",
                "payload_off": "on",
                "value_template": "{{ None if value == 'off' else value }}",
            }
        return self._message("microphone", components)

    def of_stream(self, name: str) -> Publication:
        """Return the message about a stream."""

        def entity(what: str, **more: Any) -> dict[str, Any]:
            return {"name": f"{name} {what}", "state_topic": self._topics.of(name, what), **more}

        def number(what: str, **more: Any) -> dict[str, Any]:
            # What changes four times a second fills a database: whoever wants it enables it.
            common = {"platform": "sensor", "state_class": "measurement"}
            expiry = {"expire_after": self._expiry_seconds, "enabled_by_default": False}
            return entity(what, **common, **expiry, **more)

        def share(**more: Any) -> dict[str, Any]:
            return {"unit_of_measurement": "%", "suggested_display_precision": 0, **more}

        components: Components = {
            "label": entity(
                "label",
                platform="sensor",
                icon="mdi:emoticon-outline",
                device_class="enum",
                options=[*STREAM_LABELS],
                expire_after=self._expiry_seconds,
            ),
            "state": entity(
                "state",
                platform="sensor",
                icon="mdi:account-voice",
                device_class="enum",
                options=[*STREAM_STATES],
            ),
            "change": entity(
                "change",
                platform="event",
                icon="mdi:emoticon-outline",
                event_types=[*STREAM_LABELS],
                value_template=_EVENT,
            ),
            "confidence": number("confidence", **share(value_template=_percent("value_json"))),
            "level": number("level", unit_of_measurement="dB", suggested_display_precision=1),
        }
        for label in LABELS:
            template = _percent(f"value_json.{label}")
            components[label] = number("scores", **share(value_template=template))
            components[label]["name"] = f"{name} {label}"
        return self._message(f"stream_{identifier(name)}", components)

    def removal(self, topic: str) -> Publication:
        """Return what removes the entities of one discovery message."""
        return Publication(topic, "", is_kept=True)

    def _message(self, thing: str, components: Components) -> Publication:
        for key, component in components.items():
            component["unique_id"] = f"{self._identifier}-{thing}-{key}"
        content: Mapping[str, Any] = {
            "device": {
                "identifiers": [self._identifier],
                "name": f"emotiond {self._topics.daemon}",
                "manufacturer": "emotiond",
                "model": "emotion in a voice",
                "sw_version": __version__,
            },
            "origin": {"name": "emotiond", "sw_version": __version__},
            "components": components,
            "availability_topic": self._topics.availability,
        }
        return Publication(self._topic(thing), encode(content), is_kept=True)

    def _topic(self, thing: str) -> str:
        return f"{PREFIX}/device/{self._identifier}/{thing}/config"


def _percent(value: str) -> str:
    """Return a template that makes percents of a share, and nothing of null."""
    return f"{{{{ None if value_json is none else ({value} * 100) | round(1) }}}}"
