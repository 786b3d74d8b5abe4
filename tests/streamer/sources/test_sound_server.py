"""Real sound servers, with the monitor of a loudspeaker, and microphones that come and go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from emotiond.streamer.sources.portaudio import PIPEWIRE, PULSEAUDIO
from emotiond.streamer.sources.sound_server import (
    ServerPrograms,
    ServerSource,
    read_pipewire,
    read_pulseaudio,
)
from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon
from tests.support.pipewire import PipeWire
from tests.support.processes import await_none_with, needs_proc
from tests.support.sound_server import SoundServer

MIC = ("--source", "mic", "--model", "lite", "--json")
DESK, ROOM = ("desk", "Desk Microphone"), ("room", "Room Microphone")


def unnamed(server: SoundServer) -> Mapping[str, str]:
    """The environment of a machine where nobody has named a source."""
    return {name: value for name, value in server.environment.items() if name != "PULSE_SOURCE"}


def pactl(server: SoundServer, *arguments: str) -> str:
    ended = subprocess.run(
        ["pactl", *arguments], env=server.environment, capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()


def plug(
    server: SoundServer,
    name: str = "desk",
    description: str = "Desk Microphone",
    master: str = "emo.monitor",
) -> str:
    """Let a microphone come, and be the default. Returns what unplugs it."""
    quoted = f"source_properties=\"device.description='{description}'\""
    module = pactl(
        *(server, "load-module", "module-virtual-source", f"source_name={name}", quoted),
        f"master={master}",
    )
    pactl(server, "set-default-source", name)
    return module


def statuses(daemon: Daemon) -> Iterator[Mapping[str, Any]]:
    return (event for event in daemon.events() if event["type"] == "status")


def health(daemon: Daemon) -> Any:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read())


@pytest.mark.system
def test_the_monitor_of_a_loudspeaker_is_not_taken_for_a_microphone(
    microphone: SoundServer,
) -> None:
    with running_daemon(*MIC, environment=unnamed(microphone)) as daemon:
        events = daemon.events()
        waiting = next(events)
        assert waiting["status"] == "reconnecting"
        assert "'emo.monitor', which gives what the loudspeaker plays" in waiting["detail"]
        assert "--device 'emo.monitor'" in waiting["detail"]
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


@pytest.mark.system
def test_the_status_of_the_default_device_names_its_microphone(microphone: SoundServer) -> None:
    plug(microphone, *ROOM)
    plug(microphone, *DESK)
    with running_daemon(*MIC, environment=unnamed(microphone)) as daemon:
        told = statuses(daemon)
        running = next(told)
        assert (running["status"], running["device"]) == ("running", "Desk Microphone")
        outputs = pactl(microphone, "list", "short", "source-outputs").splitlines()
        number = outputs[-1].split()[0]  # the latest one
        pactl(microphone, "move-source-output", number, "room")
        moved = next(told)
        assert (moved["status"], moved["device"]) == ("running", "Room Microphone")
        assert moved["device_latency_ms"] == running["device_latency_ms"]


@pytest.mark.system
def test_a_default_microphone_of_pulseaudio_that_becomes_another_one_is_followed(
    microphone: SoundServer,
) -> None:
    hall = ("sink_name=hall", "rate=44100", "channels=2")
    pactl(microphone, "load-module", "module-null-sink", *hall)
    plug(microphone, *ROOM, master="hall.monitor")
    module = plug(microphone, *DESK)
    with running_daemon(*MIC, environment=unnamed(microphone)) as daemon:
        events = daemon.events()
        assert next(events)["device"] == "Desk Microphone"
        pactl(microphone, "unload-module", module)
        found = next(event for event in events if event.get("device") == "Room Microphone")
        assert found["status"] == "running"
        assert next(event for event in events if event["type"] == "emotion")


@pytest.mark.system
def test_a_default_microphone_of_pipewire_that_becomes_another_one_is_followed(
    pipewire: PipeWire,
) -> None:
    pipewire.plug(*ROOM, sample_rate=44_100)
    pipewire.plug(*DESK)
    names = {"room": ROOM[1], "desk": DESK[1]}
    with running_daemon(*MIC, environment=pipewire.environment) as daemon:
        events = daemon.events()
        assert next(events)["status"] == "running"
        (first,) = pipewire.recorded()
        (other,) = names.keys() - {first}
        pipewire.play(DEMO, other)
        pipewire.unplug(first)
        found = next(event for event in events if event.get("device") == names[other])
        assert found["status"] == "running"
        assert next(event for event in events if event["type"] == "emotion" and event["label"])


@pytest.mark.system
def test_a_source_that_the_environment_names_is_waited_for(microphone: SoundServer) -> None:
    with running_daemon(
        *MIC, environment={**microphone.environment, "PULSE_SOURCE": "desk"}
    ) as daemon:
        told = statuses(daemon)
        waiting = next(told)
        assert waiting["status"] == "reconnecting"
        assert "PULSE_SOURCE names 'desk', which is not there" in waiting["detail"]
        plug(microphone)
        assert next(told)["status"] == "running"


@pytest.mark.system
def test_a_source_of_pipewire_that_the_environment_names_is_waited_for(pipewire: PipeWire) -> None:
    pipewire.plug(*ROOM)
    environment = {**pipewire.environment, "PIPEWIRE_NODE": "desk"}
    with running_daemon(*MIC, environment=environment) as daemon:
        told = statuses(daemon)
        assert next(told)["status"] == "reconnecting"
        pipewire.plug(*DESK)
        assert next(told)["status"] == "running"
        assert pipewire.recorded() == {"desk"}
    environment = {**pipewire.environment, "PIPEWIRE_NODE": "speaker"}
    with running_daemon(*MIC, environment=environment) as daemon:  # a monitor that is meant
        running = next(statuses(daemon))
        assert (running["status"], running["device"]) == ("running", "Monitor of Speaker")
        assert pipewire.recorded() == {"speaker"}


@pytest.mark.system
def test_each_source_of_pulseaudio_is_a_device(microphone: SoundServer) -> None:
    plug(microphone, *DESK)
    plug(microphone, *ROOM)
    listed = json.loads(emotiond("devices", "--json", env=unnamed(microphone)).stdout)["devices"]
    sources = [device for device in listed if device["api"] == PULSEAUDIO]
    assert [device["index"] for device in listed] == list(range(len(listed)))
    assert [(device["name"], device["source"]) for device in sources] == [
        ("Desk Microphone", "desk"),
        ("Room Microphone", "room"),
        ("Monitor of Null Output", "emo.monitor"),
    ]
    assert [device["is_monitor"] for device in sources] == [False, False, True]
    assert all(16_000 in device["rates"] for device in sources)
    desk = str(sources[0]["index"])
    for wanted, name in (("desk mic", "desk"), (desk, "desk"), ("emo.monitor", "emo.monitor")):
        with running_daemon(*MIC, "--device", wanted, environment=unnamed(microphone)) as daemon:
            assert next(daemon.events())["status"] == "running"
            outputs = pactl(microphone, "list", "source-outputs")
            number = next(
                line.split("\t")[0]
                for line in pactl(microphone, "list", "short", "sources").splitlines()
                if line.split("\t")[1] == name
            )
            assert f"Source: {number}\n" in outputs


@pytest.mark.system
def test_no_other_microphone_of_pulseaudio_takes_the_place_of_the_named_one(
    microphone: SoundServer,
) -> None:
    pactl(microphone, "load-module", "module-rescue-streams")
    module = plug(microphone, *DESK)
    plug(microphone, *ROOM)
    with running_daemon(*MIC, "--device", "desk", environment=unnamed(microphone)) as daemon:
        told = statuses(daemon)
        assert next(told)["status"] == "running"
        pactl(microphone, "unload-module", module)  # the server moves the stream to the other one
        assert next(told)["status"] == "reconnecting"
        plug(microphone, *DESK)
        back = next(told)
        assert (back["status"], back["device"]) == ("running", "Desk Microphone")


@pytest.mark.system
def test_each_source_of_pipewire_is_a_device(pipewire: PipeWire) -> None:
    pipewire.plug(*DESK)
    pipewire.plug(*ROOM)
    listed = json.loads(emotiond("devices", "--json", env=pipewire.environment).stdout)["devices"]
    sources = [device for device in listed if device["api"] == PIPEWIRE]
    assert [(device["name"], device["source"], device["is_monitor"]) for device in sources] == [
        ("Desk Microphone", "desk", False),
        ("Room Microphone", "room", False),
        ("Monitor of Speaker", "speaker", True),
    ]
    room = str(sources[1]["index"])
    for wanted, name in (("room", "room"), (room, "room"), ("Monitor of Speaker", "speaker")):
        environment = pipewire.environment
        with running_daemon(*MIC, "--device", wanted, environment=environment) as daemon:
            assert next(daemon.events())["status"] == "running"
            assert pipewire.recorded() == {name}


@pytest.mark.system
@pytest.mark.parametrize("wanted", ["room", "3"])
def test_a_named_microphone_of_pipewire_is_waited_for_and_comes_back_at_another_rate(
    pipewire: PipeWire, wanted: str
) -> None:
    pipewire.plug(*DESK)
    pipewire.plug(*ROOM, sample_rate=44_100)
    with running_daemon(*MIC, "--device", wanted, environment=pipewire.environment) as daemon:
        events = daemon.events()
        assert next(events)["device"] == "Room Microphone"
        pipewire.play(DEMO, "room")
        assert next(e for e in events if e["type"] == "emotion" and e["label"])
        pipewire.unplug("room")
        assert "desk" not in pipewire.recorded()  # not even for a moment
        lost = next(event for event in events if event["type"] == "status")
        assert lost["status"] == "reconnecting"
        assert pipewire.recorded() == set()
        pipewire.plug("attic", "Attic Microphone")  # has its number now
        pipewire.plug(*ROOM, sample_rate=16_000)
        back = next(event for event in events if event["type"] == "status")
        assert (back["status"], back["device"]) == ("running", "Room Microphone")
        assert pipewire.recorded() == {"room"}
        pipewire.play(DEMO, "room")
        assert next(e for e in events if e["type"] == "emotion" and e["label"])


@pytest.mark.system
def test_zeros_from_pipewire_are_told_of_with_its_own_remedy(pipewire: PipeWire) -> None:
    pipewire.plug(*DESK)
    with running_daemon(*MIC, environment=pipewire.environment) as daemon:
        told = statuses(daemon)
        assert next(told)["detail"] == ""
        muted = next(told)
        assert (muted["status"], health(daemon)["status"]) == ("running", "degraded")
        command = muted["detail"].rpartition("with: ")[2].rstrip(".")
        assert command == "wpctl set-mute @DEFAULT_AUDIO_SOURCE@ 0"
        pipewire.run(*command.split())
        pipewire.play(DEMO, "desk")
        assert next(told)["detail"] == ""


@pytest.mark.system
def test_a_killed_pipewire_makes_the_daemon_unhealthy_until_it_is_back(pipewire: PipeWire) -> None:
    pipewire.plug(*DESK)
    with running_daemon(*MIC, environment=pipewire.environment) as daemon:
        told = statuses(daemon)
        assert next(told)["status"] == "running"
        pipewire.kill()
        assert next(told)["status"] == "reconnecting"
        daemon.error_line("mic: the microphone is gone")
        while (found := health(daemon))["status"] == "ok":
            time.sleep(0.1)  # health has no event
        assert found["failures"][0].startswith("mic: the microphone is gone")
        pipewire.start()
        pipewire.plug(*DESK)
        assert next(told)["status"] == "running"
        daemon.error_line("mic: sound comes again")
        assert (health(daemon)["status"], health(daemon)["failures"]) == ("ok", [])
        assert daemon.stop() == 0
    assert daemon.stderr.count("is gone") == daemon.stderr.count("comes again") == 1


@pytest.mark.system
@needs_proc
def test_a_pipewire_that_stands_still_is_noticed_and_does_not_delay_the_end(
    pipewire: PipeWire, tmp_path: Path
) -> None:
    pipewire.plug(*DESK)
    environment = {**pipewire.environment, "MARK": str(tmp_path)}
    with running_daemon(*MIC, environment=environment) as daemon:
        told = statuses(daemon)
        assert next(told)["status"] == "running"
        pipewire.freeze(True)
        assert next(told)["status"] == "reconnecting"
        pipewire.freeze(False)
        assert next(told)["status"] == "running"
        pipewire.freeze(True)
        assert daemon.stop() == 0
        pipewire.freeze(False)
    await_none_with(f"MARK={tmp_path}")


@pytest.mark.system
def test_the_monitor_of_pipewire_is_not_taken_for_a_microphone(pipewire: PipeWire) -> None:
    """Neither at the start, nor when the server moves the stream there."""
    with running_daemon(*MIC, environment=pipewire.environment) as daemon:
        told = statuses(daemon)
        waiting = next(told)
        assert waiting["status"] == "reconnecting"
        assert "'speaker', which gives what the loudspeaker plays" in waiting["detail"]
        pipewire.plug(*DESK)
        assert next(told)["status"] == "running"
        pipewire.unplug("desk")
        assert next(told)["status"] == "reconnecting"
        pipewire.plug(*DESK)
        assert next(told)["status"] == "running"


@pytest.mark.system
@pytest.mark.parametrize("knows", [True, False])
def test_a_pipewire_without_a_source_is_never_running(
    pipewire: PipeWire, tmp_path: Path, knows: bool
) -> None:
    """PipeWire 0.3 lets every opening succeed. Without its programs, only blocks tell."""
    pipewire.unplug("speaker")
    programs = os.environ["PATH"] if knows else str(tmp_path)
    with running_daemon(*MIC, environment={**pipewire.environment, "PATH": programs}) as daemon:
        told = statuses(daemon)
        assert next(told)["status"] == "reconnecting"
        while health(daemon)["status"] == "ok":
            time.sleep(0.1)  # health has no event
        pipewire.plug(*DESK)
        assert next(told)["status"] == "running"
        assert daemon.stop() == 0
    assert daemon.stderr.count("comes again") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a program in sh")
def test_a_program_that_does_not_answer_is_ended_with_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    for name in ("pactl", "pw-dump"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho $$ >{started}; exec sleep 1000\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    programs = ServerPrograms()
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.append(programs.read(PIPEWIRE)))
    asking.start()
    process_id = int(started.read_text())
    programs.close()
    asking.join(60)
    assert found == [None]
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


def test_changes_while_pipewire_lists_its_objects_are_read() -> None:
    def node(number: int, name: str, kind: str = "Audio/Source") -> Mapping[str, Any]:
        return {"id": number, "info": {"props": {"node.name": name, "media.class": kind}}}

    first = [node(1, "desk"), node(2, "speaker", "Audio/Sink"), {"id": 3, "info": None}]
    second = [node(4, "room"), {"id": 1, "info": None}]
    server = read_pipewire(lambda _: f"{json.dumps(first)}\n{json.dumps(second)}\n")
    assert server is not None
    assert server.sources == (
        ServerSource("speaker", "Monitor of speaker", 1, is_monitor=True),
        ServerSource("room", "room", 1, is_monitor=False),
    )
    assert server.source_of_default() == server.sources[1]


@pytest.mark.parametrize("printed", ["", "[]", "no JSON"])
def test_a_server_that_says_nothing_is_unknown(printed: str) -> None:
    assert read_pipewire(lambda _: printed) is None
    assert read_pulseaudio(lambda *_: "") is None
