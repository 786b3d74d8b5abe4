"""A PulseAudio without hardware. Its microphone delivers what is played, in real time.

``make bench`` provides the programs by ``tools/with-peers``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SINK = "benchmark"
_ALSA_SETTINGS = "".join(
    f"{kind}.{name} {{ type pulse{hint} }}\n"
    for kind, hint in (("pcm", " hint.description PulseAudio"), ("ctl", ""))
    for name in ("pulse", "!default")
)
_START_SECONDS = 10.0


@dataclass(frozen=True)
class SoundServer:
    """A running server."""

    environment: Mapping[str, str]
    """Makes a program use this server, with its microphone as the default one."""
    processes: contextlib.ExitStack

    def play(self, path: Path) -> None:
        """Start to play a recording into the microphone."""
        _run(self.processes, self.environment, "paplay", f"--device={_SINK}", str(path))


@contextlib.contextmanager
def sound_server() -> Iterator[SoundServer]:
    """Run a server with a microphone of 16 kHz, mono. It is killed at the end.

    Raises:
        RuntimeError: the server did not start.
    """
    # The path of a Unix socket must be short.
    with tempfile.TemporaryDirectory(prefix="emo") as folder, contextlib.ExitStack() as processes:
        address = Path(folder) / "native"
        environment = {
            **os.environ,
            "HOME": folder,
            "XDG_RUNTIME_DIR": folder,
            "PULSE_SERVER": f"unix:{address}",
            "PULSE_SOURCE": f"{_SINK}.monitor",
            "PULSE_SINK": _SINK,
        }
        (Path(folder) / ".asoundrc").write_text(_ALSA_SETTINGS)
        _run(
            processes,
            environment,
            *("pulseaudio", "-n", f"--dl-search-path={_modules()}", "--exit-idle-time=-1"),
            *("--daemonize=no", "--use-pid-file=no", "--disable-shm=yes"),
            *("--realtime=no", "--high-priority=no"),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={address}"),
            *("-L", f"module-null-sink sink_name={_SINK} format=s16le rate=16000 channels=1"),
        )
        _wait_for_socket(address)
        # A second recorder with a low latency keeps the latency of the sink's monitor low.
        monitor = (f"--device={_SINK}.monitor", "--latency-msec=10", "/dev/null")
        _run(processes, environment, "parec", *monitor)
        yield SoundServer(environment, processes)


def _run(processes: contextlib.ExitStack, environment: Mapping[str, str], *command: str) -> None:
    """Start a process that is killed when the stack closes."""
    process = processes.enter_context(
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )
    processes.callback(process.kill)


def _modules() -> Path:
    """Return the folder of the server's modules, which an unpacked server does not find."""
    program = shutil.which("pulseaudio")
    if program is None:
        raise RuntimeError("pulseaudio is missing: run the benchmarks by make bench")
    (found,) = (Path(program).parents[1] / "lib").glob("pulse-*/modules")
    return found


def _wait_for_socket(address: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(address)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("PulseAudio did not start")
