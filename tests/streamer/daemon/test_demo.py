"""The bundled demo, and who gets it where there is no microphone."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import zmq
from websockets.sync.client import ClientConnection, connect

from emotiond.streamer.outputs.zeromq import ZEROMQ
from emotiond.streamer.settings.layers import make_config
from tests.support.daemon import running_daemon
from tests.support.signals import RATE, demo

MODEL = ("--model", "lite")
SERVICE = ("INVOCATION_ID", "NOTIFY_SOCKET", "SUPERVISOR_ENABLED", "RC_SVCNAME")
FREE_ZEROMQ = (
    sys.executable,
    "-c",
    "import dataclasses, sys\n"
    "from emotiond.streamer import cli\n"
    "from emotiond.streamer.outputs import kinds, zeromq\n"
    "@dataclasses.dataclass(frozen=True)\n"
    "class Free(zeromq.ZeroMQSettings):\n"
    "    zmq: str = 'tcp://127.0.0.1:*'\n"
    "free = dataclasses.replace(zeromq.ZEROMQ, settings=Free)\n"
    "kinds.OUTPUTS = tuple(free if k is zeromq.ZEROMQ else k for k in kinds.OUTPUTS)\n"
    "sys.exit(cli.main())",
)
"""An ``emotiond`` whose ZeroMQ is at a free port without being asked for."""


@pytest.fixture
def no_sound(tmp_path: Path) -> dict[str, str]:
    """The environment of a person's machine whose sound server is nowhere."""
    given = {name: value for name, value in os.environ.items() if name not in SERVICE}
    return {**given, "HOME": str(tmp_path), "PULSE_SERVER": "unix:/nowhere"}


def messages(client: ClientConnection, kind: str, count: int) -> list[dict[str, Any]]:
    """The next messages of a type."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = json.loads(client.recv(timeout=30))
        found += [message] if message["type"] == kind else []
    return found


def test_every_event_of_a_demo_says_so_on_all_outputs() -> None:
    with running_daemon(*MODEL, "--source", "demo", "--json") as daemon:
        change = next(event for event in daemon.events() if event["type"] == "change")
        assert change["demo"] is True
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.setsockopt(zmq.RCVTIMEO, 30_000)
            subscriber.connect(daemon.zeromq_endpoint)
            subscriber.subscribe("emotion")
            assert json.loads(subscriber.recv_multipart()[1])["demo"] is True


def test_for_want_of_a_microphone_it_plays_on_the_page_alone(no_sound: dict[str, str]) -> None:
    with (
        running_daemon(
            *MODEL, environment=no_sound, command=FREE_ZEROMQ, ports=("--port", "0")
        ) as daemon,
        zmq.Context() as context,
        context.socket(zmq.SUB) as subscriber,
        connect(daemon.websocket_url) as client,
    ):
        assert "there is no microphone" in daemon.stderr
        assert "demo recording instead, on the page alone" in daemon.stderr
        assert json.loads(client.recv(timeout=30))["demo"] is True
        subscriber.setsockopt(zmq.RCVTIMEO, 30_000)
        subscriber.connect(daemon.zeromq_endpoint)
        subscriber.subscribe("")
        assert all(event["demo"] for event in messages(client, "emotion", 8))
        read = urllib.request.urlopen
        assert json.load(read(f"{daemon.page_url}healthz", timeout=60))["last"] == {}
        assert b"emotiond_label" not in read(f"{daemon.page_url}metrics", timeout=60).read()
        # What a client publishes still arrives, and nothing else has.
        start = {"type": "start", "purpose": "live", "sample_rate": RATE, "format": "f32le"}
        client.send(json.dumps({**start, "name": "kitchen", "publish": True}))
        client.send(demo()[: RATE // 2].tobytes())
        first = json.loads(subscriber.recv_multipart()[1])
        assert first["stream"] != "demo"
        client.send('{"type":"end"}')


@pytest.mark.parametrize(
    ("flags", "environment", "may"),
    [
        ({}, {}, True),
        ({"port": 9000, "allow_origin": ["https://x.org"]}, {}, True),  # the page's own
        ({"zmq": "off"}, {}, True),
        ({"zmq": ZEROMQ.settings().zmq}, {}, False),
        ({}, {"EMOTIOND_ZMQ": "tcp://127.0.0.1:9999"}, False),
        ({"json": True}, {}, False),
        ({"json": False}, {}, True),
        ({"record": ["x.wav"]}, {}, False),
    ],
)
def test_it_stands_in_unless_another_output_was_asked_for(
    flags: dict[str, Any],
    environment: dict[str, str],
    may: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in SERVICE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getppid", lambda: 4711)  # as under a shell
    assert make_config(flags, environment).demo_may_stand_in() is may
    file = tmp_path / "settings.toml"
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in flags.items()))
    assert make_config({"config": str(file)}, environment).demo_may_stand_in() is may
