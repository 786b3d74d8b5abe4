"""A real mosquitto: what it is told, and what happens when it is stopped, frozen or refuses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.sync.client import connect

from emotiond.streamer.outputs import mqtt_link
from emotiond.streamer.outputs.mqtt_broker import Broker
from emotiond.streamer.outputs.mqtt_link import Link
from emotiond.streamer.outputs.mqtt_outbox import MOST_WAITING
from emotiond.streamer.outputs.mqtt_topics import Publication
from tests.conftest import DATA
from tests.support.caller import calling
from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon
from tests.support.mosquitto import Ear, Mosquitto, mosquitto
from tests.support.port import run, until
from tests.support.sound_server import SoundServer

pytestmark = pytest.mark.peers

TINY = ("--model", str(DATA / "tiny.tflite"))
PLAY = ("--source", f"voice={DEMO}", *TINY, "--name", "den")
AVAILABILITY = "emotiond/den/availability"
MICROPHONE = "emotiond/den/microphone"
MUTE = "emotiond/den/mute"
OF_VOICE = "homeassistant/device/emotiond-den/stream_voice/config"
OF_MICROPHONE = "homeassistant/device/emotiond-den/microphone/config"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as broker:
        yield broker


def place_of(broker: Mosquitto) -> str:
    return f"mqtt://127.0.0.1:{broker.port}"


@contextlib.contextmanager
def playing(broker: Mosquitto, *arguments: str, **options: Any) -> Iterator[Daemon]:
    with running_daemon(*PLAY, "--mqtt", place_of(broker), *arguments, **options) as daemon:
        yield daemon


# What it is told.


def test_it_hears_of_the_daemon_then_of_each_event_and_at_last_that_it_is_offline(
    broker: Mosquitto,
) -> None:
    with Ear(broker.port) as ear, playing(broker) as daemon:
        assert f", MQTT {place_of(broker)})" in daemon.stderr
        assert "MQTT is open to those whom the broker admits" in daemon.stderr
        ear.says(AVAILABILITY, "online")
        assert OF_VOICE in [heard.topic for heard in ear.all]  # at first
        assert json.loads(ear.content("emotiond/den/voice/change"))["stream"] == "voice"
        ear.content("emotiond/den/voice/label")
        health = daemon.health()
        assert health["mqtt"] == {"broker": place_of(broker), "state": "connected", "reason": None}
        assert (health["status"], health["dropped"]["mqtt_messages"]) == ("ok", 0)
        assert daemon.stop() == 0
        ear.says(AVAILABILITY, "offline")
    said = {heard.topic for heard in ear.all if heard.topic.startswith("emotiond/den/voice/")}
    values = ("state", "label", "confidence", "scores", "level", "change")
    assert said == {f"emotiond/den/voice/{value}" for value in values}


def test_it_keeps_nobody_s_emotion(broker: Mosquitto) -> None:
    with playing(broker) as daemon, Ear(broker.port) as before:
        before.content("emotiond/den/voice/label")
        assert daemon.stop() == 0
        before.says(AVAILABILITY, "offline")
    with Ear(broker.port) as after:
        after.publish("end", "")
        after.says("end", "")
    kept = {heard.topic: heard.content for heard in after.all if heard.is_kept}
    assert kept.keys() == {AVAILABILITY, MICROPHONE, MUTE, OF_VOICE, OF_MICROPHONE}
    assert (kept[AVAILABILITY], kept[MICROPHONE], kept[MUTE]) == ("offline", "off", "off")


def test_a_daemon_that_is_killed_is_offline_by_its_will(broker: Mosquitto) -> None:
    with Ear(broker.port, AVAILABILITY) as ear, playing(broker) as daemon:
        ear.says(AVAILABILITY, "online")
        daemon.process.kill()
        ear.says(AVAILABILITY, "offline")


def test_played_as_fast_as_possible_every_event_arrives(broker: Mosquitto) -> None:
    with Ear(broker.port, "emotiond/den/voice/state") as ear:
        flags = ("--once", "--speed", "max", "--json", "--port", "0", "--zmq", "off")
        ended = emotiond("run", *PLAY, *flags, "--mqtt", place_of(broker))
        assert ended.returncode == 0
        ear.says("emotiond/den/voice/state", "ended")
    events = map(json.loads, ended.stdout.splitlines())
    states = [event["state"] for event in events if event["type"] == "emotion"]
    assert [heard.content for heard in ear.all] == [*states, "ended"]


def test_a_stream_of_a_client_comes_and_goes_if_it_is_public(broker: Mosquitto) -> None:
    topic = "homeassistant/device/emotiond-den/stream_a_2Fb_20c/config"
    with playing(broker) as daemon, Ear(broker.port) as ear:
        with calling(daemon.websocket_url) as private, calling(daemon.websocket_url) as public:
            private.start(name="secret")
            private.send(bytes(32_000))
            public.start(name="a/b c", publish=True)
            public.send(bytes(32_000))
            assert "emotiond/den/a%2Fb%20c/label" in ear.content(topic)
            ear.content("emotiond/den/a%2Fb%20c/label")
        assert ear.content(topic) == ""
        ear.content("emotiond/den/voice/label")
        assert not [heard for heard in ear.all if "secret" in heard.topic + heard.content]
        assert not [heard for heard in ear.all if "client-" in heard.topic]


def test_what_it_kept_of_streams_that_are_no_more_is_removed_and_nothing_else(
    broker: Mosquitto,
) -> None:
    former = "homeassistant/device/emotiond-den/stream_attic/config"
    other = "homeassistant/device/emotiond-cellar/stream_attic/config"
    with Ear(broker.port) as ear:
        for topic in (former, other, OF_VOICE):
            ear.publish(topic, "{}", keep=True)
            ear.says(topic, "{}")
        with playing(broker):
            assert ear.content(former) == ""
            ear.says(AVAILABILITY, "online")
        assert not [heard for heard in ear.all if heard.topic == other and not heard.content]


# Faults.


def test_a_broker_that_is_started_again_hears_everything_anew(broker: Mosquitto) -> None:
    with playing(broker, "--json") as daemon:
        with Ear(broker.port, AVAILABILITY) as ear:
            ear.says(AVAILABILITY, "online")
        broker.kill()
        daemon.error_line("the connection is lost. It is tried again until it works")
        state = daemon.health()
        assert (state["status"], state["mqtt"]["state"]) == ("degraded", "away")
        last = state["streams"]["voice"]
        assert last["status"] == "running"
        broker.start()
        daemon.error_line("it is connected again")
        with Ear(broker.port) as ear:
            ear.says(AVAILABILITY, "online")
            ear.content("emotiond/den/voice/label")
            assert OF_VOICE in [heard.topic for heard in ear.all]
            state = daemon.health()
            assert (state["status"], state["mqtt"]["state"]) == ("ok", "connected")
            assert state["dropped"]["mqtt_messages"] > 0
            assert daemon.stop() == 0
            ear.says(AVAILABILITY, "offline")
            events = [*daemon.events()]
            said = [heard.content for heard in ear.all if heard.topic == "emotiond/den/voice/state"]
        states = [event["state"] for event in events if event["type"] == "emotion"]
        assert said[-2:] == [states[-1], "ended"]
        assert "Received DISCONNECT from emotiond-" in broker.log  # it was not the will
        with Ear(broker.port, AVAILABILITY) as ear:
            assert ear.says(AVAILABILITY, "offline").is_kept
        seqs = [event["seq"] for event in events]
        assert seqs == [*range(len(seqs))]  # the others have missed nothing


def test_a_wrong_password_is_refused_with_one_line_and_is_nowhere(tmp_path: Path) -> None:
    users = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(users), "me", "rightword"], check=True)
    word = tmp_path / "word"
    word.touch(0o600)
    word.write_text("wrongword\n")
    login = ("--mqtt-user", "me", "--mqtt-password-file", str(word))
    with mosquitto(tmp_path, f"password_file {users}") as broker:
        with playing(broker, *login) as daemon:
            assert "it refuses (not authorized)" in daemon.error_line("MQTT mqtt")
            health = json.dumps(daemon.health())
            command = Path(f"/proc/{daemon.process.pid}/cmdline").read_text("utf-8")
            assert daemon.stop() == 0
            assert daemon.stderr.count("refuses") == 1
            assert "wrongword" not in health + command + daemon.stderr + broker.log
        word.write_text("rightword\n")
        with (
            playing(broker, *login),
            Ear(broker.port, AVAILABILITY, username="me", word="rightword") as ear,
        ):
            ear.says(AVAILABILITY, "online")


def test_with_tls_only_the_trusted_broker_hears_anything(tmp_path: Path) -> None:
    authority, foreign = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    foreign.cert_pem.write_to_path(str(tmp_path / "foreign.pem"))
    lines = (f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.pem")
    with mosquitto(tmp_path, *lines) as broker:
        place = f"mqtts://localhost:{broker.port}"
        arguments = (*PLAY, "--mqtt", place, "--mqtt-ca")
        with running_daemon(*arguments, str(tmp_path / "foreign.pem")) as daemon:
            line = daemon.error_line("MQTT mqtts")
            assert "its certificate is not accepted" in line
            assert "--mqtt-ca names the one to trust" in line
        address = f"mqtts://127.0.0.1:{broker.port}"
        trusted = ("--mqtt-ca", str(tmp_path / "ca.pem"))
        with running_daemon(*PLAY, "--mqtt", address, *trusted) as daemon:
            assert "--mqtt takes a name that is in the certificate" in daemon.error_line(address)
        with running_daemon(*arguments, str(tmp_path / "ca.pem")) as daemon:
            daemon.wait_until(lambda health: health["mqtt"]["state"] == "connected")
            assert daemon.stop() == 0
        assert "Received PUBLISH from emotiond-" in broker.log


def test_of_two_daemons_of_one_name_the_younger_is_silent_until_the_older_has_gone(
    broker: Mosquitto,
) -> None:
    with Ear(broker.port) as ear, playing(broker) as older:
        ear.says(AVAILABILITY, "online")
        with playing(broker) as younger:
            line = younger.error_line("another daemon")
            assert "is called 'den' there: this one is silent. Give one of them another" in line
            health = younger.health()
            assert (health["status"], health["mqtt"]["state"]) == ("degraded", "silent")
            assert older.health()["mqtt"]["state"] == "connected"
            assert older.stop() == 0
            ear.says(AVAILABILITY, "offline")
            ear.says(AVAILABILITY, "online")
            younger.wait_until(lambda health: health["mqtt"]["state"] == "connected")
            assert younger.stop() == 0
        ear.says(AVAILABILITY, "offline")
    said = [heard.content for heard in ear.all if heard.topic == AVAILABILITY]
    assert said == ["online", "offline", "online", "offline"]
    assert "already connected" not in broker.log  # none has disconnected the other


def test_an_old_will_does_not_leave_a_daemon_offline_nor_does_what_others_say(
    broker: Mosquitto,
) -> None:
    with Ear(broker.port) as ear, playing(broker):
        ear.says(AVAILABILITY, "online")
        for said in ("offline", "nonsense", ""):
            ear.publish(AVAILABILITY, said, keep=True)
            ear.says(AVAILABILITY, said)
            ear.says(AVAILABILITY, "online")


class Listener:
    """Lets everything flow at once."""

    link: Link
    losses = 0

    def on_connected(self) -> None:
        self.link.let_flow(True)

    def on_lost(self) -> None:
        self.losses += 1

    def on_received(self, topic: str, content: bytes, is_kept: bool) -> None:
        """Take nothing."""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_frozen_broker_is_noticed_and_nobody_waits_for_it(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_link, "KEEPALIVE_SECONDS", 1)
    filler = "x" * 1000

    async def play() -> None:
        listener = Listener()
        will = Publication("will", "")
        link = listener.link = Link(
            Broker(place_of(broker), "127.0.0.1", broker.port), will, listener
        )
        link.start()
        await until(lambda: link.is_connected)
        broker.freeze()
        sent = 100_000  # 100 MB: more than any buffer of the system
        for number in range(sent):
            link.send([Publication("number", f"{number} {filler}")])
        assert link.is_connected  # nothing has waited
        assert link.dropped > 0
        assert link.unread <= MOST_WAITING + 256
        await until(lambda: listener.losses > 0)
        assert link.trouble == "the connection is lost"
        assert link.dropped > sent / 2
        broker.resume()
        await until(lambda: link.is_connected)
        await link.close(None, 1.0)

    run(play)


# Commands.


def test_a_command_mutes_the_microphone_and_lifts_no_mute_of_the_page(
    broker: Mosquitto, microphone: SoundServer
) -> None:
    command = f"{MICROPHONE}/set"
    arguments = ("--source", "mic", *TINY, "--name", "den", "--mqtt", place_of(broker))
    environment = microphone.environment
    with Ear(broker.port) as ear:
        ear.publish(command, "muted", keep=True)
        with (
            running_daemon(*arguments, "--mqtt-commands", environment=environment) as daemon,
            connect(daemon.websocket_url) as page,
        ):
            assert "mute" in json.loads(ear.content(OF_MICROPHONE))["components"]
            daemon.error_line("the broker has kept it")
            ear.says(MICROPHONE, "on")
            ear.publish(command, "muted")
            ear.says(MICROPHONE, "muted")
            ear.says(MUTE, "muted")
            ear.says("emotiond/den/mic/state", "muted")
            assert not [name for name in microphone.recorders() if name.startswith("python")]
            ear.publish(command, "on")
            ear.says(MICROPHONE, "on")
            states = [heard.content for heard in ear.all if heard.topic == "emotiond/den/mic/state"]
            assert states[-1] == "muted"  # no event of what was heard before has undone it
            page.send('{"type":"mute","muted":true}')
            ear.says(MICROPHONE, "muted")
            ear.publish(command, "on")
            daemon.error_line("which alone can lift that")
            assert daemon.health()["microphone"] == "muted"
            page.send('{"type":"mute","muted":false}')
            ear.says(MICROPHONE, "on")
            assert daemon.stop(signal.SIGTERM) == 0
            assert daemon.stderr.count("a command has set the microphone to muted") == 1


def test_without_consent_nothing_is_commanded(broker: Mosquitto, microphone: SoundServer) -> None:
    arguments = ("--source", "mic", *TINY, "--name", "den", "--mqtt", place_of(broker))
    with (
        Ear(broker.port) as ear,
        running_daemon(*arguments, environment=microphone.environment) as daemon,
    ):
        ear.says(MICROPHONE, "on")
        ear.publish(f"{MICROPHONE}/set", "muted")
        ear.content("emotiond/den/mic/label")
        ear.content("emotiond/den/mic/label")
        assert daemon.health()["microphone"] == "on"
        of_microphone = next(heard for heard in ear.all if heard.topic == OF_MICROPHONE)
        assert json.loads(of_microphone.content)["components"].keys() == {"microphone"}
    subscriptions = [line for line in broker.log.splitlines() if "/set" in line]
    assert not [line for line in subscriptions if "(QoS" in line and "emotiond/den" in line]


def test_a_broker_that_is_frozen_at_the_end_does_not_hold_it_up(broker: Mosquitto) -> None:
    async def play() -> None:
        listener = Listener()
        link = listener.link = Link(
            Broker(place_of(broker), "127.0.0.1", broker.port), Publication("will", ""), listener
        )
        link.start()
        await until(lambda: link.is_connected)
        broker.freeze()
        before = asyncio.get_running_loop().time()
        await link.close(Publication("last", ""), 0.5)
        assert asyncio.get_running_loop().time() - before < 5

    run(play)
