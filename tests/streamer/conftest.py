"""A sound server for the tests that need a microphone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sound_server import SoundServer, missing_programs, sound_server


@pytest.fixture
def microphone() -> Iterator[SoundServer]:
    """A headless microphone into which recordings can be played."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (Debian: pulseaudio, pulseaudio-utils)")
    with sound_server() as server:
        yield server
