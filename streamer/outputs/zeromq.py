"""ZeroMQ as an output: its settings, its reach, and how it is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import Opener, Output, OutputKind, Surroundings
from emotiond.streamer.reach import Reach, audience, is_loopback

_OFF = "off"
_ENDPOINT = re.compile(
    r"ipc://(?P<abstract>@)?.+|tcp://(?P<host>\[[0-9a-f:.]+(%[\w.-]+)?\]|[^\[\]:]+):(?P<port>\d{1,5}|\*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ZeroMQSettings:
    """The settings of ZeroMQ."""

    zmq: str = "tcp://127.0.0.1:8766"
    """The endpoint, or ``off``."""
    zmq_latest: str = _OFF
    """The endpoint of single frames for subscribers that keep only the latest one, or ``off``."""
    zmq_curve: str | None = None
    """Folder with the daemon's key and its subscribers'; None for no encryption."""


def _check(settings: ZeroMQSettings) -> None:
    """Check the endpoints, since ZeroMQ silently takes port 99999 for another one."""
    for key, endpoint in (("zmq", settings.zmq), ("zmq_latest", settings.zmq_latest)):
        if endpoint == _OFF:
            continue
        match = _ENDPOINT.fullmatch(endpoint)
        port = "0" if match is None or match["port"] in (None, "*") else match["port"]
        if match is None or int(port) > 65_535:
            flag = f"--{key.replace('_', '-')}"
            raise ConfigError(
                f"{key} cannot be {endpoint!r}",
                f"Use {flag} tcp://127.0.0.1:PORT, 'tcp://[::1]:PORT', ipc://PATH or off",
            )


def _reach(settings: ZeroMQSettings) -> Reach | None:
    """Return the reach of the endpoint that reaches farther."""
    reaches = _reaches(settings)
    beyond = [reach for reach in reaches if not is_loopback(reach.host)]
    if not beyond:
        return reaches[0] if reaches else None
    warnings = dict.fromkeys(warning for reach in beyond for warning in reach.warnings)
    return replace(beyond[0], warnings=list(warnings))


def _reaches(settings: ZeroMQSettings) -> list[Reach]:
    """Return the reaches of the endpoints that are not for this user alone."""
    return [
        reach
        for flag, endpoint in (("--zmq", settings.zmq), ("--zmq-latest", settings.zmq_latest))
        if (reach := _reach_of(flag, endpoint, settings.zmq_curve)) is not None
    ]


def _reach_of(flag: str, place: str, curve: str | None) -> Reach | None:
    endpoint = _ENDPOINT.fullmatch(place)
    if endpoint is None or (endpoint["host"] is None and endpoint["abstract"] is None):
        return None
    # An abstract name of Linux has no rights: every user can connect.
    host, warnings = (endpoint["host"] or "localhost").strip("[]"), []
    if curve is None:
        warnings.append(f"anyone who can reach {host} can subscribe; --zmq-curve changes that")
    return Reach(
        host,
        place=place,
        danger="other machines could subscribe without being asked who they are",
        is_protected=curve is not None,
        protection="Give subscribers keys with --zmq-curve FOLDER",
        at_home=f"{flag} tcp://127.0.0.1:PORT",
        warnings=warnings,
        local_danger="every user of this machine could subscribe without the token",
        local_protection="Give subscribers keys with --zmq-curve FOLDER, or use "
        f"{flag} ipc://PATH, which is for this user alone",
    )


def _open_to(settings: ZeroMQSettings) -> str:
    reach = _reach(settings)
    if reach is None:
        return "this user alone"
    return "those with a key" if reach.is_protected else audience(reach.host)


def _prepare(settings: ZeroMQSettings) -> Opener | None:
    if settings.zmq == settings.zmq_latest == _OFF:
        return None
    keys = None if settings.zmq_curve is None else Path(settings.zmq_curve)

    async def open_publishers(around: Surroundings) -> Output:
        from emotiond.streamer.outputs.zeromq_publishers import Publishers

        endpoint, latest = (
            None if each == _OFF else each for each in (settings.zmq, settings.zmq_latest)
        )
        return Publishers(
            endpoint, latest, around.last_messages, around.lossless, keys, _open_to(settings)
        )

    return open_publishers


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
            "--zmq-latest",
            "second endpoint, of events in one frame for CONFLATE (default: off)",
            "ENDPOINT|off",
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
    closed={"zmq": _OFF},
    client_variables=("zmq_keys",),
)
