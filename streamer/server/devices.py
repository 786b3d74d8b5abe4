"""The paired devices of a daemon: their names and the digests of their tokens, in a file."""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import secrets
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.inference.parsing import build
from emotiond.streamer.daemon_names import is_name
from emotiond.streamer.private_files import check_neighbours, open_private, write_private

MOST_DEVICES = 32
_VERSION = 1
_TOKEN_BYTES = 32
_MOST_BYTES = 64 * 1024  # of the file: 32 devices take a quarter of it at most
_DIGEST_CHARACTERS = 64


@dataclass(frozen=True)
class Device:
    """A paired device.

    Raises:
        ValueError: a value is impossible.
    """

    name: str
    digest: str
    """SHA-256 of its token, in hexadecimal. A slow hash would protect no better: nobody guesses 32
    random bytes, as they guess a password."""
    paired: float
    """Unix time."""
    seen: float
    """Unix time of its last token."""

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError(f"'name' cannot be {self.name!r}")
        if len(self.digest) != _DIGEST_CHARACTERS or set(self.digest) - set("0123456789abcdef"):
            raise ValueError("'digest' is no digest")


@dataclass(frozen=True)
class _Content:
    version: int
    devices: tuple[Device, ...]

    def __post_init__(self) -> None:
        if self.version != _VERSION:
            raise ValueError(f"'version' is {self.version}, not {_VERSION}")
        if len(self.devices) > MOST_DEVICES:
            raise ValueError(f"there are more than {MOST_DEVICES} devices")
        if len({alike(each.name) for each in self.devices}) < len(self.devices):
            raise ValueError("two devices have one name")


class Devices:
    """The devices that are paired now. The file is read once, and then only written.

    It is this daemon's alone: one that something else has changed meanwhile is left as it is. What
    another daemon has revoked there would come back.

    Args:
        path: the file. It need not exist.

    Raises:
        ConfigError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.unwritten = False
        """Whether there is something that the file does not say."""
        try:
            content = self._written = _read(path)
            devices = () if content is None else build(_Content, json.loads(content)).devices
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"no paired device is let in: cannot use {path} ({reason})",
                "Repair the file, or move it away, start emotiond again and pair the devices anew",
            ) from None
        self._devices = {each.name: each for each in devices}

    @property
    def all(self) -> Sequence[Device]:
        """All devices, in the order in which they were paired."""
        return tuple(self._devices.values())

    def name_of(self, token: bytes) -> str | None:
        """Return whose token this is, and note that it came; None if it is nobody's.

        Each digest is compared in constant time.
        """
        digest, found = hashlib.sha256(token).hexdigest(), None
        for device in self._devices.values():
            if hmac.compare_digest(device.digest, digest):
                found = device
        if found is None:
            return None
        self._devices[found.name] = replace(found, seen=time.time())
        self.unwritten = True
        return found.name

    def find(self, name: str) -> Device | None:
        """Return the device of a name, in upper or lower case."""
        return next((each for each in self.all if alike(each.name) == alike(name)), None)

    def admit(self, device: Device) -> None:
        """Let a device in from now on."""
        self._devices[device.name] = device

    def shut_out(self, device: Device) -> None:
        """Let a device in no more."""
        self._devices.pop(device.name, None)
        self.unwritten = True

    def write(self, devices: Sequence[Device]) -> None:
        """Write a list of devices into the file. A thread may do so.

        Raises:
            OSError: the file cannot be written; it is as it was.
        """
        self.unwritten = False
        try:
            if _read(self._path) != self._written:
                raise OSError(errno.ESTALE, "another program has changed it")
            content = {"version": _VERSION, "devices": [asdict(each) for each in devices]}
            text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            write_private(self._path, text)
            self._written = text.encode()
        except BaseException:
            self.unwritten = True
            raise


def make_device(name: str) -> tuple[Device, str]:
    """Return a device and its token, which nobody keeps but the device."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    digest = hashlib.sha256(token.encode()).hexdigest()
    now = time.time()
    return Device(name, digest, paired=now, seen=now), token


def alike(name: str) -> str:
    """Return what two names have in common that people would take for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def _read(path: Path) -> bytes | None:
    """Return what the file holds; None if there is none.

    Raises:
        OSError: it cannot be read, others could write it, or it is too large.
    """
    try:
        check_neighbours(path, ())
        descriptor = open_private(path)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError(errno.EFBIG, "it is far too large")
    return content
