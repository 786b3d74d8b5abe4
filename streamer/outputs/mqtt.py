"""MQTT as an output: its settings, its reach, and how it is opened."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emotiond.exceptions import ConfigError, install
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.mqtt_broker import Broker
from emotiond.streamer.outputs.output import Opener, Output, OutputKind, Surroundings
from emotiond.streamer.reach import Reach, is_loopback

if TYPE_CHECKING:
    import ssl

_OFF = "off"
_PLACE = re.compile(
    r"mqtt(?P<tls>s)?://(?P<host>\[[0-9a-f:.]+(%[\w.-]+)?\]|[\w.-]+)(:(?P<port>\d{1,5}))?/?",
    re.IGNORECASE | re.ASCII,
)
_PORT, _TLS_PORT = 1883, 8883
_LONGEST_LABEL = 63  # of a name between two dots
_ADDRESS = "Use --mqtt mqtt://127.0.0.1[:PORT], mqtts://HOST[:PORT] or off"


@dataclass(frozen=True)
class MQTTSettings:
    """The settings of MQTT."""

    mqtt: str = _OFF
    """``mqtt://HOST[:PORT]``, ``mqtts://HOST[:PORT]`` with TLS, or ``off``."""
    mqtt_user: str | None = None
    """The user's name at the broker."""
    mqtt_password_file: str | None = None
    """File with the user's password, in one line."""
    mqtt_ca: str | None = None
    """File with the certificate of the broker, or of its authority; None for the known ones."""
    mqtt_commands: bool = False
    """Whether other programs may mute the microphone by MQTT."""


def _parts(place: str) -> tuple[str, int, bool] | None:
    """Return host, port, and whether it is with TLS; None if the text is no such address."""
    match = _PLACE.fullmatch(place)
    if match is None:
        return None
    host, has_tls = match["host"].strip("[]"), match["tls"] is not None
    port = int(match["port"] or (_TLS_PORT if has_tls else _PORT))
    labels = host.split(".")
    if ":" not in host and not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        return None
    return (host, port, has_tls) if 1 <= port <= 65_535 else None


def _check(settings: MQTTSettings) -> None:
    """Refuse what cannot be an address, and settings without the one that they need."""
    parts = None if settings.mqtt == _OFF else _parts(settings.mqtt)
    if settings.mqtt != _OFF and parts is None:
        if "@" in settings.mqtt:
            raise ConfigError(
                "mqtt cannot hold a user or a password, which every user of this machine would see",
                "Use --mqtt-user NAME and --mqtt-password-file FILE",
            )
        raise ConfigError(f"mqtt cannot be {settings.mqtt!r}", _ADDRESS)
    if settings.mqtt_password_file is not None and settings.mqtt_user is None:
        raise ConfigError("mqtt_password_file needs mqtt_user", "Name the user with --mqtt-user")
    if settings.mqtt_ca is not None and parts is not None and not parts[2]:
        raise ConfigError("mqtt_ca is for mqtts:// alone", "Use --mqtt mqtts://HOST[:PORT]")


def _reach(settings: MQTTSettings) -> Reach | None:
    """Return the reach. Without TLS it ends at this machine, with ``--insecure``, too.

    Raises:
        ConfigError: emotions, and perhaps a password, would cross a network unencrypted.
    """
    parts = _parts(settings.mqtt)
    if parts is None:
        return None
    host, port, has_tls = parts
    if not (has_tls or is_loopback(host)):
        written = f"[{host}]" if ":" in host else host
        raise ConfigError(
            f"at {settings.mqtt}, everyone on the way could read the events and the password",
            f"Use mqtts://{written}:{_TLS_PORT if port == _PORT else port}, with --mqtt-ca FILE if "
            "no known authority has signed the broker's certificate; mqtt://127.0.0.1 keeps to "
            "this machine",
        )
    return Reach(
        host,
        place=settings.mqtt,
        danger="events would go to another machine",
        at_home="--mqtt mqtt://127.0.0.1",
        is_protected=has_tls,
    )


def _prepare(settings: MQTTSettings) -> Opener | None:
    """Read the password and the certificate.

    Raises:
        ConfigError: one of them cannot be read, or a package is missing.
    """
    parts = _parts(settings.mqtt)
    if parts is None:
        return None
    if importlib.util.find_spec("paho") is None:
        raise ConfigError("--mqtt needs the package paho-mqtt", install("paho-mqtt>=2.1,<3"))
    host, port, has_tls = parts
    broker = Broker(
        settings.mqtt,
        host,
        port,
        settings.mqtt_user,
        _password(settings),
        _tls(settings) if has_tls else None,
    )

    async def open_publisher(around: Surroundings) -> Output:
        from emotiond.streamer.outputs.mqtt_publisher import MQTTPublisher

        return MQTTPublisher(broker, around, settings.mqtt_commands)

    return open_publisher


def _password(settings: MQTTSettings) -> str | None:
    if settings.mqtt_password_file is None:
        return None
    from emotiond.streamer.server.credentials import read_secret

    advice = "Give --mqtt-password-file a file that holds the password in one line"
    path = Path(settings.mqtt_password_file)
    password = read_secret(path, "password", advice)
    if not password:
        raise ConfigError(f"the password file {path} is empty", advice)
    return password


def _tls(settings: MQTTSettings) -> ssl.SSLContext:
    import ssl

    from emotiond.streamer.private_files import check_links

    path = settings.mqtt_ca
    try:
        if path is not None:
            check_links(Path(path))
        context = ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot use {path} as a certificate to trust ({reason})",
            "Give --mqtt-ca a certificate in PEM",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


MQTT = OutputKind(
    "MQTT",
    MQTTSettings,
    options=(
        Option(
            "--mqtt",
            "broker, also for Home Assistant; mqtts:// is with TLS (default: off)",
            "mqtt[s]://HOST[:PORT]|off",
            after="--zmq-latest",
        ),
        Option("--mqtt-user", "user's name at the broker", "NAME", takes_numbers=True),
        Option("--mqtt-password-file", "the user's password, in one line", "FILE"),
        Option("--mqtt-ca", "certificate of the broker, or of its authority", "FILE.pem"),
        Option("--mqtt-commands", "let other programs mute the microphone by MQTT"),
    ),
    check=_check,
    reach=_reach,
    prepare=_prepare,
    queue="mqtt_messages",
    close_seconds=0.5,
)
