"""A headless PipeWire, with a session manager and microphones that come and go.

``tools/with-peers`` unpacks it and names its parts by the environment. It needs no D-Bus.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emotiond.streamer.sources.sound_server import read_dump
from tests.support.programs import skip_without

_PROGRAMS = ("pipewire", "wireplumber", "pw-cli", "pw-dump", "pw-cat", "pw-link", "wpctl")
_SPEAKER = "speaker"
_ASOUNDRC = "".join(
    f"{kind}.{name} {{ type pipewire{hint} }}\n"
    for kind, hint in (("pcm", " hint.description PipeWire"), ("ctl", ""))
    for name in ("pipewire", "!default")
)
"""The ALSA configuration of a system with PipeWire."""
_WIREPLUMBER = """
context.properties = { wireplumber.script-engine = lua-scripting }
context.spa-libs = {
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-client-device }
    { name = libpipewire-module-adapter }
    { name = libpipewire-module-metadata }
    { name = libpipewire-module-session-manager }
]
wireplumber.components = [
    { name = libwireplumber-module-lua-scripting, type = module }
    { name = main.lua, type = config/lua }
]
"""
"""WirePlumber 0.4 without what needs D-Bus or hardware. Later ones have a profile for that."""
_POLICY = """
components = {}
local modules = {
    "default-nodes", "si-node", "si-audio-adapter", "si-standard-link", "si-audio-endpoint",
    "default-nodes-api", "mixer-api",
}
for _, name in ipairs(modules) do
    local settings = { ["use-persistent-storage"] = false }
    components[name] = { "libwireplumber-module-" .. name, type = "module", args = settings }
end
components["metadata"] = {
    "libwireplumber-module-metadata", type = "module", args = { ["metadata.name"] = "default" },
}
components["access"] = { "access/access-default.lua", type = "script/lua", args = { rules = {} } }
for _, name in ipairs({ "create-item.lua", "policy-node.lua" }) do
    components[name] = { name, type = "script/lua", args = { move = true, follow = true } }
