"""A real sound server, captured through PortAudio."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon
from tests.support.processes import await_none_with, captures, needs_proc
from tests.support.sound_server import SoundServer, sound_server

pytestmark = pytest.mark.system

MIC = ("--source", "mic", "--model", "lite", "--json")


def page(daemon: Daemon, path: str) -> str:
    with urllib.request.urlopen(f"{daemon.page_url}{path}", timeout=60) as answer:  # noqa: S310
        return str(answer.read(), "utf-8")


def health(daemon: Daemon) -> Any:
    return json.loads(page(daemon, "healthz"))


def test_a_voice_at_the_microphone_gets_a_label_with_its_age(microphone: SoundServer) -> None:
    with running_daemon(*MIC, environment=microphone.environment) as daemon:
        events = daemon.events()
        running = next(events)
        assert (running["status"], running["device"]) == ("running", "Monitor of Null Output")
        assert running["device_latency_ms"] > 0
        microphone.play(DEMO)
        loud = next(e for e in events if e["type"] == "emotion" and e["level_dbfs"] > -50)
        labelled = next(e for e in events if e["type"] == "emotion" and e["label"])
    assert labelled["end"] - loud["end"] < 1.5
    assert 0 < labelled["age_ms"] < 1000
    assert labelled["dropped_samples"] == 0


@pytest.mark.peers
@pytest.mark.parametrize(("sample_rate", "channels"), [(44_100, 2), (48_000, 1)])
def test_a_device_with_another_rate_and_channel_count_works(
    sample_rate: int, channels: int
) -> None:
    with sound_server(sample_rate, channels) as server:
        with running_daemon(*MIC, environment=server.environment) as daemon:
            events = daemon.events()
            server.play(DEMO)
            labelled = next(e for e in events if e["type"] == "emotion" and e["label"])
        assert labelled["dropped_samples"] == 0


@pytest.mark.parametrize("device", ["pulse", "PULS", "0"])
def test_a_device_is_found_by_name_part_of_it_or_number(
    microphone: SoundServer, device: str
) -> None:
    with running_daemon(*MIC, "--device", device, environment=microphone.environment) as daemon:
        running = next(daemon.events())
    assert running["device"] == "Monitor of Null Output"


def test_an_unknown_device_is_refused_with_a_list_of_the_known_ones(
    microphone: SoundServer,
) -> None:
    for device in ("Neumann", "99"):
        ended = emotiond("run", *MIC, "--device", device, env=microphone.environment)
        assert ended.returncode == 1
        assert repr(device) in ended.stderr
        assert "pulse" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_microphone_that_is_lost_is_found_again(microphone: SoundServer) -> None:
    with running_daemon(*MIC, environment=microphone.environment) as daemon:
        events = daemon.events()
        assert next(events)["status"] == "running"
        before = [next(events) for _ in range(4)][-1]
        microphone.kill()
        lost = next(event for event in events if event["type"] == "status")
        assert lost["status"] == "reconnecting"
        microphone.start()
        found = next(event for event in events if event["type"] == "status")
        assert found["status"] == "running"
        emotions = [e for e in (next(events) for _ in range(3)) if e["type"] == "emotion"]
    after = next(event for event in emotions if event["start"] > before["end"])
    assert after["state"] == "warmup"  # nothing is carried over
    assert after["dropped_samples"] > 0  # and the gap is reported
    assert after["start"] - before["end"] > 0.4  # for as long as it was


def test_a_lost_microphone_makes_the_daemon_unhealthy_until_it_is_back(
    microphone: SoundServer,
) -> None:
    with running_daemon(*MIC, environment=microphone.environment) as daemon:
        events = daemon.events()
        next(event for event in events if event["type"] == "emotion")
        assert health(daemon)["status"] == "ok"
        microphone.kill()
        daemon.error_line("mic: the microphone is gone")
        while (found := health(daemon))["status"] == "ok":
            time.sleep(0.1)  # health has no event
        assert found["failures"][0].startswith("mic: the microphone is gone")
        assert "emotiond_healthy 0" in page(daemon, "metrics")
        microphone.start()
        daemon.error_line("mic: sound comes again")
        assert (health(daemon)["status"], health(daemon)["failures"]) == ("ok", [])
        assert "emotiond_healthy 1" in page(daemon, "metrics")
        assert daemon.stop() == 0
    assert daemon.stderr.count("is gone") == daemon.stderr.count("comes again") == 1


def test_a_device_that_stands_still_without_an_error_is_noticed_and_found_again(
    microphone: SoundServer,
) -> None:
    with running_daemon(*MIC, environment=microphone.environment) as daemon:
        events = daemon.events()
        assert next(events)["status"] == "running"
        before = [next(events) for _ in range(4)][-1]
        microphone.freeze(True)
        lost = next(event for event in events if event["type"] == "status")
        assert lost["status"] == "reconnecting"
        microphone.freeze(False)
        found = next(event for event in events if event["type"] == "status")
        assert found["status"] == "running"
        after = next(e for e in events if e["type"] == "emotion" and e["start"] > before["end"])
    assert after["state"] == "warmup"
    # The time is reported as a gap, not filled with silence.
    assert after["dropped_samples"] > 16_000


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_of_the_capture_that_is_killed_or_stopped_is_replaced(
    microphone: SoundServer, number: signal.Signals
) -> None:
    with running_daemon(*MIC, environment=microphone.environment) as daemon:
        told = (event for event in daemon.events() if event["type"] == "status")
        assert next(told)["status"] == "running"
        (before,) = captures(daemon.process.pid)
        os.kill(before, number)
        assert next(told)["status"] == "reconnecting"
        assert next(told)["status"] == "running"
        (after,) = captures(daemon.process.pid)
        assert after != before


def mute(daemon: Daemon, _server: SoundServer) -> None:
    daemon.process.send_signal(signal.SIGUSR1)


def stop_the_capture(daemon: Daemon, _server: SoundServer) -> None:
    (process,) = captures(daemon.process.pid)
    os.kill(process, signal.SIGSTOP)


def freeze_the_server(_daemon: Daemon, server: SoundServer) -> None:
    server.freeze(True)


def kill_the_server(_daemon: Daemon, server: SoundServer) -> None:
    server.kill()


@needs_proc
@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize("happens", [mute, stop_the_capture, freeze_the_server, kill_the_server])
def test_the_daemon_ends_in_any_state_of_its_microphone_and_leaves_no_process(
    microphone: SoundServer,
    happens: Callable[[Daemon, SoundServer], None],
    noticed: bool,
    tmp_path: Path,
) -> None:
    environment = {**microphone.environment, "MARK": str(tmp_path)}
    with running_daemon(*MIC, environment=environment) as daemon:
        told = (event["status"] for event in daemon.events() if event["type"] == "status")
        assert next(told) == "running"
        happens(daemon, microphone)
        if noticed:
            assert next(told) in ("muted", "reconnecting")
        assert daemon.stop() == 0
        microphone.freeze(False)
    assert "Traceback" not in daemon.stderr
    await_none_with(f"MARK={tmp_path}")


def test_the_demo_plays_beside_an_unresponsive_sound_system(
    microphone: SoundServer,
) -> None:
    microphone.freeze(True)
    ports = ("--port", "0", "--zmq", "off")
    with (
        running_daemon(
            "--model", "lite", environment=microphone.environment, ports=ports
        ) as daemon,
        connect(daemon.websocket_url) as client,
    ):
        assert json.loads(client.recv(timeout=30))["demo"] is True
        assert daemon.stop() == 0
    assert "does not answer" in daemon.stderr
    assert "pulseaudio -k" in daemon.stderr


def test_an_unresponsive_sound_system_is_waited_for(microphone: SoundServer) -> None:
    microphone.freeze(True)
    with running_daemon(*MIC, environment=microphone.environment) as daemon:
        events = daemon.events()
        waiting = next(events)
        assert waiting["status"] == "reconnecting"
        assert "does not answer" in waiting["detail"]
        microphone.freeze(False)
        assert next(events)["status"] == "running"
    ended = emotiond("run", "--source", "mic", "--model", "nosuch", env=microphone.environment)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "there is no model 'nosuch'" in ended.stderr


@pytest.fixture
def no_sound(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine whose sound server is nowhere."""
    given = {name: value for name, value in os.environ.items() if name != "INVOCATION_ID"}
    return {**given, "HOME": str(tmp_path), "PULSE_SERVER": "unix:/nowhere"}


