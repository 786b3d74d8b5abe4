"""The daemon's settings: defaults < TOML file < environment < flags."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.parsing import build
from emotiond.streamer.daemon_names import MOST_CHARACTERS, host_name, is_name
from emotiond.streamer.folders import data_folder
from emotiond.streamer.options import Part, S
from emotiond.streamer.outputs import kinds as outputs
from emotiond.streamer.outputs.output import OutputKind
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.reach import Reach, is_loopback
from emotiond.streamer.rooms.addresses import parse_addresses, refuse_less_proof
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.service_manager import runs_as_service
from emotiond.streamer.sources import kinds as sources
from emotiond.streamer.sources.factory import kind_of, parse_specs, take_speed
from emotiond.streamer.sources.source import Playback, SourceKind

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_PREFIX = "EMOTIOND_"

_STRIDE_STEP_SECONDS = 0.01
_LONGEST_STRIDE_SECONDS = 10.0
_MOST_CLIENT_STREAMS = 64
_MOST_KEEP_HOURS = 24.0
_SLOWEST, _FASTEST = 0.1, 100.0
_MOST_BYTES = 1_000_000  # of a file of settings


def _default_sources() -> tuple[tuple[SourceKind[Any], Any], ...]:
    return tuple((kind, kind.settings()) for kind in sources.SOURCES)


def _default_outputs() -> tuple[tuple[OutputKind[Any], Any], ...]:
    return tuple((kind, kind.settings()) for kind in outputs.OUTPUTS)


@dataclass(frozen=True)
class Config:
    """All settings of ``emotiond run``. Those of a kind of source or of an output are its own.

    Raises:
        ConfigError: a value is out of range, or two values contradict each other.
    """

    source: tuple[str, ...] = ()
    """Values ``[NAME=]mic|demo|-|FILE``; empty for the microphone, or the demo without one."""
    speed: str = "1"
    """``1``: real time; ``max``: as fast as possible, without loss; another number for recorded
    events: so many times as fast."""
    once: bool = False
    """Whether to end with the sources instead of playing files in a loop."""
    model: str | None = None
    """Name of a bundled model, or path of a ``.tflite`` file; None for the best that runs."""
    profile: str | None = None
    """Name of the voice profile that streams start from; None for an unknown voice."""
    stride: float = 0.25
    """Seconds from one inference to the next."""
    name: str | None = None
    """What the daemon is called in its messages; None for the host's name."""
    follow: tuple[str, ...] = ()
    """Addresses of other daemons whose streams the page shows, too."""
    follow_token_file: str | None = None
    """File with the tokens of those daemons."""
    follow_ca: str | None = None
    """Certificate to trust there, in PEM; None for the authorities that this machine knows."""
    max_client_streams: int = Limits.uploads
    """Largest number of uploads; 0 for none."""
    history: str | None = None
    """File or PostgreSQL database with the results of uploaded files, or ``off``; None for the
    user's data folder."""
    keep_hours: float = 2.0
    """For how long the events of public streams are kept in memory; 0 to keep nothing."""
    insecure: bool = False
    """Whether other machines may listen without token and CURVE."""
    source_kinds: tuple[tuple[SourceKind[Any], Any], ...] = field(default_factory=_default_sources)
    """Each kind of source of the table with its settings."""
    outputs: tuple[tuple[OutputKind[Any], Any], ...] = field(default_factory=_default_outputs)
    """Each output of the table with its settings."""
    given: Set[str] = frozenset()
    """The names of the settings that a file, the environment or a flag gives."""

    def __post_init__(self) -> None:
        for settings in (self, *(settings for _, settings in self._parts)):
            for name, value in vars(settings).items():
                if value == "":  # an unset "$TOKEN_FILE", for instance, must not mean "none"
                    raise ConfigError(f"{name} cannot be empty", "Give it a value, or leave it out")
        steps = self.stride / _STRIDE_STEP_SECONDS
        if not (0 < self.stride <= _LONGEST_STRIDE_SECONDS and math.isclose(steps, round(steps))):
            raise ConfigError(
                f"stride cannot be {self.stride:g} seconds",
                f"Use a multiple of {_STRIDE_STEP_SECONDS} up to {_LONGEST_STRIDE_SECONDS:g}",
            )
        if not self.lossless and not _SLOWEST <= self._factor <= _FASTEST:  # not a number, too
            raise ConfigError(
                f"speed cannot be {self.speed!r}",
                f"Use 1 or max, for recorded events {_SLOWEST:g} to {_FASTEST:g}",
            )
        for source, settings in self.source_kinds:
            source.check(settings)
        if self.name is not None and not is_name(self.name):
            raise ConfigError(
                f"name cannot be {self.name!r}",
                f"Use 1 to {MOST_CHARACTERS} letters, digits, spaces, '-', '_' and '.', "
                "a letter or digit first and last",
            )
        parse_addresses(self.follow)
        for name in ("follow_token_file", "follow_ca"):
            if getattr(self, name) is not None and not self.follow:
                raise ConfigError(f"{name} is of no use without follow", "Give --follow, too")
        if not 0 <= self.max_client_streams <= _MOST_CLIENT_STREAMS:
            raise ConfigError(
                f"max_client_streams cannot be {self.max_client_streams}",
                f"Use 0 to {_MOST_CLIENT_STREAMS}",
            )
        if not 0 <= self.keep_hours <= _MOST_KEEP_HOURS:
            raise ConfigError(
                f"keep_hours cannot be {self.keep_hours:g}",
                f"Use 0 to {_MOST_KEEP_HOURS:g}; 0 keeps nothing",
            )
        for output, settings in self.outputs:
            output.check(settings)

    def settings_of(self, part: Part[S], /) -> S:
        """Return the settings of a kind of source, or of an output."""
        found: S = next(settings for each, settings in self._parts if each is part)
        return found

    @property
    def _parts(self) -> tuple[tuple[Part[Any], Any], ...]:
        return (*self.source_kinds, *self.outputs)

    @property
    def stride_samples(self) -> int:
        """The stride at 16 kHz."""
        return round(self.stride * SAMPLE_RATE)

    @property
    def history_place(self) -> str | None:
        """The file or database of the history; None for no history."""
        if self.history is None:
            return str(data_folder() / "history.sqlite")
        return None if self.history == "off" else self.history

    @property
    def daemon_name(self) -> str:
        """What the daemon is called: ``name``, or the host's name."""
        return host_name() if self.name is None else self.name

    @property
    def _factor(self) -> float:
        """The number in ``speed``; 0 if it is none."""
        try:
            return float(self.speed)
        except ValueError:
            return 0.0

    @property
    def lossless(self) -> bool:
        """Whether sources wait for the pipeline, and the pipeline for its outputs."""
        return self.speed == "max"

    def demo_may_stand_in(self) -> bool:
        """Return whether the demo may play on the page where there is no microphone.

        It is for a person who tries the program: not for a service manager, nor for those who
        asked for another output, and would get an actor's emotions there.

        Raises:
            ConfigError: the keys of an output cannot be read.
        """
        return not runs_as_service() and not any(
            any(option.key in self.given for option in kind.options)
            and kind.prepare(settings) is not None
            for kind, settings in self.outputs
            if not kind.carries_stand_in
        )

    @property
    def playback(self) -> Playback:
        """How sources play that have no pace of their own."""
        factor = 1.0 if self.lossless else self._factor
        return Playback(realtime=not self.lossless, loop=not self.once, speed=factor)


