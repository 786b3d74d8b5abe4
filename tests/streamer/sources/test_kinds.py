"""One more kind of source needs one more line in the table, and all else goes over it."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from emotiond.exceptions import ConfigError
from emotiond.streamer.settings.exposure import refuse_exposure
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources import kinds
from emotiond.streamer.sources.factory import SourceSpec, kind_of, parse_specs
from emotiond.streamer.sources.file import DEMO, FILE
from emotiond.streamer.sources.microphone import MICROPHONE
from emotiond.streamer.sources.source import SourceKind
from emotiond.streamer.sources.standard_input import STANDARD_INPUT
from tests.conftest import DATA
from tests.support.daemon import PATIENCE_SECONDS, running_daemon
from tests.support.signals import demo
from tests.support.wire import WIRE, Wire

COMMAND = (sys.executable, "-m", "tests.support.wire")
ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
MODEL = ("--model", str(DATA / "tiny.tflite"))
RATE = 8_000
SOUND = (demo()[: 3 * 16_000 : 2] * 32_767).astype("<i2")  # 3 s

Way = Callable[[Path], tuple[tuple[str, ...], dict[str, str]]]
"""Makes arguments and variables that give the wire its rate."""

WAYS: dict[str, Way] = {
    "flag": lambda _: (("--wire-rate", "8000"), {}),
    "file": lambda folder: (("--config", _file(folder)), {}),
    "environment": lambda _: ((), {"EMOTIOND_WIRE_RATE": "8000"}),
}


def _file(folder: Path) -> str:
    path = folder / "emotiond.toml"
    path.write_text("wire_rate = 8000")
    return str(path)


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sender:
        sender.settimeout(PATIENCE_SECONDS)
        yield sender


@pytest.fixture
def with_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "SOURCES", (WIRE, *kinds.SOURCES))


def source_of(sender: socket.socket) -> tuple[str, str]:
    return "--source", f"wire:127.0.0.1:{sender.getsockname()[1]}"


def answer(sender: socket.socket) -> socket.socket:
    """Take the next call."""
    connection, _ = sender.accept()
    connection.settimeout(PATIENCE_SECONDS)
    return connection


def helped(command: str) -> str:
    environment = {**ENVIRONMENT, "COLUMNS": "100"}
    return subprocess.run(
        [*COMMAND, command, "--help"], env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("kind", [*kinds.SOURCES, WIRE], ids=lambda kind: kind.name)
def test_every_setting_of_a_source_has_its_flag(kind: SourceKind[Any]) -> None:
    keys = sorted(option.key for option in kind.options)
    assert keys == sorted(field.name for field in dataclasses.fields(kind.settings))


def test_each_value_has_its_kind_and_a_file_may_have_any_other() -> None:
    kinds = {"mic": MICROPHONE, "demo": DEMO, "-": STANDARD_INPUT}
    for value, kind in (*kinds.items(), ("microphone", FILE), ("x.wav", FILE), ("", FILE)):
        assert kind_of(value) is kind


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_one_more_kind_is_configured_opened_and_played(
    way: Way, sender: socket.socket, tmp_path: Path
) -> None:
    arguments, variables = way(tmp_path)
    environment = {**ENVIRONMENT, **variables}
    options = (*source_of(sender), *MODEL, "--json", *arguments)
    with running_daemon(*options, environment=environment, command=COMMAND) as daemon:
        assert "listening to wire with the model" in daemon.stderr
        connection, events = answer(sender), daemon.events()
        connection.sendall(SOUND[:RATE].tobytes())
        first = next(events)
        assert (first["stream"], first["status"]) == ("wire", "running")
        assert first["device"] == f"127.0.0.1:{sender.getsockname()[1]} at {RATE} Hz"
        emotions = (event for event in events if event["type"] == "emotion")
        for position in range(RATE, 3 * RATE, RATE // 4):
            connection.sendall(SOUND[position : position + RATE // 4].tobytes())
            loud = next(emotions)
        assert loud["end"] == pytest.approx(2.0, abs=0.3)
        assert loud["level_dbfs"] > -40
        connection.close()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_it_is_muted_by_its_switch_reconnects_and_ends(sender: socket.socket) -> None:
    options = (*source_of(sender), *MODEL, "--wire-rate", "8000", "--json")
    with (
        running_daemon(*options, environment=ENVIRONMENT, command=COMMAND) as daemon,
        connect(daemon.websocket_url) as client,
    ):
        statuses = (event for event in daemon.events() if event["type"] == "status")
        connection = answer(sender)
        connection.sendall(SOUND[:RATE].tobytes())  # the first block says that it runs
        assert next(statuses)["status"] == "running"

        client.send('{"type":"mute","muted":true}')
        muted = next(statuses)
        assert (muted["status"], muted["detail"]) == ("muted", Wire.muted_detail)
        assert connection.recv(1) == b""
        with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
            assert json.load(response)["microphone"] == "muted"
        client.send('{"type":"mute","muted":false}')
        connection = answer(sender)
        connection.sendall(SOUND[:RATE].tobytes())  # the first block says that it runs
        assert next(statuses)["status"] == "running"

        connection.close()
        lost = next(statuses)
        assert (lost["status"], lost["detail"]) == ("reconnecting", Wire.lost_detail)
        connection = answer(sender)
        connection.sendall(SOUND[:RATE].tobytes())  # the first block says that it runs
        assert next(statuses)["status"] == "running"

        assert daemon.stop() == 0
        assert connection.recv(1) == b""


def test_a_source_that_cannot_be_opened_is_reported_in_one_line(sender: socket.socket) -> None:
    flag, value = source_of(sender)
    sender.close()
    for source, reason in (
        (value, "the wire is dead"),
        ("wire:a..b:9", "the wire is dead"),
        ("wire:nowhere", "no wire at"),
        ("wire:nowhere:0", "no wire at"),
        ("wire:nowhere:65536", "no wire at"),
    ):
        ended = subprocess.run(
            [*COMMAND, "run", flag, source, *MODEL, "--port", "0", "--zmq", "off", "--insecure"],
            env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert ended.returncode == 1
        (line,) = ended.stderr.splitlines()
        assert reason in line


@pytest.mark.parametrize("command", [("run",), ("enroll", "somebody")], ids=lambda c: c[0])
def test_beyond_this_machine_it_needs_consent(command: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [*COMMAND, *command, "--source", "wire:192.0.2.1:9", *MODEL],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == (
        "emotiond: at wire:192.0.2.1:9, other machines could hear or change the sound on its way. "
        "Allow it with --insecure; wire:127.0.0.1:PORT keeps to this machine.\n"
    )


@pytest.mark.usefixtures("with_wire")
def test_consent_is_asked_for_by_each_of_several_sources() -> None:
    sources = ["a=wire:127.0.0.1:9", "b=wire:192.0.2.1:9"]
    refuse_exposure(make_config({"source": sources[:1]}, {}))
    refuse_exposure(make_config({"source": sources, "insecure": True}, {}))
    with pytest.raises(ConfigError, match="at wire:192"):
        refuse_exposure(make_config({"source": sources}, {}))


def test_the_help_has_its_value_and_its_flags() -> None:
    run, enroll = helped("run"), helped("enroll")
    assert "[NAME=]wire:HOST:PORT|mic|demo|-|wyoming://HOST:PORT|URL|session:FILE|FILE" in run
    assert "--source wire:HOST:PORT|mic|-|wyoming://HOST:PORT|URL|FILE" in enroll
    for said in (run, enroll):
        assert "--wire-rate HZ" in said
        assert "of a wire (default: 16000)" in said


@pytest.mark.usefixtures("with_wire")
def test_its_values_are_checked_as_all_others() -> None:
    assert make_config({"wire_rate": 8_000}, {}).settings_of(WIRE).wire_rate == RATE
    for flags, reason in (
        ({"wire_rate": 9_000}, "Use 8000 or 16000"),
        ({"wire_rate": "fast"}, "'wire_rate' must be a whole number"),
        ({"wire_rat": 8_000}, "did you mean 'wire_rate'"),
    ):
        with pytest.raises(ConfigError, match=reason):
            make_config(flags, {})


@pytest.mark.usefixtures("with_wire")
def test_its_streams_are_named_as_all_others() -> None:
    one, other = "wire:here:1", "wire:there:1"
    assert parse_specs([one]) == [SourceSpec("wire", one)]
    specs = [SourceSpec("a", one), SourceSpec("b", other)]
    assert parse_specs([f"a={one}", f"b={other}"]) == specs
    with pytest.raises(ConfigError, match="two sources are called 'wire'"):
        parse_specs([one, other])
    with pytest.raises(ConfigError, match="Use wire:HOST:PORT, mic, demo, -, wyoming"):
        parse_specs(["a="])
