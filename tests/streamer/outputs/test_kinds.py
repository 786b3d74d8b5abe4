"""One more output needs one more line in the table, and all else goes over it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.config import make_config, refuse_exposure
from emotiond.streamer.outputs import kinds
from emotiond.streamer.outputs.output import OutputKind
from tests.conftest import DATA
from tests.support.beacon import BEACON, GOOD_BYE
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, running_daemon

COMMAND = (sys.executable, "-m", "tests.support.beacon")
ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PLAY = ("--source", str(DEMO), "--model", str(DATA / "tiny.tflite"))
ELSEWHERE = "192.0.2.1:9"

Way = Callable[[str, Path], tuple[tuple[str, ...], dict[str, str]]]
"""Makes arguments and variables that point the beacon to a place."""

WAYS: dict[str, Way] = {
    "flag": lambda place, _: (("--beacon", place), {}),
    "file": lambda place, folder: (("--config", _file(place, folder)), {}),
    "environment": lambda place, _: ((), {"EMOTIOND_BEACON": place}),
}


def _file(place: str, folder: Path) -> str:
    path = folder / "emotiond.toml"
    path.write_text(f'beacon = "{place}"')
    return str(path)


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE_SECONDS)
        yield receiver


@pytest.fixture
def with_beacon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "OUTPUTS", (*kinds.OUTPUTS, BEACON))


def place_of(receiver: socket.socket) -> str:
    return f"127.0.0.1:{receiver.getsockname()[1]}"


def get(daemon: Daemon, path: str) -> bytes:
    with urllib.request.urlopen(daemon.page_url + path, timeout=10) as response:  # noqa: S310
        content: bytes = response.read()
    return content


@pytest.mark.parametrize("kind", [*kinds.OUTPUTS, BEACON], ids=lambda kind: kind.name)
def test_every_setting_of_an_output_has_its_flag(kind: OutputKind[Any]) -> None:
    flags = [option.flag.removeprefix("--").replace("-", "_") for option in kind.options]
    assert sorted(flags) == sorted(field.name for field in dataclasses.fields(kind.settings))


def test_no_two_outputs_drop_under_one_name() -> None:
    queues = ["messages", *(kind.queue for kind in kinds.OUTPUTS)]
    assert len(set(queues)) == len(queues)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_one_more_output_is_configured_opened_shown_counted_and_closed(
    way: Way, receiver: socket.socket, tmp_path: Path
) -> None:
    arguments, variables = way(place_of(receiver), tmp_path)
    environment = {**ENVIRONMENT, **variables}
    with running_daemon(*PLAY, *arguments, environment=environment, command=COMMAND) as daemon:
        assert f", beacon {place_of(receiver)})" in daemon.stderr
        events = [json.loads(receiver.recv(65_536)) for _ in range(4)]
        assert [event["seq"] for event in events] == [0, 1, 2, 3]
        health = json.loads(get(daemon, "healthz"))
        assert health["beacon"]["sent"] >= 4
        assert health["dropped"]["beacon_packets"] == 0
        metrics = get(daemon, "metrics")
        assert b'\nemotiond_dropped_total{queue="beacon_packets"} 0\n' in metrics
        assert b"\nemotiond_beacon_total " in metrics
        assert daemon.stop() == 0
    while receiver.recv(65_536) != GOOD_BYE:
        pass
    receiver.setblocking(False)
    with pytest.raises(BlockingIOError):
        receiver.recv(1)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_one_that_does_not_close_in_its_time_holds_up_nobody(receiver: socket.socket) -> None:
    arguments = (*PLAY, "--beacon", place_of(receiver), "--beacon-pause", "60")
    with running_daemon(*arguments, environment=ENVIRONMENT, command=COMMAND) as daemon:
        receiver.recv(65_536)
        before = time.monotonic()
        assert daemon.stop(signal.SIGTERM) == 0
        assert time.monotonic() - before < 10
        daemon.error_line("beacon does not end")


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_one_that_cannot_close_keeps_no_other_part_from_closing() -> None:
    nowhere = ("--beacon", "127.0.0.1:0")  # no packet can go to this port
    with running_daemon(*PLAY, *nowhere, environment=ENVIRONMENT, command=COMMAND) as daemon:
        assert daemon.stop() == 1
        assert "beacon cannot be closed" in daemon.error_line("beacon cannot")
        assert "Traceback" not in daemon.stderr


def test_it_is_off_unless_it_is_asked_for() -> None:
    with running_daemon(*PLAY, environment=ENVIRONMENT, command=COMMAND) as daemon:
        health = json.loads(get(daemon, "healthz"))
    assert "beacon" not in health
    assert health["dropped"]["beacon_packets"] == 0


def test_the_help_has_its_flags() -> None:
    help_text = subprocess.run(
        [*COMMAND, "run", "--help"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    ).stdout
    assert "--beacon HOST:PORT|off" in help_text
    assert "one packet for each event" in help_text


@pytest.mark.usefixtures("with_beacon")
def test_its_values_are_checked_as_all_others() -> None:
    for flags, reason in (
        ({"beacon": "nonsense"}, "Use --beacon HOST:PORT"),
        ({"beacon": ""}, "beacon cannot be empty"),
        ({"beacon": 1}, "'beacon' must be a text"),
        ({"beacn": "off"}, "did you mean 'beacon'"),
    ):
        with pytest.raises(ConfigError, match=reason):
            make_config(flags, {})


@pytest.mark.usefixtures("with_beacon")
def test_beyond_this_machine_it_is_refused_without_consent() -> None:
    with pytest.raises(ConfigError, match=f"on {ELSEWHERE}, other machines could listen"):
        refuse_exposure(make_config({"beacon": ELSEWHERE}, {}))
    refuse_exposure(make_config({"beacon": ELSEWHERE, "insecure": True}, {}))
    refuse_exposure(make_config({"beacon": "127.0.0.1:9"}, {}))
    with pytest.raises(ConfigError, match="other machines"):  # the token is another output's
        refuse_exposure(make_config({"beacon": ELSEWHERE, "token_file": "token"}, {}))


def test_refused_it_is_never_opened() -> None:
    command = [*COMMAND, "run", *PLAY, "--beacon", ELSEWHERE, "--port", "0", "--zmq", "off"]
    ended = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "who they are. Let everybody in with --insecure; --beacon 127.0.0.1:PORT keeps" in line