end
"""
"""What links streams to nodes, as installed: the moving of streams, too."""


class PipeWire:
    """A private PipeWire in its own folder. It has a loudspeaker, and no microphone at first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: list[subprocess.Popen[bytes]] = []
        self._players: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that make this server a program's only one."""
        without = ("DBUS_SESSION_BUS_ADDRESS", "PIPEWIRE_NODE", "PULSE_SERVER", "PULSE_SOURCE")
        return {
            **{name: value for name, value in os.environ.items() if name not in without},
            "HOME": str(self._folder),
            "XDG_RUNTIME_DIR": str(self._folder),
            "PULSE_SERVER": "unix:/nowhere",
            "WIREPLUMBER_CONFIG_DIR": str(self._folder if _is_old() else _wireplumber_data()),
        }

    def start(self) -> None:
        """Start the server, and wait until it links streams."""
        (self._folder / ".asoundrc").write_text(_ASOUNDRC)
        (self._folder / "wireplumber.conf").write_text(_WIREPLUMBER)
        (self._folder / "main.lua.d").mkdir(exist_ok=True)
        (self._folder / "main.lua.d" / "main.lua").write_text(_POLICY)
        self._servers.append(self._spawn("pipewire"))
        _await(lambda: bool(self._objects()), "PipeWire did not start")
        self._servers.append(self._spawn("wireplumber", *([] if _is_old() else ["-p", "policy"])))
        self._create(_SPEAKER, "Speaker", "Audio/Sink", "[ FL FR ]", 48_000)
        _await(lambda: self._default("sink") == _SPEAKER, "WirePlumber did not start")

    def plug(self, name: str, description: str, sample_rate: int = 48_000) -> None:
        """Let a microphone come, and wait until it can be recorded."""
        self._create(name, description, "Audio/Source/Virtual", "[ MONO ]", sample_rate)
        _await(lambda: self._default("source") is not None, f"{name} did not come")

    def unplug(self, name: str) -> None:
        """Let a microphone go."""
        self.run("pw-cli", "destroy", str(self._node(name)))

    def play(self, path: Path, name: str) -> None:
        """Begin to play a recording into a microphone, or into the loudspeaker."""
        before = self._ports()
        self._players.append(self._spawn("pw-cat", "--playback", "--target=0", str(path)))
        _await(lambda: len(self._ports() - before) == 1, f"nothing plays into {name}")
        ((_, port),) = self._ports() - before
        self.run("pw-link", str(port), f"{name}:input_MONO")

    def kill(self) -> None:
        """End the server, and with it all microphones."""
        for process in (*self._players, *self._servers):
            process.kill()
            process.wait()
        self._players.clear()
        self._servers.clear()
        (self._folder / "pipewire-0").unlink(missing_ok=True)

    def freeze(self, frozen: bool) -> None:
        """Stop or continue the server, which then answers nothing."""
        for process in self._servers:
            process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def run(self, *command: str, check: bool = True) -> str:
        """Run a program of this server, and return what it prints."""
        return subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=check,
            timeout=20,
        ).stdout

    def recorded(self) -> set[str]:
        """Return the names of what is recorded."""
        objects = {each["id"]: each.get("info") or {} for each in self._objects()}
        properties = {number: info.get("props") or {} for number, info in objects.items()}
        return {
            properties[link["output-node-id"]]["node.name"]
            for link in objects.values()
            if properties.get(link.get("input-node-id", -1), {}).get("media.class")
            == "Stream/Input/Audio"
        }

    def _ports(self) -> set[tuple[int, int]]:
        """Return the serial number of each port of a player, and its number, which comes again."""
        found = set()
        for each in self._objects():
            properties = (each.get("info") or {}).get("props") or {}
            if str(properties.get("port.alias")).startswith("pw-cat:"):
                found.add((int(properties["object.serial"]), int(each["id"])))
        return found

    def _create(
        self, name: str, description: str, kind: str, positions: str, sample_rate: int
    ) -> None:
        values = {
            "factory.name": "support.null-audio-sink",
            "node.name": name,
            "node.description": description,
            "media.class": kind,
            "audio.rate": sample_rate,
            "object.linger": True,
            "priority.session": 2000 if "Source" in kind else 1000,  # as those of hardware
        }
        text = " ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
        self.run("pw-cli", "create-node", "adapter", f"{{ {text} audio.position = {positions} }}")
        _await(lambda: self._node(name) is not None, f"{name} did not come")

    def _node(self, name: str) -> int | None:
        for each in self._objects():
            if ((each.get("info") or {}).get("props") or {}).get("node.name") == name:
                return int(each["id"])
        return None

    def _default(self, kind: str) -> str | None:
        entries = [entry for each in self._objects() for entry in each.get("metadata") or ()]
        return next(
            (str(e["value"]["name"]) for e in entries if e["key"] == f"default.audio.{kind}"), None
        )

    def _objects(self) -> list[Mapping[str, Any]]:
        return list(read_dump(self.run("pw-dump", check=False)).values())

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextlib.contextmanager
def running_pipewire() -> Iterator[PipeWire]:
    """Run a server, and end it afterwards. The test is skipped where there is none."""
    skip_without(*_PROGRAMS)
    # Not pytest's folder: the path of a Unix socket must be short.
    with tempfile.TemporaryDirectory(prefix="emo") as folder:
        Path(folder).chmod(0o700)
        server = PipeWire(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _wireplumber_data() -> Path:
    return Path(os.environ.get("WIREPLUMBER_DATA_DIR", "/usr/share/wireplumber"))


def _is_old() -> bool:
    """Return whether WirePlumber is configured in Lua, as before its version 0.5."""
    return (_wireplumber_data() / "main.lua.d").exists()


def _await(ready: object, problem: str, seconds: float = 20.0) -> None:
    assert callable(ready)
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, problem
        time.sleep(0.05)  # a foreign process has no event for this
