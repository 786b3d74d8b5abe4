"""The processes of a daemon, from /proc."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def decoders(parent: int) -> list[int]:
    """Return the numbers of its decoders, of files and streams, in the order of their start."""
    names = ("decoder_process", "stream_process", "rtp_process")
    return _children(parent, *(f"emotiond.streamer.readers.{name} ".encode() for name in names))


def captures(parent: int) -> list[int]:
    """Return the numbers of the processes that capture for it, in the order of their start."""
    return _children(parent, b"emotiond.streamer.sources.capture_process")


def _children(parent: int, *parts_of_command: bytes) -> list[int]:
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
        if ours and any(part in command for part in parts_of_command):
            found.append((int(fields[19]), int(place.name)))
    return [pid for _, pid in sorted(found)]


def await_none_with(variable: str, patience_seconds: float = 20.0) -> None:
    """Wait until no process has ``NAME=value`` in its environment."""
    deadline = time.monotonic() + patience_seconds
    while left := _processes_with(variable):
        assert time.monotonic() < deadline, f"these are left: {left}"
        time.sleep(0.01)  # another's child has no event


def _processes_with(variable: str) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if variable.encode() in (place / "environ").read_bytes().split(b"\0"):
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


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