def closed_unasked(config: Config) -> Sequence[str]:
    """Return why outputs are closed that are open by default."""
    reasons = []
    for kind, settings in config.outputs:
        reach = kind.reach(kind.settings())
        values = {key: getattr(settings, key) for key in kind.closed if key not in config.given}
        if values and values.items() <= kind.closed.items() and reach is not None:
            remedy = _remedy(reach.local_protection)
            reasons.append(f"{kind.name} stays closed: {reach.local_danger}. {remedy}")
    return reasons


def refuse_exposure(config: Config) -> None:
    """Refuse settings with which a part reaches other machines without protection.

    If clients need a token, the same holds for other users of this machine.

    Raises:
        ConfigError: the settings do so without ``insecure``, or contradict each other.
    """
    for reach in [*_beyond(config)]:  # all at first, since each looks for contradictions, too
        _refuse(config, reach)
    page = WEBSOCKET.reach(config.settings_of(WEBSOCKET))
    if config.follow and page is not None and not page.is_protected:
        refuse_less_proof(config.follow, config.follow_token_file is not None, page.host)
    for kind, settings in config.outputs:
        if (local := _beside_token(config, kind, settings)) is not None:
            raise ConfigError(
                f"at {local.place}, {local.local_danger}", _remedy(local.local_protection)
            )


def refuse_exposed_sources(config: Config) -> None:
    """Refuse the same of sources alone, for a command that opens no outputs.

    Raises:
        ConfigError: as :func:`refuse_exposure`.
    """
    for reach in _beyond_by_sources(config):
        _refuse(config, reach)


def exposure_warnings(config: Config) -> Sequence[str]:
    """Return what to warn of where parts reach other machines."""
    return [warning for reach in _beyond(config) for warning in reach.warnings]


def _close_unasked(config: Config) -> Config:
    """Close the outputs that are open by default but make the token go for nothing."""
    outputs: list[tuple[OutputKind[Any], Any]] = []
    for kind, settings in config.outputs:
        outputs.append((kind, settings))
        closed = {key: value for key, value in kind.closed.items() if key not in config.given}
        if closed and _beside_token(config, kind, settings) is not None:
            outputs[-1] = (kind, dataclasses.replace(settings, **closed))
    return dataclasses.replace(config, outputs=tuple(outputs))


