"""A real Home Assistant: what it makes of discovery, and the lamp of docs/mqtt.md."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotiond.inference.card import LABELS
from tests.conftest import DATA
from tests.support.caller import calling
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.home_assistant import HomeAssistant, home_assistant
from tests.support.mosquitto import Ear, Mosquitto, mosquitto
from tests.support.sound_server import SoundServer

pytestmark = [pytest.mark.peers, pytest.mark.home_assistant]

PAGE = (Path(__file__).parents[3] / "docs" / "mqtt.md").read_text("utf-8")
AUTOMATION = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[-1]
LAMP = """{"name": "living room lamp", "unique_id": "lamp", "command_topic": "lamp",
"rgb_command_topic": "lamp/rgb"}"""
NUMBER = re.compile(r"-?[\d.]+")
VOICE = "sensor.emotiond_kitchen_mic"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def core(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    automations = tmp_path_factory.mktemp("home") / "automations.yaml"
    automations.write_text(AUTOMATION, "utf-8")
    with home_assistant(broker.port, automations) as home:
        yield home


@pytest.fixture
def home(core: HomeAssistant) -> HomeAssistant:
    core.warnings.clear()
    return core


@contextlib.contextmanager
def playing(broker: Mosquitto, *arguments: str) -> Iterator[Daemon]:
    """The demo as the stream of the page's example, with the real model."""
    source = ("--source", f"mic={DEMO}", "--model", "lite", "--name", "kitchen")
    with running_daemon(*source, "--mqtt", f"mqtt://127.0.0.1:{broker.port}", *arguments) as daemon:
        yield daemon


def test_the_lamp_of_the_page_lights_up(broker: Mosquitto, home: HomeAssistant) -> None:
    with Ear(broker.port, "lamp/#") as lamp:
        lamp.publish("homeassistant/light/lamp/config", LAMP, keep=True)
        home.until(lambda: "light.living_room_lamp" in home.states)
        with playing(broker):
            home.until(lambda: home.states.get(f"{VOICE}_label") in LABELS)
            assert home.attributes[f"{VOICE}_label"]["friendly_name"] == (
                "emotiond kitchen mic label"
            )
            assert lamp.content("lamp/rgb") == "255,0,0"
    assert home.warnings == []


def test_every_entity_that_the_page_names_is_there_and_has_its_value(
    broker: Mosquitto, home: HomeAssistant
) -> None:
    table = PAGE.partition("| entity |")[2].partition("\n\n")[0]
    names = re.findall(r"^\| `((?:sensor|event|switch)\.\S+)`", table, re.MULTILINE)
    of_stream = {name for name in names if "_mic_" in name}
    numbers = [f"{VOICE}_{what}" for what in ("confidence", "level", *LABELS)]
    with playing(broker):
        home.until(lambda: home.states.get(f"{VOICE}_state") == "speech")
        assert not home.states.keys() & {*numbers}  # they are disabled at first
        home.enable(*numbers)
        home.until(lambda: all(NUMBER.fullmatch(home.states.get(n, "")) for n in numbers))
        assert of_stream <= home.states.keys()
        assert 0 <= float(home.states[f"{VOICE}_happy"]) <= 100
        assert home.attributes[f"{VOICE}_happy"]["unit_of_measurement"] == "%"
        assert -120 <= float(home.states[f"{VOICE}_level"]) <= 0
        event = "event.emotiond_kitchen_mic_change"
        home.until(lambda: home.attributes[event].get("event_type") in LABELS)
        assert home.attributes[event]["held_seconds"] >= 0
        home.until(lambda: home.states[f"{VOICE}_confidence"] == "unknown")  # without a label
    assert home.warnings == []


def test_what_is_offline_is_unavailable_and_comes_back(
    broker: Mosquitto, home: HomeAssistant
) -> None:
    for how in ("stop", "kill"):
        with playing(broker) as daemon:
            home.until(lambda: home.states.get(f"{VOICE}_label") in (*LABELS, "none"))
            if how == "stop":
                assert daemon.stop() == 0
            else:
                daemon.process.kill()
            home.until(lambda: home.states[f"{VOICE}_label"] == "unavailable")


def test_the_entities_of_a_client_go_with_its_stream(
    broker: Mosquitto, home: HomeAssistant
) -> None:
    name = "sensor.emotiond_kitchen_hall_label"
    with playing(broker) as daemon:
        with calling(daemon.websocket_url) as caller:
            caller.start(name="hall", publish=True)
            caller.send(bytes(32_000))
            home.until(lambda: name in home.states)
        home.until(lambda: name not in home.states)
        assert f"{VOICE}_label" in home.states
    assert home.warnings == []


def test_the_switch_mutes_the_microphone_and_shows_a_mute_of_the_machine(
    broker: Mosquitto, home: HomeAssistant, microphone: SoundServer
) -> None:
    arguments = ("--source", "mic", "--model", str(DATA / "tiny.tflite"), "--name", "den")
    place = f"mqtt://127.0.0.1:{broker.port}"
    switch, state = "switch.emotiond_den_mute", "sensor.emotiond_den_microphone"
    with running_daemon(
        *arguments, "--mqtt", place, "--mqtt-commands", environment=microphone.environment
    ) as daemon:
        home.until(lambda: (home.states.get(switch), home.states.get(state)) == ("off", "on"))
        home.call("switch", "turn_on", entity_id=switch)
        home.until(lambda: (home.states[switch], home.states[state]) == ("on", "muted"))
        assert daemon.health()["microphone"] == "muted"
        home.call("switch", "turn_off", entity_id=switch)
        home.until(lambda: (home.states[switch], home.states[state]) == ("off", "on"))
    assert home.warnings == []


def test_what_home_assistant_does_not_accept_would_be_noticed(
    broker: Mosquitto, home: HomeAssistant
) -> None:
    with Ear(broker.port) as ear:
        ear.publish("homeassistant/device/broken/config", '{"device":{"identifiers":["x"]}}')
        home.until(lambda: any("Invalid MQTT device discovery" in each for each in home.warnings))
