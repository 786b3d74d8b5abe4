"""A headless PulseAudio. Its microphone delivers the played sound in real time."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tests.support.programs import skip_without

_PROGRAMS = ("pulseaudio", "paplay", "parec", "pactl")
_SINK = "emo"
_ASOUNDRC = "".join(
    f"{kind}.{name} {{ type pulse{hint} }}\n"
    for kind, hint in (("pcm", " hint.description PulseAudio"), ("ctl", ""))
    for name in ("pulse", "!default")
)
"""The ALSA configuration of a system with PulseAudio."""


class SoundServer:
    """A private PulseAudio in its own folder."""

    def __init__(self, folder: Path, sample_rate: int = 16_000, channels: int = 1) -> None:
        self._folder = folder
        self._format = (f"rate={sample_rate}", f"channels={channels}")
        self._socket = folder / "native"
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that make this server and its microphone a program's default."""
        return {
            **os.environ,
            "HOME": str(self._folder),
            "XDG_RUNTIME_DIR": str(self._folder),
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_SOURCE": f"{_SINK}.monitor",
            "PULSE_SINK": _SINK,
        }

    def start(self) -> None:
        """Start the server and wait until its microphone delivers."""
        (self._folder / ".asoundrc").write_text(_ASOUNDRC)
        self._spawn(
            *(
                "pulseaudio",
                "-n",
                f"--dl-search-path={_modules()}",
                "--exit-idle-time=-1",
                "--daemonize=no",
                "--use-pid-file=no",
            ),
            *("--disable-shm=yes", "--realtime=no", "--high-priority=no"),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"),
            *("-L", f"module-null-sink sink_name={_SINK} format=s16le {' '.join(self._format)}"),
        )
        _await(self._accepts, "PulseAudio did not start")
        # A recorder of low latency keeps the monitor of the null sink at low latency.
        keeper = self._spawn("parec", "-d", f"{_SINK}.monitor", "--latency-msec=10", stdout=True)
        assert keeper.stdout is not None
        assert keeper.stdout.read(2), "the microphone of the sound server delivers nothing"
        self._drain = subprocess.Popen(["cat"], stdin=keeper.stdout, stdout=subprocess.DEVNULL)
        self._processes.append(self._drain)

    def change(self, sample_rate: int, channels: int) -> None:
        """Let the microphone be another one from the next start on."""
        self._format = (f"rate={sample_rate}", f"channels={channels}")

    def play(self, path: Path) -> subprocess.Popen[bytes]:
        """Begin to play a recording into the microphone."""
        return self._spawn("paplay", f"--device={_SINK}", str(path))

    def kill(self) -> None:
        """End the server, and with it the microphone."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()
        self._socket.unlink(missing_ok=True)

    def freeze(self, frozen: bool) -> None:
        """Stop or continue the server, whose microphone then delivers nothing without an error."""
        for process in self._processes:
            process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def recorders(self) -> list[str]:
        """Return the names of the programs that are recording."""
        listed = self.run("pactl", "list", "source-outputs")
        return re.findall(r'application\.process\.binary = "(.*)"', listed)

    def run(self, *command: str) -> str:
        """Run a program of this server, and return what it prints."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=10
        ).stdout

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def _spawn(self, *command: str, stdout: bool = False) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
        return process


@contextlib.contextmanager
def sound_server(sample_rate: int = 16_000, channels: int = 1) -> Iterator[SoundServer]:
    """Run a server, and end it afterwards. The test is skipped where there is none."""
    skip_without(*_PROGRAMS)
    # Not pytest's folder: the path of a Unix socket must be short.
    with tempfile.TemporaryDirectory(prefix="emo") as folder:
        Path(folder).chmod(0o700)
        server = SoundServer(Path(folder), sample_rate, channels)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def write_wav(path: Path, samples: npt.NDArray[np.float32], sample_rate: int = 16_000) -> Path:
    """Write 16-bit PCM; returns the path."""
    soundfile.write(path, samples, sample_rate, subtype="PCM_16")
    return path


def _modules() -> Path:
    """Return the folder of the server's modules. An unpacked server searches the wrong one."""
    program = shutil.which("pulseaudio")
    assert program is not None
    (found,) = (Path(program).parents[1] / "lib").glob("pulse-*/modules")
    return found


def _await(ready: object, problem: str, seconds: float = 10.0) -> None:
    assert callable(ready)
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, problem
        time.sleep(0.02)  # a foreign process has no event for this