@pytest.mark.peers
def test_a_microphone_that_is_not_there_at_the_start_is_waited_for() -> None:
    with sound_server() as server:
        server.kill()
        with running_daemon(*MIC, environment=server.environment) as daemon:
            events = daemon.events()
            waiting = next(events)
            assert waiting["status"] == "reconnecting"
            assert "there is no microphone" in waiting["detail"]
            while health(daemon)["status"] == "ok":
                time.sleep(0.1)  # health has no event
            server.start()
            assert next(events)["status"] == "running"
            first = next(event for event in events if event["type"] == "emotion")
            assert (first["end"] < 1, first["dropped_samples"]) == (True, 0)


def test_without_a_microphone_a_program_that_wants_events_waits(no_sound: dict[str, str]) -> None:
    with running_daemon("--model", "lite", "--json", environment=no_sound) as daemon:
        first = next(daemon.events())
    assert (first["stream"], first["status"]) == ("mic", "reconnecting")
    assert "there is no microphone" in first["detail"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such variables")
@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        (("--zmq", "off", "--record", "mic.wav"), {}),
        (("--zmq", "tcp://127.0.0.1:*"), {}),
        ((), {"EMOTIOND_ZMQ": "tcp://127.0.0.1:*"}),
        (("--zmq", "off"), {"INVOCATION_ID": "1"}),
    ],
)
def test_so_does_a_service_and_a_daemon_with_an_output(
    no_sound: dict[str, str], tmp_path: Path, flags: Sequence[str], variables: dict[str, str]
) -> None:
    with running_daemon(
        *("--model", "lite", *flags),
        environment={**no_sound, **variables},
        ports=("--port", "0"),
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
    ) as daemon:
        assert "listening to mic" in daemon.stderr
        daemon.error_line("mic: there is no microphone")
        assert list(health(daemon)["streams"]) == ["mic"]
        assert daemon.stop() == 0
    assert "demo" not in daemon.stderr


