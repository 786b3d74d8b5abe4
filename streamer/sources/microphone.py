"""Captures a microphone through PortAudio. It reconnects after a loss and closes while muted."""

from __future__ import annotations

import dataclasses
import platform
import shlex
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DeviceError, NoMicrophoneError, NoSoundSystemError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.options import Option
from emotiond.streamer.service_manager import runs_as_service
from emotiond.streamer.sources.capture import Capture
from emotiond.streamer.sources.devices import (
    Identity,
    choose,
    has_plug_in,
    identify,
    is_moved,
    is_of_server,
    list_microphones,
    recognize,
)
from emotiond.streamer.sources.live_writer import LiveWriter
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.portaudio import (
    NO_DEVICE,
    PULSEAUDIO,
    SOURCE_VARIABLES,
    Device,
    Opening,
)
from emotiond.streamer.sources.reconnecting import Supervisor
from emotiond.streamer.sources.sound_server import ServerPrograms, ServerSource, SoundServer
from emotiond.streamer.sources.source import About, OnStatus, Playback, Source, SourceKind

_STALL_SECONDS = 1.5  # without a block, after which the device counts as lost
_END_SECONDS = 0.5
_LOOK_SECONDS = 2.0  # between two looks at what the sound server lets it record
_MOST_ZERO_SECONDS = 5.0  # of nothing but zeros, after which it counts as muted elsewhere


@dataclass(frozen=True)
class MicrophoneSettings:
    """The setting of the microphone."""

    device: str | None = None
    """Its number or name; None for the default device."""


