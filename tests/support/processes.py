"""The decoder processes of a daemon, from /proc."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def decoders(parent: int) -> list[int]:
    """Return their process numbers, in the order of their start."""
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            command = (place / "cmdline").read_bytes()
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        ours = int(fields[1]) == parent and fields[0] != "Z"
        if ours and b"emotiond.streamer.readers.decoder" in command:
            found.append((int(fields[19]), int(place.name)))
    return [pid for _, pid in sorted(found)]


def await_end(process: int, patience_seconds: float = 20.0) -> None:
    """Wait until a child of this process has ended and was reaped."""
    deadline = time.monotonic() + patience_seconds
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline, f"process {process} goes on"
        time.sleep(0.01)  # no event: the parent reaps it


def await_decoders(parent: int, count: int, patience_seconds: float = 20.0) -> list[int]:
    """Wait until the process has this number of decoders."""
    deadline = time.monotonic() + patience_seconds
    while len(found := decoders(parent)) != count:
        assert time.monotonic() < deadline, f"{len(found)} decoders, not {count}"
        time.sleep(0.01)  # a foreign process has no event for this
    return found
