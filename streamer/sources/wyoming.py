"""Takes the sound that Wyoming satellites stream: ``--source NAME=wyoming://HOST:PORT``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from emotiond.exceptions import SourceError, install
from emotiond.streamer.options import Option
from emotiond.streamer.reach import Reach
from emotiond.streamer.sources.source import Playback, Source, SourceKind

PREFIX = "wyoming://"
_FORM = f"{PREFIX}127.0.0.1:10700"


@dataclass(frozen=True)
class WyomingSettings:
    """The setting of all Wyoming sources."""

    wyoming_announce: bool = False
    """Whether to announce them by mDNS."""


def _place(value: str) -> tuple[str, int]:
    """Return host and port of a value.

    Raises:
        SourceError: it has another form.
    """
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or value.rstrip("/") != f"{PREFIX}{parts.netloc}" or "@" in value:
        raise SourceError(f"{value!r} names no place to listen at", f"Use {_FORM}, for instance")
    return host, port


def _reach(value: str, _settings: WyomingSettings) -> Reach:
    host, _ = _place(value)
    return Reach(
        host,
        place=value,
        danger="other machines could stream sound into the daemon, and the sound comes unencrypted",
        at_home=_FORM,
        warnings=(
            f"{value} is open to everyone who can reach it: the Wyoming protocol knows neither "
            "passwords nor encryption",
        ),
    )


def _open(value: str, settings: WyomingSettings, _playback: Playback) -> Source:
    host, port = _place(value)
    try:
        from emotiond.streamer.sources.wyoming_door import WyomingDoor
    except ImportError:
        raise SourceError(
            "the package 'wyoming' is not installed", install("wyoming", "zeroconf")
        ) from None
    return WyomingDoor(host, port, settings.wyoming_announce)


WYOMING = SourceKind(
    "Wyoming source",
    WyomingSettings,
    options=(
        Option("--wyoming-announce", "announce Wyoming sources in the local network, by mDNS"),
    ),
    value=f"{PREFIX}HOST:PORT",
    open=_open,
    recognizes=lambda value: value.startswith(PREFIX),
    stream_name=lambda _value: "wyoming",
    reach=_reach,
)