class Microphone:
    """Captures blocks of 10 ms, and writes them as mono at 16 kHz whatever the device gives.

    A device of another rate or channel count may so take the place of a lost one.

    Args:
        wanted: the device's number, or its name or a part of it; None for the default device. What
            was found by it once is known again by what it is.
        waits: whether to wait for a microphone if there is none yet.

    Raises:
        NoMicrophoneError: there is none, unless it is waited for.
        DeviceError: there is no such device, or it cannot be opened.
    """

    lost_detail = "the microphone is gone; it is looked for"
    muted_detail = "the microphone is closed until it is unmuted"
    sample_rate = SAMPLE_RATE
    channels = 1

    def __init__(self, wanted: str | None, waits: bool = False) -> None:
        self._wanted = wanted
        self._identity: Identity | None = None
        self.about = About()
        self.failure: str | None = None
        self.switch: Supervisor[Opening] = Supervisor(self)
        self._thread: threading.Thread | None = None
        self._capture: Capture | None = None  # closed while the device is
        self._writer: _Writer | None = None
        self._first: Opening | None = None
        self._programs = ServerPrograms()
        self._device: Device | None = None
        self._server: SoundServer | None = None  # of the device, which it may move elsewhere
        self._next_look_seconds = 0.0
        try:
            self._first = self.find()
        except NoSoundSystemError:
            raise
        except DeviceError as error:
            if not waits or not (isinstance(error, NoMicrophoneError) or runs_as_service()):
                raise

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to capture, unless muted."""
        self._ring = ring
        self._thread = start_playing(
            "microphone", self, ring, lambda: self.switch.keep_open(self._first, ring, on_status)
        )

    def stop(self) -> None:
        """Close the device. This waits for a second at most."""
        self.switch.stop()
        self._programs.close()
        capture = self._capture
        if capture is not None and self._thread is None:
            capture.close()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)
            if capture is not None and self._thread.is_alive():  # it waits for an answer
                capture.close()
                self._thread.join(_END_SECONDS)

    def find(self) -> Opening:
        """Return how to open the device.

        Raises:
            DeviceError: it is not there.
        """
        self._capture = capture = Capture()
        try:
            devices, server = list_microphones(capture, self._programs)
            device = self._find(devices)
            of_server = is_of_server(device)
            if server is not None and of_server:
                device = _given_by(server, device, devices)
            self._device = device
            self._server = server if of_server or device.source is not None else None
            self.about = About(device=device.name)
            try:
                return capture.opening(device)
            except DeviceError as error:
                if not of_server or not has_plug_in(devices):
                    raise
                # A server shares its microphones: it has none, or not the one that is named.
                raise NoMicrophoneError(error.problem, NO_DEVICE) from None
        except BaseException:
            self.close()
            raise

    def _find(self, devices: Sequence[Device]) -> Device:
        """Return the wanted device. The default may be another one each time."""
        if self._wanted is None:
            return choose(devices, None)
        if self._identity is not None:
            return recognize(devices, self._identity)
        device = choose(devices, self._wanted)
        self._identity = identify(device, devices)
        return device

    def open(self, found: Opening) -> None:
        """Begin to capture what was found.

        Raises:
            DeviceError: it cannot be opened.
        """
        assert self._capture is not None
        zeros = _zeros(found.device, self._server)
        self._writer = _Writer(found, self._ring, self.switch, zeros)
        try:
            latency_seconds = self._capture.open(found)
        except BaseException:
            self.close()
            raise
        self.about = About(device=found.device.name, device_latency_ms=latency_seconds * 1000)
        self._capture.play(self._writer.write, self.switch.check)

    def is_lost(self) -> bool:
        """Return whether the device has stopped, or stands still."""
        capture = self._capture
        if capture is None or not capture.is_alive:
            return True
        if self.switch.silent_seconds > _STALL_SECONDS:
            return True
        if self._server is None or time.monotonic() < self._next_look_seconds:
            return False
        self._next_look_seconds = time.monotonic() + _LOOK_SECONDS
        server = self._programs.read_again(self._server)
        if server is None:
            return False
        assert self._device is not None
        if is_moved(self._device, server, capture.process_id):
            return True
        self._name(server.source_of(capture.process_id))
        return False

    def _name(self, recorded: ServerSource | None) -> None:
        """Let the description name what is recorded: the default may be another one by now."""
        if recorded is not None:
            self.about = dataclasses.replace(self.about, device=recorded.description)

    def close(self) -> None:
        """Close the device, and end the process that captures it."""
        if self._capture is not None:
            self._capture.close()
            self._capture = None
        if self._writer is not None:
            self._writer.flush()
            self._writer = None


class _Writer:
    """Writes the blocks of one opening into the ring, and complains of nothing but zeros.

    Args:
        zeros: the complaint about nothing but zeros.
    """

    def __init__(
        self, opening: Opening, ring: Ring, switch: Supervisor[Opening], zeros: str
    ) -> None:
        self._zeros = zeros
        self._rate = opening.sample_rate
        self._ring = ring
        self._switch = switch
        self._sound = LiveWriter(opening.sample_rate, opening.channels, ring)
        self._most_zero_samples = round(_MOST_ZERO_SECONDS * opening.sample_rate)
        # What was complained of before a mute is so until a block shows something else.
        self._zero_samples = self._most_zero_samples + 1 if switch.complaint else 0

    def write(self, block: FloatArray, came_seconds: float, lost_samples: int) -> None:
        """Write a block. See :data:`OnBlock`."""
        if lost_samples:
            self._sound.flush()
            self._ring.skip(round(lost_samples * SAMPLE_RATE / self._rate))
        self._switch.note_block(came_seconds, block.shape[0] / self._rate)
        self._note_zeros(block)
        self._sound.write(block, came_seconds)

    def flush(self) -> None:
        """Write what is held back."""
        self._sound.flush()

    def _note_zeros(self, block: FloatArray) -> None:
        """Complain of a microphone that is muted elsewhere, and say when it is not any more."""
        before = self._zero_samples
        self._zero_samples = 0 if block.any() else before + block.shape[0]
        most = self._most_zero_samples
        if self._zero_samples > most >= before:
            self._switch.complain(self._zeros)
        elif before > most >= self._zero_samples:
            self._switch.complain("")


def _given_by(server: SoundServer, device: Device, devices: Sequence[Device]) -> Device:
    """Return a server's device, with its source if the environment names one.

    Raises:
        NoMicrophoneError: that is not there; or none is named, and there is but a monitor.
    """
    named = server.named
    if named is not None:
        if named.isdecimal() or named.startswith("@"):  # a number, or a word of the server's
            return device
        return _named_by_environment(named, server, device)
    source = server.source_of_default()
    if source is None:
        raise NoMicrophoneError("there is no microphone", NO_DEVICE)
    if not source.is_monitor:
        return dataclasses.replace(device, name=source.description)
    by_device = any(each.source == source.name for each in devices)
    how = f"; or, if you mean it, --device {source.name!r}" if by_device else ""
    raise NoMicrophoneError(
        f"there is no microphone: the sound system offers {source.name!r}, which gives what the "
        "loudspeaker plays",
        f"Plug in a microphone{how}",
    )


def _named_by_environment(named: str, server: SoundServer, device: Device) -> Device:
    source = server.source(named)
    if source is None:
        raise NoMicrophoneError(
            f"{SOURCE_VARIABLES[server.api]} names {named!r}, which is not there",
            "Plug it in, or choose another from 'emotiond devices'",
        )
    return dataclasses.replace(
        device,
        name=source.description,
        api=server.api,
        source=named,
        plug_in=device.index,
        is_monitor=source.is_monitor,
    )


def _zeros(device: Device, server: SoundServer | None) -> str:
    """Return the complaint about zeros, with the remedy of this system."""
    remedies = {
        "Linux": "Unmute it in the sound settings, by its own switch, or with: "
        f"{_unmuting(device, server)}",
        "Darwin": "Allow it in System Settings, Privacy & Security, Microphone, for the terminal "
        "or the program that starts emotiond, and start it again",
        "Windows": "Allow it in Settings, Privacy, Microphone, 'Let desktop apps access your "
        "microphone', and unmute it in the sound settings",
    }
    remedy = remedies.get(platform.system(), "Unmute it, and allow this program to use it")
    return (
        "the microphone gives nothing but zeros: it is muted, or this program may not use it. "
        f"{remedy}."
    )


def _unmuting(device: Device, server: SoundServer | None) -> str:
    """Return the command that unmutes a microphone on Linux."""
    if server is None:
        return "alsamixer"
    source = device.source or server.named
    if server.api == PULSEAUDIO:
        return f"pactl set-source-mute {shlex.quote(source or '@DEFAULT_SOURCE@')} 0"
    if source is None:
        return "wpctl set-mute @DEFAULT_AUDIO_SOURCE@ 0"
    return "wpctl set-mute NUMBER 0 (wpctl status has the number)"


def _open(_value: str, settings: MicrophoneSettings, playback: Playback) -> Source:
    return Microphone(settings.device, playback.waits)


MICROPHONE = SourceKind(
    "microphone",
    MicrophoneSettings,
    options=(
        Option(
            "--device",
            "microphone, see 'emotiond devices'",
            "NAME|INDEX",
            takes_numbers=True,
        ),
    ),
    value="mic",
    open=_open,
    is_single=True,
)
