"""What the results of a run depend on: only results that agree in it belong into one table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from emotiond import __version__
from emotiond.inference.card import SAMPLE_RATE

if TYPE_CHECKING:
    from emotiond.inference.card import Card
    from emotiond.inference.profile import Profile
    from emotiond.streamer.batch.settings import Settings


def about(settings: Settings, card: Card, profile: Profile | None) -> Mapping[str, str]:
    """Return what all results of a run depend on, by names for messages."""
    voice = ""
    if profile is not None:
        digest = hashlib.blake2b(json.dumps(asdict(profile)).encode(), digest_size=6)
        voice = f"{settings.profile} ({digest.hexdigest()})"
    return {
        "version of emotiond": __version__,
        "model": f"{card.name} ({card.sha256[:12]})",
        "voice profile": voice,
        "stride": f"{settings.stride_samples / SAMPLE_RATE:g} s",
        "choice of channels": settings.channels,
    }