def _remedy(protection: str | None) -> str:
    if protection is None:
        return "Allow it with --insecure"
    return f"{protection}, or allow it with --insecure"


def _beside_token(config: Config, kind: OutputKind[S], settings: S) -> Reach | None:
    """Return the reach of an output that makes the token go for nothing; None otherwise."""
    if config.insecure or config.settings_of(WEBSOCKET).token_file is None:
        return None
    reach = kind.reach(settings)
    if reach is None or reach.is_protected or reach.local_danger is None:
        return None
    return reach


def _refuse(config: Config, reach: Reach) -> None:
    if not (config.insecure or reach.is_protected):
        raise ConfigError(
            f"at {reach.place}, {reach.danger}",
            f"{_remedy(reach.protection)}; {reach.at_home} keeps to this machine",
        )


def _beyond(config: Config) -> Iterator[Reach]:
    """Yield where outputs and sources reach beyond this machine."""
    for kind, settings in config.outputs:
        reach = kind.reach(settings)
        if reach is not None and not is_loopback(reach.host):
            yield reach
    yield from _beyond_by_sources(config)


def _beyond_by_sources(config: Config) -> Iterator[Reach]:
    for spec in parse_specs(config.source):
        kind = kind_of(spec.source)
        reach = kind.reach(spec.source, config.settings_of(kind))
        if reach is not None and not is_loopback(reach.host):
            yield reach


def make_config(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Config:
    """Merge the layers. Beside a token, what is open by default but does not ask for it is closed.

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
    config, everything = Config(), all_settings()
    for where, layer in layers:
        merged.update(layer)
        try:
            config = _config(build(everything, merged), frozenset(merged))
        except ValueError as error:
            raise ConfigError(f"{where}: {error}", "See 'emotiond run --help'") from None
    if config.playback.speed != 1 and not take_speed(config.source):
        raise ConfigError(
            f"speed {config.speed} is for the events of 'session:FILE' alone: sound is played as "
            "it was spoken",
            "Use 1 or max, or leave the other sources out",
        )
    return _close_unasked(config)


def all_settings() -> type:
    """Return a dataclass with the fields of all settings: the daemon's and those of its parts."""
    fields: list[tuple[str, Any, Any]] = []
    owners: list[Any] = [Config, *(part.settings for part in _all_parts())]
    for owner in owners:
        hints = typing.get_type_hints(owner)
        for each in dataclasses.fields(owner):
            if each.name not in ("source_kinds", "outputs", "given"):
                fields.append((each.name, hints[each.name], field(default=each.default)))
    return dataclasses.make_dataclass("AllSettings", fields, frozen=True)


def _all_parts() -> Sequence[Part[Any]]:
    """Return whatever has settings of its own."""
    return (*sources.SOURCES, *outputs.OUTPUTS)


def _config(everything: object, given: Set[str]) -> Config:
    """Give each part its settings out of all."""
    values = vars(everything)

    def pick(owner: type[S], **more: Any) -> S:
        names = [each.name for each in dataclasses.fields(owner)]  # type: ignore[arg-type]
        return owner(**{name: values[name] for name in names if name in values}, **more)

    return pick(
        Config,
        source_kinds=tuple((kind, pick(kind.settings)) for kind in sources.SOURCES),
        outputs=tuple((kind, pick(kind.settings)) for kind in outputs.OUTPUTS),
        given=given,
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:  # a pipe, too: --config <(…)
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError(f"{path} is far too large for settings", "Check --config")
        values = tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror})", "Check --config") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "See the README's example") from None
    # A text on the command line may be a number in a file.
    options = [option for part in _all_parts() for option in part.options]
    numbers: dict[str, Sequence[type]] = {"speed": (int, float), "name": (int,)}
    numbers |= {option.key: (int,) for option in options if option.takes_numbers}
    return {
        key: str(value) if type(value) in numbers.get(key, ()) else value
        for key, value in values.items()
    }


def _environment_values(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the values of variables such as ``EMOTIOND_WAIT_CLIENTS=2``. Commas separate lists."""
    hints = typing.get_type_hints(all_settings())
    of_clients = {name for kind in outputs.OUTPUTS for name in kind.client_variables}
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        key = variable[len(ENVIRONMENT_PREFIX) :].lower()
        if key in of_clients:
            continue
        values[key] = _parse_text(hints.get(key, str), text)
    return values


def _parse_text(hint: Any, text: str) -> Any:
    if typing.get_origin(hint) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if hint in (int, float, bool):
        try:
            return json.loads(text.lower())
        except (ValueError, RecursionError):
            return text  # of the wrong type: the validation will say so
    return text
