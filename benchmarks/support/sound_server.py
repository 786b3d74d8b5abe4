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
_SOUND_CARD = """
import importlib.machinery, importlib.util, os, sys
rate = int(os.environ["BENCHMARK_SAMPLE_RATE"])
here = os.path.dirname(__file__)
found = importlib.machinery.PathFinder.find_spec(__name__, [p for p in sys.path if p != here])
real = sys.modules[__name__] = importlib.util.module_from_spec(found)
found.loader.exec_module(real)
check, query = real.check_input_settings, real.query_devices
def check_input_settings(*, samplerate, **settings):
    if samplerate != rate:
        raise real.PortAudioError(f"the sound card has {rate} Hz alone")
    check(samplerate=samplerate, **settings)
def query_devices(*named):
    found = query(*named)
    for device in [found] if named else found:
        device["default_samplerate"] = float(rate)
    return found
real.check_input_settings, real.query_devices = check_input_settings, query_devices
"""
"""A ``sounddevice`` for a sound card of one rate: PulseAudio itself gives any."""


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
def sound_server(sample_rate: int = 16_000) -> Iterator[SoundServer]:
    """Run a server with a microphone, mono. It is killed at the end.

    Args:
        sample_rate: of the microphone, in Hz, as of a sound card that has no other.

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
            "PYTHONPATH": folder,
            "BENCHMARK_SAMPLE_RATE": str(sample_rate),
        }
        (Path(folder) / "sounddevice.py").write_text(_SOUND_CARD)
        (Path(folder) / ".asoundrc").write_text(_ALSA_SETTINGS)
        _run(
            processes,
            environment,
            *("pulseaudio", "-n", f"--dl-search-path={_modules()}", "--exit-idle-time=-1"),
            *("--daemonize=no", "--use-pid-file=no", "--disable-shm=yes"),
            *("--realtime=no", "--high-priority=no"),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={address}"),
            *(
                "-L",
                f"module-null-sink sink_name={_SINK} format=s16le rate={sample_rate} channels=1",
            ),
        )
        _wait_for_socket(address)
        # A second recorder with a low latency keeps the latency of the sink's monitor low.
        monitor = ("parec", f"--device={_SINK}.monitor", "--latency-msec=10")
        _run(processes, environment, *monitor, "/dev/null")
        _wait_for_sound(environment, *monitor)
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


def _wait_for_sound(environment: Mapping[str, str], *monitor: str) -> None:
    """Wait until the monitor delivers: the sink begins 2 s ahead, and plays nothing until then."""
    with subprocess.Popen(monitor, env=environment, stdout=subprocess.PIPE) as recorder:
        assert recorder.stdout is not None
        first = recorder.stdout.read(1)
        recorder.kill()
    if not first:
        raise RuntimeError("PulseAudio's monitor delivers no sound")


def _wait_for_socket(address: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(address)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("PulseAudio did not start")
