"""The daemon's settings: defaults < TOML file < environment < flags."""

from __future__ import annotations

import json
import math
import re
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from emotiond.exceptions import ConfigError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.parsing import build
from emotiond.streamer.folders import data_folder
from emotiond.streamer.server.access import is_loopback
from emotiond.streamer.server.limits import Limits

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_PREFIX = "EMOTIOND_"

_CLIENTS_OWN = ("zmq_keys",)
"""Variables with the daemon's prefix that only its clients read."""
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+", re.IGNORECASE)
_HOST = re.compile(r"[^/:\s]+|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)  # or an IPv6 address
_STRIDE_STEP_SECONDS = 0.01
_LONGEST_STRIDE_SECONDS = 10.0
_MOST_CONNECTIONS = 100_000
_MOST_CLIENT_STREAMS = 64
_ENDPOINT = re.compile(r"ipc://.+|tcp://(?P<host>.+):(?P<port>\d{1,5}|\*)")


@dataclass(frozen=True)
class Config:
    """All settings of ``emotiond run``.

    Raises:
        ConfigError: a value is out of range, or two values contradict each other.
    """

    source: tuple[str, ...] = ()
    """Values ``[NAME=]mic|demo|-|FILE``; empty for the microphone, or the demo without one."""
    device: str | None = None
    """Number or name of the microphone."""
    rate: int = SAMPLE_RATE
    """Sample rate of standard input, in Hz."""
    speed: Literal["1", "max"] = "1"
    """``1``: real time; ``max``: as fast as possible, without loss."""
    once: bool = False
    """Whether to end with the sources instead of playing files in a loop."""
    wait_clients: int = 0
    """Number of WebSocket clients to wait for before the sources start."""
    model: str | None = None
    """Name of a bundled model, or path of a ``.tflite`` file; None for the best that runs."""
    profile: str | None = None
    """Name of the voice profile that streams start from; None for an unknown voice."""
    stride: float = 0.25
    """Seconds from one inference to the next."""
    record: tuple[str, ...] = ()
    """Values ``[NAME=]FILE.wav``: streams whose audio and events are recorded."""
    json: bool = False
    """Whether to print every event as a line on standard output."""
    host: str = "127.0.0.1"
    port: int = 8765
    """0 for any free port."""
    zmq: str = "tcp://127.0.0.1:8766"
    """ZeroMQ endpoint, or ``off``."""
    allow_origin: tuple[str, ...] = ()
    """Origins of web pages elsewhere that may listen."""
    allow_host: tuple[str, ...] = ()
    """Further host names of the daemon."""
    max_connections: int = Limits.connections
    """Largest number of connections, for web pages and WebSocket clients together."""
    max_client_streams: int = Limits.uploads
    """Largest number of uploads; 0 for none."""
    history: str | None = None
    """File with the results of uploaded files, or ``off``; None for the user's data folder."""
    token_file: str | None = None
    """File with the token that clients must send; None for open access."""
    tls_cert: str | None = None
    """Certificate chain in PEM; None for no encryption."""
    tls_key: str | None = None
    """The certificate's key, in PEM."""
    zmq_curve: str | None = None
    """Folder with the daemon's ZeroMQ key and its subscribers'; None for no encryption."""
    insecure: bool = False
    """Whether other machines may listen without token and CURVE."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value == "":  # an unset "$TOKEN_FILE", for instance, must not mean "none"
                raise ConfigError(f"{name} cannot be empty", "Give it a value, or leave it out")
        for origin in self.allow_origin:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigError(
                    f"allow_origin cannot be {origin!r}", "Use https://NAME or https://NAME:PORT"
                )
        for host in self.allow_host:
            if not _HOST.fullmatch(host):
                raise ConfigError(f"allow_host cannot be {host!r}", "Use a name, without the port")
        steps = self.stride / _STRIDE_STEP_SECONDS
        if not (0 < self.stride <= _LONGEST_STRIDE_SECONDS and math.isclose(steps, round(steps))):
            raise ConfigError(
                f"stride cannot be {self.stride:g} seconds",
                f"Use a multiple of {_STRIDE_STEP_SECONDS} up to {_LONGEST_STRIDE_SECONDS:g}",
            )
        if not 1_000 <= self.rate <= 384_000:
            raise ConfigError(f"rate cannot be {self.rate} Hz", "Use 1000 to 384000")
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"port cannot be {self.port}", "Use 0 to 65535")
        if self.wait_clients < 0:
            raise ConfigError("wait_clients cannot be negative", "Use 0 or more")
        if not 1 <= self.max_connections <= _MOST_CONNECTIONS:
            raise ConfigError(
                f"max_connections cannot be {self.max_connections}", f"Use 1 to {_MOST_CONNECTIONS}"
            )
        if not 0 <= self.max_client_streams <= _MOST_CLIENT_STREAMS:
            raise ConfigError(
                f"max_client_streams cannot be {self.max_client_streams}",
                f"Use 0 to {_MOST_CLIENT_STREAMS}",
            )
        if self.zmq != "off":
            _check_endpoint(self.zmq)

    @property
    def stride_samples(self) -> int:
        """The stride at 16 kHz."""
        return round(self.stride * SAMPLE_RATE)

    @property
    def history_path(self) -> Path | None:
        """The file of the history; None for no history."""
        if self.history == "off":
            return None
        return data_folder() / "history.sqlite" if self.history is None else Path(self.history)

    @property
    def lossless(self) -> bool:
        """Whether sources wait for the pipeline, and the pipeline for its outputs."""
        return self.speed == "max"


def _check_endpoint(endpoint: str) -> None:
    """Check an endpoint, since ZeroMQ silently takes port 99999 for another one."""
    match = _ENDPOINT.fullmatch(endpoint)
    port = "0" if match is None or match["port"] in (None, "*") else match["port"]
    if match is None or int(port) > 65_535:
        raise ConfigError(
            f"zmq cannot be {endpoint!r}", "Use --zmq tcp://127.0.0.1:PORT, ipc://PATH or off"
        )


def refuse_exposure(config: Config) -> None:
    """Refuse settings that let other machines listen without credentials.

    Raises:
        ConfigError: the settings do so without ``insecure``, or TLS lacks a file.
    """
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigError("TLS wants a certificate and its key", "Give --tls-cert and --tls-key")
    if config.insecure:
        return
    if config.token_file is None and not is_loopback(config.host):
        raise ConfigError(
            f"on {config.host}, other machines could listen without being asked who they are",
            "Give clients a token with --token-file FILE, or let everybody in with --insecure; "
            "--host 127.0.0.1 keeps to this machine",
        )
    endpoint = _ENDPOINT.fullmatch(config.zmq)
    host = endpoint["host"] if endpoint else None
    if config.zmq_curve is None and host and not is_loopback(host.strip("[]")):
        raise ConfigError(
            f"on {config.zmq}, other machines could subscribe without being asked who they are",
            "Give subscribers keys with --zmq-curve FOLDER, or let everybody in with --insecure; "
            "--zmq tcp://127.0.0.1:PORT keeps to this machine",
        )


def make_config(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Config:
    """Merge the layers.

    Args:
        flags: the values from the command line, by field name; ``config`` is the TOML file.
        environment: such as ``os.environ``.

    Raises:
        ConfigError: a layer has an unknown key or a wrong value. The message names both.
    """
    values = dict(flags)
    path = values.pop("config", None)
    from_environment = dict(_environment_values(environment))
    environment_path = from_environment.pop("config", None)
    path = environment_path if path is None else path
    from_file = {} if path is None else _read_toml(Path(path))
    layers = (
        (f"the file {path}", from_file),
        ("the environment", from_environment),
        ("the command line", values),
    )
    merged: dict[str, Any] = {}
    config = Config()
    for where, layer in layers:
        merged.update(layer)
        try:
            config = build(Config, merged)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}", "See 'emotiond run --help'") from None
    return config


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror})", "Check --config") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "See the README's example") from None
    # A text on the command line may be a number in a file.
    return {
        key: str(value) if key in ("speed", "device") and type(value) is int else value
        for key, value in values.items()
    }


def _environment_values(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the values of variables such as ``EMOTIOND_WAIT_CLIENTS=2``. Commas separate lists."""
    hints = typing.get_type_hints(Config)
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        key = variable[len(ENVIRONMENT_PREFIX) :].lower()
        if key in _CLIENTS_OWN:
            continue
        values[key] = _parse_text(hints.get(key, str), text)
    return values


def _parse_text(hint: Any, text: str) -> Any:
    if typing.get_origin(hint) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if hint in (int, float, bool):
        try:
            return json.loads(text.lower())
        except ValueError:
            return text  # of the wrong type: the validation will say so
    return text
