"""``--on-change``: its settings, and a daemon that runs a real command."""

from __future__ import annotations

import json
import os
import shlex
import socket
import statistics
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from emotiond.exceptions import ConfigError
from emotiond.streamer.outputs.on_change import ON_CHANGE
from emotiond.streamer.settings.exposure import refuse_exposure
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon
from tests.support.hook_server import OK, hook_server
from tests.support.processes import await_none_with, needs_proc

PLAY = ("--source", str(DEMO), "--model", str(DATA / "tiny.tflite"), "--history", "off")
STRIDE_MS = 250.0


def health(daemon: Daemon) -> Mapping[str, Any]:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
        content: Mapping[str, Any] = json.load(response)
    return content


def handler(folder: Path, text: str) -> str:
    """A program in Python, as ``--on-change`` takes it."""
    path = folder / "handler.py"
    path.write_text(text)
    return shlex.join((sys.executable, str(path), "an argument with 'quotes'"))


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert ON_CHANGE.prepare(make_config({}, {}).settings_of(ON_CHANGE)) is None
    assert ON_CHANGE.prepare(make_config({"on_change": "off"}, {}).settings_of(ON_CHANGE)) is None


def test_it_needs_no_consent() -> None:
    refuse_exposure(make_config({"on_change": sys.executable}, {}))


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"on_change": "say 'it"}, "no closing quotation"),
        ({"on_change": " "}, "it names no program"),
        ({"on_change": "''"}, "it names no program"),
        ({"on_change": "a\0b"}, "a character that no command may have"),
        ({"on_change": ""}, "on_change cannot be empty"),
        ({"on_change_seconds": 0}, "Use 0.1 to 3600"),
        ({"on_change_seconds": 3601}, "Use 0.1 to 3600"),
    ],
)
def test_values_that_cannot_be_are_refused(flags: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_config(flags, {})


@pytest.mark.parametrize("program", ["/no/such/program", "no-such-program", "/", __file__])
def test_a_program_that_cannot_be_run_is_refused_at_the_start(program: str) -> None:
    ended = emotiond("run", *PLAY, "--port", "0", "--zmq", "off", "--on-change", f"{program} -x")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "that this user may run. Give --on-change its whole path" in line


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_daemon_runs_it_and_counts(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    text = f"import os, sys\nopen({str(seen)!r}, 'a').write(sys.stdin.read())"
    with running_daemon(*PLAY, "--on-change", handler(tmp_path, text)) as daemon:
        assert f"command {Path(sys.executable).name}" in daemon.stderr
        with connect(daemon.websocket_url) as client:
            while json.loads(client.recv(timeout=30))["type"] != "change":
                pass
        while health(daemon)["on_change"]["delivered"] < 2:
            pass
        about = health(daemon)
        assert about["on_change"]["state"] == "ok"
        assert about["dropped"]["on_change_events"] >= 0
        assert daemon.stop() == 0
    events = [json.loads(line) for line in seen.read_text().splitlines()]
    assert {event["type"] for event in events} == {"status", "change"}


def test_played_as_fast_as_possible_every_change_is_delivered_also_to_a_web_hook(
    tmp_path: Path,
) -> None:
    seen = tmp_path / "seen"
    text = f"import sys\nopen({str(seen)!r}, 'a').write(sys.stdin.read())"
    flags = ("--once", "--speed", "max", "--json", "--port", "0", "--zmq", "off")
    with hook_server(OK) as server:
        outputs = ("--on-change", handler(tmp_path, text), "--webhook", server.url)
        ended = emotiond("run", *PLAY, *flags, *outputs)
        assert ended.returncode == 0
        posted = [server.asked().body.decode() for _ in range(server.waiting)]
    wanted = [line for line in ended.stdout.splitlines() if '"type":"change"' in line]
    for got in (seen.read_text().splitlines(), posted):
        assert [line for line in got if '"type":"change"' in line] == wanted != []


@needs_proc
def test_stuck_outputs_delay_no_event_by_a_stride_and_leave_nothing(tmp_path: Path) -> None:
    text = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1000)"
    environment = {**os.environ, "HANDLER_OF": str(tmp_path)}
    command = ("--on-change", handler(tmp_path, text), "--on-change-seconds", "0.5")
    with (
        hook_server(None) as server,
        running_daemon(*PLAY, *command, "--webhook", server.url, environment=environment) as daemon,
        socket.create_connection(("127.0.0.1", daemon.port)) as never_reads,
    ):
        never_reads.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        server.asked()
        with connect(daemon.websocket_url) as client:
            events = [json.loads(client.recv(timeout=30)) for _ in range(12)]
        ages = [event["age_ms"] for event in events if event["type"] == "emotion"]
        assert statistics.median(ages) < STRIDE_MS
        assert server.waiting == 0  # the first one is still without an answer
        assert "fails: it ran for more than 0.5 s" in daemon.error_line("--on-change fails")
        about = health(daemon)
        assert about["event_streams"] == 1
        assert about["status"] == "degraded"
        assert "the command of --on-change fails" in about["failures"][0]
        assert daemon.stop() == 0  # the daemon itself has not failed
        assert daemon.stderr.count("--on-change fails") == 1
    await_none_with(f"HANDLER_OF={tmp_path}")
