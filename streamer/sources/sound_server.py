"""What a sound server offers and records: microphones, and monitors of loudspeakers.

PortAudio sees a single device of a sound server, ALSA's plug-in, which opens the default source.
The server's own programs know all sources. The plug-in opens one of them if a variable of the
environment names it.

A monitor gives what a loudspeaker plays. A server without a microphone offers one as the default
source, and moves a stream there when its microphone is unplugged. Without the programs nothing of
this is known.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emotiond.streamer.sources.portaudio import PIPEWIRE, PULSEAUDIO, SOURCE_VARIABLES

PLUG_INS = {PIPEWIRE: "pipewire", PULSEAUDIO: "pulse"}
"""The names of ALSA's plug-ins for the servers."""

_MOST_SECONDS = 2.0
_PULSE_PARTS = re.compile(r"^(?=[A-Z][A-Za-z ]* #\d+$)", re.MULTILINE)
_PIPEWIRE_KINDS = {"Audio/Sink": True, "Audio/Source": False, "Audio/Source/Virtual": False}
"""Nodes that can be recorded, and whether they are monitors then."""


@dataclass(frozen=True)
class ServerSource:
    """A source of a sound server."""

    name: str
    """What the variable of the environment takes."""
    description: str
    channels: int
    is_monitor: bool


@dataclass(frozen=True)
class SoundServer:
    """What a server said."""

    api: str
    """A key of :data:`PLUG_INS`."""
    sources: Sequence[ServerSource]
    default: str | None
    """The name of the default source, if there is one."""
    recorded: Mapping[int, str]
    """The process number of each program that records, with the name of its source."""

    @property
    def named(self) -> str | None:
        """What names a source in the environment: its name, or a number that the server knows."""
        return os.environ.get(SOURCE_VARIABLES[self.api]) or None

    def source(self, name: str | None) -> ServerSource | None:
        """Return the source of this name, if it is there."""
        return next((source for source in self.sources if source.name == name), None)

    def source_of_default(self) -> ServerSource | None:
        """Return what the default device records if no source is named; None if there is none."""
        if self.default is not None:
            return self.source(self.default)
        return min(self.sources, key=lambda source: source.is_monitor, default=None)

    def source_of(self, process_id: int) -> ServerSource | None:
        """Return what a process records; None if that is unknown."""
        return self.source(self.recorded.get(process_id))


