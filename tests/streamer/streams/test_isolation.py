"""A fault in one stream ends that stream alone: the other streams and the sockets go on."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from websockets.sync.client import connect

from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, running_daemon

TINY = ("--model", str(DATA / "tiny.tflite"))
BUG = """
from emotiond.streamer.{module} import {cls}
call, seen = {cls}.{method}, []
def {method}(self, *arguments):
    seen[:] = seen or [self]
    counts[id(self)] = counts.get(id(self), 0) + 1
    if self is seen[0] and counts[id(self)] > 8:
        raise {error}
    return call(self, *arguments)
counts = {{}}
{cls}.{method} = {method}
"""


def health(daemon: Daemon) -> Any:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
        return json.load(response)


@pytest.mark.parametrize(
    ("module", "cls", "method", "error"),
    [
        ("streams.pipeline", "Pipeline", "push", "ZeroDivisionError('of a bug')"),
        ("audio.chunker", "Chunker", "next_chunk", "MemoryError()"),
        ("audio.ring", "Ring", "write", "IndexError('out of\\nbounds')"),
    ],
)
def test_a_bug_ends_its_stream_alone_and_gives_the_cause(
    tmp_path: Path, module: str, cls: str, method: str, error: str
) -> None:
    # Python imports this module first, so the daemon has the bug before it starts.
    bug = BUG.format(module=module, cls=cls, method=method, error=error)
    (tmp_path / "sitecustomize.py").write_text(bug)
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    sources = [part for name in "abc" for part in ("--source", f"{name}={DEMO}")]
    with (
        running_daemon(*sources, *TINY, environment=environment) as daemon,
        connect(daemon.websocket_url) as client,
    ):
        events = (json.loads(text) for text in client)
        ended = next(event for event in events if event.get("status") == "ended")
        kind = error.partition("(")[0]
        assert f"internal error: {kind}" in ended["detail"]
        emotions = {"a": 0, "b": 0, "c": 0}
        while sum(count >= 4 for count in emotions.values()) < 2:
            event = next(events)
            emotions[event["stream"]] += event["type"] == "emotion"
        assert emotions[ended["stream"]] == 0
        assert health(daemon)["status"] == "degraded"
        assert health(daemon)["streams"][ended["stream"]]["status"] == "ended"
        assert daemon.stop() == 1
    logged = [line for line in daemon.stderr.splitlines() if "listening to" not in line]
    assert logged == [f"emotiond: {ended['stream']}: {ended['detail']}"]  # one line, no traceback


def test_a_broken_recording_ends_its_stream_alone(tmp_path: Path) -> None:
    samples = np.zeros(32_000, np.float32)
    samples[20_000] = np.nan
    soundfile.write(tmp_path / "broken.wav", samples, 16_000, subtype="FLOAT")
    sources = ("--source", f"broken={tmp_path / 'broken.wav'}", "--source", f"whole={DEMO}")
    with running_daemon(*sources, *TINY, "--json") as daemon:
        events = daemon.events()
        ended = next(event for event in events if event.get("status") == "ended")
        assert ended["stream"] == "broken"
        assert "not finite" in ended["detail"]
        after = [next(events) for _ in range(8)]
    assert {event["stream"] for event in after} == {"whole"}
