"""Plays streams of HTTP, Icecast and RTSP: ``--source NAME=http://HOST:PORT/PATH``."""

from __future__ import annotations

from emotiond.exceptions import ConfigError, SourceError, install
from emotiond.streamer.options import NoSettings
from emotiond.streamer.reach import Reach, is_loopback
from emotiond.streamer.sources.network_address import Address, is_address, parse_address
from emotiond.streamer.sources.source import Playback, Source, SourceKind


def _address(value: str) -> Address:
    """Parse a value.

    Raises:
        SourceError: it has another form.
        ConfigError: it would give a password away.
    """
    address = parse_address(value)
    is_readable = not (address.is_encrypted or is_loopback(address.host))
    if address.has_credentials and is_readable and not address.is_rtsp:  # RTSP has digests
        raise ConfigError(
            f"{address.shown}: the password would go over the network unencrypted",
            "Use https://, or a stream without a password",
        )
    return address


def _reach(value: str, _settings: NoSettings) -> Reach:
    address = _address(value)
    warning = f"{address.shown} is unencrypted: whoever is on the way can hear and change the sound"
    if address.has_credentials:
        warning += ", and guess at the password from what is said of it"
    return Reach(
        address.host,
        place=address.shown,
        danger="whoever is on the way could hear and change the sound",
        at_home=f"{address.scheme}://127.0.0.1",
        is_protected=address.is_encrypted,
        protection=f"Use {address.scheme.rstrip('s')}s://",
        warnings=() if address.is_encrypted else (warning,),
    )


def _open(value: str, _settings: NoSettings, playback: Playback) -> Source:
    address = _address(value)
    try:
        import av  # noqa: F401  (the decoder's process uses it)
    except ImportError:
        raise SourceError(
            "the package 'av' is not installed",
            install("av>=14"),
        ) from None
    from emotiond.streamer.sources.network_stream import NetworkStream

    return NetworkStream(address, playback.waits)


NETWORK = SourceKind(
    "network stream",
    NoSettings,
    options=(),
    value="URL",
    open=_open,
    recognizes=is_address,
    stream_name=lambda value: parse_address(value).host,
    reach=_reach,
)
