"""The whole line at once: a voice in a microphone, on the page, in the terminal, on ZeroMQ."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import zmq

from emotiond.inference.card import LABELS
from tests.support.chromium import PATIENCE_MS
from tests.support.daemon import COMMAND, PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.signals import RATE, sentence
from tests.support.sound_server import SoundServer

pytestmark = pytest.mark.system

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def daemon(microphone: SoundServer) -> Iterator[Daemon]:
    with running_daemon("--source", "mic", environment=microphone.environment) as daemon:
        yield daemon


@pytest.fixture
def page(chromium: Any, daemon: Daemon) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(daemon.page_url)
    page.wait_for_function("() => document.querySelector('#link').dataset.phase === 'open'")
    yield page
    context.close()


@pytest.fixture
def published(daemon: Daemon) -> Iterator[queue.Queue[dict[str, Any]]]:
    """What a ZeroMQ subscriber receives."""
    received: queue.Queue[dict[str, Any]] = queue.Queue()
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.subscribe("")
        socket.connect(daemon.zeromq_endpoint)
        ended = threading.Event()

        def receive() -> None:
            while not ended.is_set():
                if socket.poll(100):
                    received.put(json.loads(socket.recv_multipart()[1]))

        thread = threading.Thread(target=receive)
        thread.start()
        yield received
        ended.set()
        thread.join()


@pytest.fixture
def terminal(daemon: Daemon) -> Iterator[subprocess.Popen[str]]:
    """``emotiond watch``, its picture line by line."""
    with subprocess.Popen(
        [*COMMAND, "watch", daemon.websocket_url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "100"},
    ) as watching:
        yield watching
        watching.send_signal(signal.SIGINT)


def test_a_voice_is_seen_everywhere_within_a_second_and_a_half(
    microphone: SoundServer,
    page: Any,
    published: queue.Queue[dict[str, Any]],
    terminal: subprocess.Popen[str],
    tmp_path: Path,
) -> None:
    spoken = tmp_path / "sentence.wav"
    soundfile.write(spoken, sentence("fearful"), RATE)  # gets its first label soon
    microphone.play(spoken)

    def emotion() -> dict[str, Any]:
        while (event := published.get(timeout=PATIENCE_SECONDS))["type"] != "emotion":
            pass
        return event

    while (onset := emotion())["level_dbfs"] < -50:
        pass
    while not (labelled := emotion())["label"]:
        pass
    assert labelled["label"] in LABELS
    # The onset lies in the stride before the end of the first loud one.
    assert labelled["end"] - (onset["end"] - 0.25) < 1.5

    page.wait_for_function(
        "labels => labels.includes(document.querySelector('#now').dataset.label)",
        arg=list(LABELS),
        timeout=PATIENCE_MS,
    )
    assert terminal.stdout is not None
    headline = re.compile(rf"({'|'.join(LABELS)})  \d+%")
    assert any(headline.match(_CONTROLS.sub("", line)) for line in terminal.stdout)
