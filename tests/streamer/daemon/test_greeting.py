"""The first message that a client gets from a running daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from emotiond import __version__
from emotiond.inference.card import LABELS
from tests.support.daemon import DEMO, Daemon, running_daemon


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon(
        "--source", f"voice={DEMO}", "--model", "lite", "--name", "kitchen"
    ) as daemon:
        yield daemon


def receive(client: ClientConnection) -> dict[str, Any]:
    message = json.loads(client.recv(timeout=60))
    assert isinstance(message, dict)
    return message


def test_hello_comes_first_and_names_streams_and_model(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client:
        hello = receive(client)
    assert hello["type"] == "hello"
    assert hello["protocol"] == 1
    assert hello["version"] == __version__
    assert hello["name"] == "kitchen"
    assert hello["streams"] == ["voice"]
    assert hello["demo"] is False
    assert hello["model"]["name"] == "lite"
    assert hello["model"]["labels"] == list(LABELS)
    assert hello["stride_seconds"] == 0.25


def test_before_the_first_inference_hello_has_no_last_event() -> None:
    waiting = ("--wait-clients", "1", "--source", "demo", "--model", "lite")
    with running_daemon(*waiting) as daemon, connect(daemon.websocket_url) as client:
        hello = receive(client)
    assert hello["last"] is None
    assert hello["demo"] is True


def test_a_client_that_comes_late_gets_the_last_emotion_at_once(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as first:
        while receive(first)["type"] != "emotion":
            pass
        with connect(daemon.websocket_url) as second:
            last = receive(second)["last"]
    assert last["type"] == "emotion"
    assert last["stream"] == "voice"
