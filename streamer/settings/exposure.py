"""What settings expose to other machines, and to other users of this one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from emotiond.exceptions import ConfigError
from emotiond.streamer.options import S
from emotiond.streamer.outputs.output import OutputKind
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.reach import Reach, is_loopback
from emotiond.streamer.rooms.addresses import refuse_less_proof
from emotiond.streamer.settings.config import Config
from emotiond.streamer.sources.factory import kind_of, parse_specs


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


def close_unasked(config: Config) -> Config:
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
