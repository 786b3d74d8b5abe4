"""A real PulseAudio with the monitor of a loudspeaker, and a microphone that comes and goes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import pytest

from emotiond.streamer.sources.monitors import is_of_server
from emotiond.streamer.sources.portaudio import Device
from tests.support.daemon import running_daemon
from tests.support.sound_server import SoundServer

MIC = ("--source", "mic", "--model", "lite", "--json")


def unnamed(server: SoundServer) -> Mapping[str, str]:
    """The environment of a machine where nobody has named a source."""
    return {name: value for name, value in server.environment.items() if name != "PULSE_SOURCE"}


def pactl(server: SoundServer, *arguments: str) -> str:
    ended = subprocess.run(
        ["pactl", *arguments], env=server.environment, capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()


def plug(server: SoundServer) -> str:
    """Let a microphone come, and be the default. Returns what unplugs it."""
    module = pactl(
        server, "load-module", "module-virtual-source", "source_name=desk", "master=emo.monitor"
    )
    pactl(server, "set-default-source", "desk")
    return module


@pytest.mark.system
def test_the_monitor_of_a_loudspeaker_is_not_taken_for_a_microphone(
    microphone: SoundServer,
) -> None:
    with running_daemon(*MIC, environment=unnamed(microphone)) as daemon:
        events = daemon.events()
        waiting = next(events)
        assert waiting["status"] == "reconnecting"
        assert "'emo.monitor', which gives what the loudspeaker plays" in waiting["detail"]
        plug(microphone)
        assert next(events)["status"] == "running"


@pytest.mark.system
def test_a_stream_that_is_moved_to_a_monitor_has_lost_its_microphone(
    microphone: SoundServer,
) -> None:
    pactl(microphone, "load-module", "module-rescue-streams")
    module = plug(microphone)
    with running_daemon(*MIC, environment=unnamed(microphone)) as daemon:
        events = daemon.events()
        assert next(events)["status"] == "running"
        pactl(microphone, "unload-module", module)
        lost = next(event for event in events if event["type"] == "status")
        assert lost["status"] == "reconnecting"
        plug(microphone)
        assert next(e for e in events if e["type"] == "status")["status"] == "running"


@pytest.mark.parametrize(
    ("name", "api", "of_server"),
    [
        ("default", "ALSA", True),
        ("pulse", "ALSA", True),
        ("pipewire", "ALSA", True),
        ("USB Audio (hw:1,0)", "ALSA", False),
        ("default", "Core Audio", False),
    ],
)
def test_only_a_device_of_a_sound_server_may_be_a_monitor(
    name: str, api: str, of_server: bool
) -> None:
    assert is_of_server(Device(0, name, api, 1, 48_000, True)) is of_server
