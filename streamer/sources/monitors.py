"""Knows a monitor, which gives what a loudspeaker plays, from a microphone.

A sound server without a microphone offers the monitor of its loudspeaker as the default source, and
moves a stream there when its microphone is unplugged. PortAudio cannot see that; ``pactl`` can, for
PulseAudio and for PipeWire's server of its protocol. Without it nothing is known.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from emotiond.streamer.sources.portaudio import Device

_PROGRAM = "pactl"
_MOST_SECONDS = 2.0
_SUFFIX = ".monitor"  # of the names of monitors
_SERVERS = re.compile(r"default|sysdefault|pulse|pipewire")
_OUTPUT = re.compile(
    r'^Source Output #.*?^\tSource: (\d+)$.*?application\.process\.id = "(\d+)"', re.S | re.M
)


def is_of_server(device: Device) -> bool:
    """Return whether a device is the sound server's choice, and not one microphone."""
    return device.api == "ALSA" and _SERVERS.fullmatch(device.name) is not None


def default_monitor() -> str | None:
    """Return the name of the default source if it is a monitor that nobody has named."""
    named = os.environ.get("PULSE_SOURCE")
    return None if named else _unless_named(_ask("get-default-source").strip())


def recorded_monitor(process_id: int) -> str | None:
    """Return the name of the monitor that a process records, unless it was named."""
    sources = dict(
        line.split("\t")[:2] for line in _ask("list", "short", "sources").splitlines() if line
    )
    for source, process in _OUTPUT.findall(_ask("list", "source-outputs")):
        if int(process) == process_id:
            return _unless_named(sources.get(source, ""))
    return None


def _unless_named(source: str) -> str | None:
    is_monitor = source.endswith(_SUFFIX) and source != os.environ.get("PULSE_SOURCE")
    return source if is_monitor else None


def _ask(*arguments: str) -> str:
    program = shutil.which(_PROGRAM)
    if program is None:
        return ""
    try:
        return subprocess.run(  # noqa: S603
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            timeout=_MOST_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
