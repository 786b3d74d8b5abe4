"""The layers of the settings: defaults < TOML file < environment < flags."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing
from collections.abc import Mapping, Sequence, Set
from dataclasses import field
from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError
from emotiond.inference.parsing import build
from emotiond.streamer.options import Part, S
from emotiond.streamer.outputs import kinds as outputs
from emotiond.streamer.settings.config import Config
from emotiond.streamer.settings.exposure import close_unasked
from emotiond.streamer.sources import kinds as sources
from emotiond.streamer.sources.factory import take_speed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_PREFIX = "EMOTIOND_"

_MOST_BYTES = 1_000_000  # of a file of settings


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
    return close_unasked(config)


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
