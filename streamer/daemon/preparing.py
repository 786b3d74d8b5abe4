"""What the daemon reads before it opens anything: model, profile, keys and certificates."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotiond.inference.catalog import find_model
from emotiond.inference.model import Model
from emotiond.inference.profile import Profile
from emotiond.inference.runtime import Runtime
from emotiond.streamer.interpreter_check import checked_runtime
from emotiond.streamer.outputs.output import Opener, OutputKind
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.rooms.followed import Followed, prepare_followed
from emotiond.streamer.settings.config import Config
from emotiond.streamer.settings.exposure import closed_unasked, exposure_warnings
from emotiond.streamer.uploads.archives import archive_at

_log = logging.getLogger(__name__)

Openers = Sequence[tuple[OutputKind[Any], Opener]]
"""Each enabled output with its opener, in the order of the table."""


@dataclass(frozen=True)
class Prepared:
    """What the daemon has read before it opens anything."""

    runtime: Runtime
    model: Model
    profile: Profile | None
    openers: Openers
    followed: Sequence[Followed]


def prepare(config: Config) -> Prepared:
    """Read the model, the profile, and the keys of the outputs. Log what to be warned of.

    Raises:
        EmotiondError: one of them cannot be read, or the history cannot be used.
    """
    runtime = checked_runtime()
    model = find_model(config.model, runtime)
    openers = prepare_outputs(config)
    if config.history is not None and config.history_place is not None:
        archive_at(config.history_place).check()  # asked for by name, it cannot be left out
    profile = None if config.profile is None else profile_for(config.profile, model.card)
    for warning in [*closed_unasked(config), *exposure_warnings(config)]:
        _log.warning("%s", warning)
    return Prepared(runtime, model, profile, openers, _prepare_followed(config))


def _prepare_followed(config: Config) -> Sequence[Followed]:
    tokens, authority = config.follow_token_file, config.follow_ca
    return prepare_followed(
        config.follow,
        None if tokens is None else Path(tokens),
        None if authority is None else Path(authority),
    )


def prepare_outputs(config: Config) -> Openers:
    """Prepare all enabled outputs: read their keys, but open nothing yet.

    Raises:
        ConfigError: keys or the like cannot be read.
    """
    prepared = [(kind, kind.prepare(settings)) for kind, settings in config.outputs]
    return [(kind, opener) for kind, opener in prepared if opener is not None]
