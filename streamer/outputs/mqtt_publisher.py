"""MQTT as an output: what is told when, to the broker and to Home Assistant."""

from __future__ import annotations

import asyncio
import math
import time

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.mqtt_broker import Broker
from emotiond.streamer.outputs.mqtt_claim import Claim
from emotiond.streamer.outputs.mqtt_commands import Commands
from emotiond.streamer.outputs.mqtt_discovery import Discovery
from emotiond.streamer.outputs.mqtt_link import Link
from emotiond.streamer.outputs.mqtt_outbox import MOST_WAITING, MOST_WAITING_SECONDS
from emotiond.streamer.outputs.mqtt_topics import (
    OFFLINE,
    ONLINE,
    UNHEARD,
    Publication,
    Topics,
    publications,
)
from emotiond.streamer.outputs.output import About, Surroundings, wait_while
from emotiond.streamer.protocol.events import Emotion, Event, Status
from emotiond.streamer.server.prometheus import metric

CLAIM_SECONDS = 0.5
"""For other daemons of this name to answer, and for the broker to show what it keeps."""
MOST_FORMER = 400
"""Discovery messages of former streams that are removed at one connection."""
PATIENCE_SECONDS = 5.0
"""For a broker that holds up a lossless stream."""


class MQTTPublisher:
    """Publishes events, and tells Home Assistant of the daemon and its streams.

    Args:
        broker: where it is, and how to get in.
        around: what the daemon provides.
        takes_commands: whether other programs may mute the microphone.
    """

    def __init__(self, broker: Broker, around: Surroundings, takes_commands: bool) -> None:
        self.failure: str | None = None
        self._place = broker.place
        self._microphone = around.microphone
        self._is_lossless = around.lossless
        self._topics = Topics(around.name)
        has_commands = takes_commands and around.microphone.can_be_muted
        self._commands = Commands(around.microphone) if has_commands else None
        self._discovery = Discovery(
            self._topics, around.streams[0].stride_seconds, takes_commands=has_commands
        )
        self._discovered = {
            stream.name: self._discovery.of_stream(stream.name) for stream in around.streams
        }
        """The discovery messages of the public streams."""
        self._unheard: set[str] = set()
        """The streams whose last status says that no sound comes."""
        self._of_microphone = self._discovery.of_microphone()
        self._former: set[str] = set()
        """Topics of discovery messages that the broker keeps and nobody needs."""
        self._told_microphone: str | None = None
        self._claim = Claim()
        self._claiming: asyncio.TimerHandle | None = None
        self._is_live = False
        self._online = Publication(self._topics.availability, ONLINE, is_kept=True)
        self._offline = Publication(self._topics.availability, OFFLINE, is_kept=True)
        patience_seconds = math.inf if around.lossless else MOST_WAITING_SECONDS
        self._link = Link(broker, self._offline, self, patience_seconds)

    @property
    def dropped(self) -> int:
        """Number of messages that found no room, or no broker."""
        return self._link.dropped

    def send(self, message: Message) -> None:
        """Publish what an event says, one message for each value."""
        event, name = message.event, message.stream
        self._tell_microphone()
        if name not in self._discovered:
            self._discovered[name] = self._discovery.of_stream(name)
            self._tell(self._discovered[name])
        if not (self._claim.is_lost or self._comes_late(event)):
            self._link.send([*publications(self._topics, event)])
        is_client_s = message.publisher is not None
        if is_client_s and isinstance(event, Status) and event.status == "ended":
            self._unheard.discard(name)
            self._tell(self._discovery.removal(self._discovered.pop(name).topic))

    async def drained(self, wholly: bool = False) -> None:
        """Wait until half of the queue is free or, if ``wholly``, all is read; 5 s at most."""
        most, deadline = 0 if wholly else MOST_WAITING // 2, time.monotonic() + PATIENCE_SECONDS
        await wait_while(lambda: self._link.unread > most and time.monotonic() < deadline)

    def about(self) -> About:
        """Return the broker, and whether it is reached."""
        trouble, state = self._link.trouble, "connected" if self._is_live else "connecting"
        if trouble is not None:
            state = "away"
        elif self._claim.is_lost:
            trouble, state = f"another daemon is called {self._topics.daemon!r} there", "silent"
        elif self._link.is_behind:
            trouble = "it reads too slowly, or not at all"
        health = {"broker": self._place, "state": state, "reason": trouble}
        metrics = [
            metric(
                "emotiond_mqtt_connected",
                "gauge",
                "Whether events reach the broker.",
                (self._is_live, {}),
            ),
            metric(
                "emotiond_mqtt_messages_total",
                "counter",
                "Messages sent to the broker.",
                (self._link.sent, {}),
            ),
        ]
        if self._commands is not None:
            obeyed, refused = self._commands.obeyed, self._commands.refused
            counts = ((obeyed, {"result": "obeyed"}), (refused, {"result": "ignored"}))
            text = "Commands that came by MQTT."
            metrics.append(metric("emotiond_mqtt_commands_total", "counter", text, *counts))
        return About(
            address=f"MQTT {self._place}",
            open_to="those whom the broker admits",
            health={"mqtt": health},
            metrics=metrics,
            disconnected=None if trouble is None else f"MQTT {self._place}: {trouble}",
        )

    async def ready(self) -> None:
        """Begin to connect. Only a lossless run waits for the broker, 5 s at most."""
        self._link.start()
        if self._is_lossless:
            deadline = time.monotonic() + PATIENCE_SECONDS
            await wait_while(lambda: not self._is_live and time.monotonic() < deadline)

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest and say that the daemon is offline, if the broker takes it in time."""
        self._stop_claiming()
        await self._link.close(self._offline if self._is_live else None, timeout_seconds)

    # The link calls these.

    def on_connected(self) -> None:
        """Ask whether another daemon has this name, and what the broker keeps of this one."""
        self._former = set()
        topics = [self._topics.instance, self._topics.availability, self._discovery.all_topics]
        if self._commands is not None:
            topics.append(self._topics.commands)
        self._link.subscribe(topics)
        self._is_live = False
        self._start_to_claim()

    def on_lost(self) -> None:
        """Be silent until there is a connection again."""
        self._stop_claiming()
        self._is_live = False

    def on_received(self, topic: str, content: bytes, is_kept: bool) -> None:
        """Take a command, or what another daemon of this name says."""
        if topic == self._topics.instance:
            if not is_kept:  # no daemon lets the broker keep it
                self._hear(content)
        elif topic == self._topics.commands:
            if self._commands is not None and not self._claim.is_lost:
                self._commands.take(content, is_kept)
        elif topic == self._topics.availability:
            if content != ONLINE.encode() and not is_kept:
                self._note_absence(is_said=content == OFFLINE.encode())
        elif self._is_former(topic) and is_kept and content:
            self._former.add(topic)

    def _is_former(self, topic: str) -> bool:
        """Return whether it may be of a former stream, while there is room for it."""
        has_room = self._claiming is not None and len(self._former) < MOST_FORMER
        return has_room and self._discovery.is_of_it(topic)

    def _comes_late(self, event: Event) -> bool:
        """Return whether it is of sound from before a mute or a loss, and would undo that."""
        if isinstance(event, Status):
            change = self._unheard.add if event.status in UNHEARD else self._unheard.discard
            change(event.stream)
        return isinstance(event, Emotion) and event.stream in self._unheard

    def _start_to_claim(self) -> None:
        self._stop_claiming()
        self._claim.is_lost = False
        self._link.tell(Publication(self._topics.instance, self._claim.mark))
        loop = asyncio.get_running_loop()
        self._claiming = loop.call_later(CLAIM_SECONDS, self._go_live)

    def _stop_claiming(self) -> None:
        if self._claiming is not None:
            self._claiming.cancel()
            self._claiming = None

    def _hear(self, content: bytes) -> None:
        was_lost = self._claim.is_lost
        if self._claim.hear(content):
            self._link.tell(Publication(self._topics.instance, self._claim.mark))
        elif self._claim.is_lost and not was_lost:
            self._stop_claiming()
            self._is_live = False
            self._link.let_flow(False)
            self._link.drop_waiting()
            self._link.log(
                f"another daemon is called {self._topics.daemon!r} there: this one is silent. "
                "Give one of them another name with --name"
            )

    def _note_absence(self, is_said: bool) -> None:
        """Contradict an old will of this daemon, or take the place of another one that has gone.

        Args:
            is_said: whether it is ``offline``, and not what no daemon says.
        """
        if self._is_live:
            self._link.tell(self._online)
        elif self._claim.is_lost and is_said:
            self._start_to_claim()

    def _go_live(self) -> None:
        self._claiming = None
        needed = [self._of_microphone, *self._discovered.values()]
        for topic in self._former - {each.topic for each in needed}:
            self._link.tell(self._discovery.removal(topic))
        self._former = set()
        self._link.unsubscribe(self._discovery.all_topics)
        for each in needed:
            self._link.tell(each)
        self._told_microphone = None
        self._is_live = True
        self._tell_microphone()
        self._tell(self._online)
        self._link.let_flow(True)

    def _tell(self, publication: Publication) -> None:
        """Send what is told anew when the daemon goes live."""
        if self._is_live:
            self._link.tell(publication)

    def _tell_microphone(self) -> None:
        state = self._microphone.state
        if self._is_live and state != self._told_microphone:
            self._told_microphone = state
            for topic in (self._topics.microphone, self._topics.mute):
                self._link.tell(Publication(topic, state, is_kept=True))
