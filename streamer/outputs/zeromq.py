"""ZeroMQ as an output: its settings, its reach, and how it is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import Opener, Output, OutputKind, Reach, Surroundings

_OFF = "off"
_ENDPOINT = re.compile(
    r"ipc://.+|tcp://(?P<host>\[[0-9a-f:.]+(%[\w.-]+)?\]|[^\[\]:]+):(?P<port>\d{1,5}|\*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ZeroMQSettings:
    """The settings of ZeroMQ."""

    zmq: str = "tcp://127.0.0.1:8766"
    """The endpoint, or ``off``."""
    zmq_curve: str | None = None
    """Folder with the daemon's key and its subscribers'; None for no encryption."""


def _check(settings: ZeroMQSettings) -> None:
    """Check the endpoint, since ZeroMQ silently takes port 99999 for another one."""
    if settings.zmq == _OFF:
        return
    match = _ENDPOINT.fullmatch(settings.zmq)
    port = "0" if match is None or match["port"] in (None, "*") else match["port"]
    if match is None or int(port) > 65_535:
        raise ConfigError(
            f"zmq cannot be {settings.zmq!r}",
            "Use --zmq tcp://127.0.0.1:PORT, 'tcp://[::1]:PORT', ipc://PATH or off",
        )


def _reach(settings: ZeroMQSettings) -> Reach | None:
    endpoint = _ENDPOINT.fullmatch(settings.zmq)
    if endpoint is None or endpoint["host"] is None:
        return None
    host, warnings = endpoint["host"].strip("[]"), []
    if settings.zmq_curve is None:
        warnings.append(f"anyone who can reach {host} can subscribe; --zmq-curve changes that")
    return Reach(
        host,
        place=settings.zmq,
        danger="other machines could subscribe without being asked who they are",
        is_protected=settings.zmq_curve is not None,
        protection="Give subscribers keys with --zmq-curve FOLDER",
        at_home="--zmq tcp://127.0.0.1:PORT",
        warnings=warnings,
    )


def _prepare(settings: ZeroMQSettings) -> Opener | None:
    if settings.zmq == _OFF:
        return None
    keys = None if settings.zmq_curve is None else Path(settings.zmq_curve)

    async def open_publisher(around: Surroundings) -> Output:
        from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher

        return ZeroMQPublisher(settings.zmq, around.last_messages, around.lossless, keys)

    return open_publisher


ZEROMQ = OutputKind(
    "ZeroMQ",
    ZeroMQSettings,
    options=(
        Option(
            "--zmq",
            f"ZeroMQ endpoint (default: {ZeroMQSettings.zmq})",
            "ENDPOINT|off",
            after="--port",
        ),
        Option(
            "--zmq-curve",
            "CURVE keys of the daemon and its subscribers",
            "FOLDER",
            after="--tls-key",
        ),
    ),
    check=_check,
    reach=_reach,
    prepare=_prepare,
    queue="zeromq_overruns",
    close_seconds=0.2,
    client_variables=("zmq_keys",),
)