@pytest.mark.peers
def test_a_device_that_comes_back_at_another_rate_is_opened_as_it_is_now() -> None:
    with (
        sound_server(16_000, 1) as server,
        running_daemon(*MIC, environment=server.environment) as daemon,
    ):
        events = daemon.events()
        next(event for event in events if event["type"] == "emotion")
        server.kill()
        next(event for event in events if event.get("status") == "reconnecting")
        server.change(44_100, 2)
        server.start()
        next(event for event in events if event.get("status") == "running")
        server.play(DEMO)
        assert next(e for e in events if e["type"] == "emotion" and e["label"])


def test_a_microphone_that_gives_only_zeros_is_told_of_until_it_gives_sound(
    microphone: SoundServer,
) -> None:
    with running_daemon(*MIC, environment=microphone.environment) as daemon:
        statuses = (event for event in daemon.events() if event["type"] == "status")
        assert next(statuses)["detail"] == ""
        microphone.play(DEMO)
        microphone.run("pactl", "set-source-mute", "emo.monitor", "1")
        muted = next(statuses)
        assert (muted["status"], health(daemon)["status"]) == ("running", "degraded")
        assert "nothing but zeros" in muted["detail"]
        remedy = muted["detail"].rpartition("with: ")[2].removesuffix(".")
        assert remedy == "pactl set-source-mute emo.monitor 0"
        microphone.run(*remedy.split())
        well = next(statuses)
        assert (well["status"], well["detail"]) == ("running", "")
        assert health(daemon)["status"] == "ok"


def test_without_portaudio_everything_else_works(tmp_path: Path) -> None:
    # What the loader finds is a file that is no library, as on a machine with a broken one.
    blocker = tmp_path / "sounddevice.py"
    blocker.write_text("raise OSError('PortAudio library not found')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ended = emotiond("run", *MIC, env=environment)
    assert ended.returncode == 1
    assert "libportaudio2" in ended.stderr
    ended = emotiond("analyze", str(DEMO), "--model", "lite", env=environment)
    assert ended.returncode == 0
    findings = json.loads(emotiond("doctor", "--json", env=environment).stdout)["findings"]
    assert any("libportaudio2" in finding["remedy"] for finding in findings)


def test_the_devices_are_listed_with_their_rates(microphone: SoundServer) -> None:
    listed = emotiond("devices", env=microphone.environment)
    assert "pulse" in listed.stdout
    found = json.loads(emotiond("devices", "--json", env=microphone.environment).stdout)
    by_name = {device["name"]: device for device in found["devices"]}
    assert 16_000 in by_name["pulse"]["rates"]
    assert by_name["default"]["is_default"]