class ServerPrograms:
    """Asks the servers of this machine, by the programs that come with them."""

    def __init__(self) -> None:
        self._asked: subprocess.Popen[str] | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def read(self, first_api: str) -> SoundServer | None:
        """Return what the server says; None if there is none, or it does not answer.

        Args:
            first_api: which one is asked first, a key of :data:`PLUG_INS`. PipeWire has a server
                for PulseAudio's protocol, too.
        """
        for api in sorted(_READERS, key=lambda api: api != first_api):
            if (found := _READERS[api](self._ask)) is not None:
                return found
        return None

    def read_again(self, server: SoundServer) -> SoundServer | None:
        """Return what a server says now, at less cost: its default source is the earlier one.

        None if it does not answer.
        """
        if server.api == PULSEAUDIO:
            return _listed_by_pulseaudio(self._ask, server.default)
        return read_pipewire(self._ask)

    def close(self) -> None:
        """End the program that is asked just now. Any thread may call this."""
        with self._lock:
            self._is_closed = True
            if self._asked is not None:
                self._asked.kill()

    def _ask(self, *command: str) -> str:
        """Return what a program prints; nothing if it is missing or fails."""
        program = shutil.which(command[0])
        if program is None:
            return ""
        with self._lock:
            if self._is_closed:
                return ""
            try:
                self._asked = process = subprocess.Popen(  # noqa: S603
                    [program, *command[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    env={**os.environ, "LC_ALL": "C.UTF-8"},
                )
            except OSError:
                return ""
        with process:
            try:
                printed, _ = process.communicate(timeout=_MOST_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                return ""
        return printed if process.returncode == 0 else ""


Ask = Callable[..., str]
"""Takes a command and returns what it prints; nothing if it fails."""


def read_pulseaudio(ask: Ask) -> SoundServer | None:
    """Return what ``pactl`` says, of PulseAudio or of PipeWire's server for its protocol."""
    about = ask("pactl", "info")
    default = _field(f"\t{about}".replace("\n", "\n\t"), "Default Source")
    return _listed_by_pulseaudio(ask, default) if about else None


def _listed_by_pulseaudio(ask: Ask, default: str | None) -> SoundServer | None:
    listed = ask("pactl", "list")
    if not listed:
        return None
    parts = [part.partition(" #") for part in _PULSE_PARTS.split(listed)]
    sources = {}
    for part in (part for kind, _, part in parts if kind == "Source"):
        channels = re.search(r"^\tSample Specification: \S+ (\d+)ch", part, re.MULTILINE)
        sources[part.split("\n")[0]] = ServerSource(
            name=_field(part, "Name"),
            description=_field(part, "Description"),
            channels=int(channels[1]) if channels else 1,
            is_monitor=_field(part, "Monitor of Sink") not in ("n/a", ""),
        )
    recorded = {}
    for part in (part for kind, _, part in parts if kind == "Source Output"):
        process = re.search(r'application\.process\.id = "(\d+)"', part)
        source = sources.get(_field(part, "Source"))
        if process and source:
            recorded[int(process[1])] = source.name
    known = {source.name for source in sources.values()}
    return SoundServer(
        PULSEAUDIO, tuple(sources.values()), default if default in known else None, recorded
    )


def _field(part: str, name: str) -> str:
    found = re.search(rf"^\t{name}: (.*)$", part, re.MULTILINE)
    return found[1] if found else ""


def read_dump(text: str) -> Mapping[int, Mapping[str, Any]]:
    """Return the objects of PipeWire by their numbers, from what ``pw-dump`` prints.

    It prints a list, and more of them if something changes meanwhile.

    Raises:
        ValueError: it is no JSON.
    """
    found = {}
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        objects, end = decoder.raw_decode(text)
        found.update({each["id"]: each for each in objects})
        text = text[end:].lstrip()
    return found


def read_pipewire(ask: Ask) -> SoundServer | None:
    """Return what ``pw-dump`` says."""
    try:
        objects = read_dump(ask("pw-dump"))
    except ValueError:
        return None
    if not objects:
        return None
    infos = {number: each.get("info") or {} for number, each in objects.items()}
    properties = {number: info.get("props") or {} for number, info in infos.items()}
    sources = {
        number: ServerSource(
            name=node["node.name"],
            description=_described(node, is_monitor),
            channels=infos[number].get("n-output-ports") or 1,
            is_monitor=is_monitor,
        )
        for number, node in properties.items()
        if (is_monitor := _PIPEWIRE_KINDS.get(str(node.get("media.class")))) is not None
    }
    recorded = {}
    for info in infos.values():
        source = sources.get(info.get("output-node-id", -1))
        stream = properties.get(info.get("input-node-id", -1), {})
        process = properties.get(stream.get("client.id", -1), {}).get("application.process.id")
        if source is not None and process is not None:
            recorded[int(process)] = source.name
    default = next(
        (
            entry["value"].get("name")
            for each in objects.values()
            for entry in each.get("metadata") or ()
            if entry["key"] == "default.audio.source" and isinstance(entry["value"], dict)
        ),
        None,
    )
    known = {source.name for source in sources.values()}
    return SoundServer(
        PIPEWIRE, tuple(sources.values()), default if default in known else None, recorded
    )


def _described(node: Mapping[str, Any], is_monitor: bool) -> str:
    description = str(node.get("node.description") or node.get("node.nick") or node["node.name"])
    return f"Monitor of {description}" if is_monitor else description


_READERS = {PIPEWIRE: read_pipewire, PULSEAUDIO: read_pulseaudio}
