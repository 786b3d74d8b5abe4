"""The terminal view shows the state after each message."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from emotiond.clients.watch import View, bar, render
from emotiond.clients.websocket_client import messages_forever
from emotiond.inference.card import LABELS
from tests.conftest import DATA
from tests.support.daemon import COMMAND, DEMO, emotiond, running_daemon
from tests.support.silent_proxy import silent_proxy

HELLO: dict[str, Any] = {
    "type": "hello",
    "model": {"name": "lite", "labels": list(LABELS)},
    "streams": ["voice"],
    "demo": False,
    "last": None,
}


def emotion(**changes: Any) -> dict[str, Any]:
    scores = dict.fromkeys(LABELS, 0.05) | {"happy": 0.65}
    return {
        **{"type": "emotion", "stream": "voice", "end": 10.0, "state": "speech"},
        **{"label": "happy", "confidence": 0.65, "scores": scores, "level_dbfs": -20.0},
        **{"age_ms": 12.3, "dropped_samples": 0},
        **changes,
    }


def shown(*messages: dict[str, Any]) -> str:
    view = View()
    for message in messages:
        view.take(message)
    console = Console(width=100)
    with console.capture() as capture:
        console.print(render(view))
    return capture.get()


def test_label_confidence_and_duration_come_first() -> None:
    change = {"type": "change", "stream": "voice", "at": 7.5, "from": None, "to": "happy"}
    assert shown(HELLO, change, emotion()).splitlines()[0] == "happy  65%  for 2.5 s"


def test_every_label_has_its_bar_and_figure() -> None:
    rows = shown(HELLO, emotion()).splitlines()
    for label in LABELS:
        (row,) = (row for row in rows if row.startswith(label) and "for" not in row and "█" in row)
        assert ("65%" if label == "happy" else "5%") in row


@pytest.mark.parametrize("state", ["warmup", "silence", "uncertain"])
def test_a_state_without_a_label_is_shown_by_its_name(state: str) -> None:
    nothing = emotion(state=state, label=None, confidence=None, scores=None)
    assert shown(HELLO, nothing).splitlines()[0] == state


def test_the_demo_is_marked_and_other_streams_are_left_out() -> None:
    picture = shown({**HELLO, "demo": True}, emotion(), emotion(stream="other", label="sad"))
    assert "DEMO" in picture
    assert picture.startswith("happy")


def test_a_lost_connection_and_a_stream_with_a_problem_are_shown() -> None:
    assert "no connection: gone" in shown(HELLO, {"type": "disconnected", "detail": "gone"})
    trouble = {"type": "status", "stream": "voice", "status": "reconnecting", "detail": "wait"}
    assert shown(HELLO, emotion(), trouble).startswith("reconnecting  wait")


@given(st.floats(-2, 2), st.integers(1, 80))
def test_a_bar_has_constant_width_and_is_rounded_to_an_eighth(share: float, cells: int) -> None:
    drawn = bar(share, cells)
    assert len(drawn) == cells
    assert drawn.count("█") <= max(0.0, min(1.0, share)) * cells + 1 / 16


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8765/", "ws://127.0.0.1:99999/ws", "ws://[::1", "[/]", "ws://", ""]
)
def test_an_invalid_address_is_wrong_usage(url: str) -> None:
    ended = emotiond("watch", url)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "ws://" in ended.stderr


def test_it_shows_a_running_daemon_in_a_terminal_until_ctrl_c() -> None:
    terminal, end = pty.openpty()
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        watching = subprocess.Popen(
            [*COMMAND, "watch", daemon.websocket_url],
            stdout=end,
            stderr=end,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
        )
        os.close(end)
        seen = ""
        deadline = time.monotonic() + 30
        while "for " not in seen or "dBFS" not in seen:
            assert time.monotonic() < deadline, seen[-2000:]
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 65_536).decode(errors="replace")
        watching.send_signal(signal.SIGINT)
        while select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 65_536).decode(errors="replace")
            except OSError:  # the other side has ended
                break
        assert watching.wait(timeout=10) == 0
    os.close(terminal)
    assert "Traceback" not in seen
    assert any(label in seen for label in LABELS)


def test_a_half_open_connection_is_given_up_and_opened_again() -> None:
    options = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"))
    with running_daemon(*options) as daemon, silent_proxy(daemon.port) as proxy:
        received = messages_forever(f"ws://127.0.0.1:{proxy.port}/ws")
        assert next(received)["type"] == "hello"
        proxy.fall_silent()
        while next(received)["type"] != "disconnected":
            pass
        assert next(received)["type"] == "hello"


def test_the_small_clients_run_as_they_are() -> None:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        for script, address, expected in (
            ("websocket_client.py", daemon.websocket_url, "→"),
            ("zeromq_subscriber.py", daemon.zeromq_endpoint, '"type": '),
        ):
            path = DEMO.parents[2] / "clients" / script
            with subprocess.Popen(
                [sys.executable, str(path), address], stdout=subprocess.PIPE, text=True
            ) as client:
                assert client.stdout is not None
                assert expected in client.stdout.readline()
                client.send_signal(signal.SIGINT)
                assert client.wait(timeout=10) == 0
