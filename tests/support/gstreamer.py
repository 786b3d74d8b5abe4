"""GStreamer's RTSP server on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

needs_gstreamer = pytest.mark.skipif(
    "GST_PLUGIN_SYSTEM_PATH" not in os.environ,
    reason="needs GStreamer's RTSP server: make test-peers",
)
_PROGRAM = Path(__file__).with_name("gstreamer_program.py")


def tone(then: str, rate: int = 16_000, channels: int = 1) -> str:
    """Return the pipeline of a live tone, with the elements that encode and pack it."""
    form = f"audio/x-raw,rate={rate},channels={channels}"
    return (
        "( audiotestsrc is-live=true freq=300 volume=0.5 samplesperbuffer=320 "
        f"! audioconvert ! audioresample ! {form} ! {then} name=pay0 )"
    )


@contextlib.contextmanager
def gstreamer(port: int, pipeline: str, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    """Serve a pipeline at ``/live``.

    Args:
        port: to listen at.
        pipeline: in the form of ``gst-launch-1.0``, with an element ``pay0`` at its end.
        settings: further ones of the program.
    """
    with subprocess.Popen(
        [sys.executable, str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"port": port, "pipeline": pipeline, **settings}) + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n", "GStreamer's server does not start"
            yield process
        finally:
            process.kill()
