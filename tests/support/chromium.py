"""The browser of this machine, without a window."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.support.daemon import DEMO

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # With one page always open, all others share its process: starting one is slower than a page.
    "--process-per-site",
    # The microphone plays a file. Each page still needs the permission to use it.
    "--use-fake-device-for-media-stream",
    # A page may play sound without a click.
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
    # A name that is this machine, but that browsers do not trust as such.
    "--host-resolver-rules=MAP elsewhere.test 127.0.0.1",
)
SIZES = {"wall": (3840, 2160), "large": (1440, 900), "tablet": (820, 1180), "phone": (360, 740)}

PATIENCE_MS = 30_000
"""For what a page shows at once on an idle machine."""


@contextlib.contextmanager
def running_chromium(folder: Path) -> Iterator[Any]:
    """Run the browser; its microphone plays the demo, from a file in the folder."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    voice = folder / "voice.wav"
    samples, sample_rate = soundfile.read(DEMO, dtype="int16")
    soundfile.write(voice, samples, sample_rate)
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    arguments = [*ARGUMENTS, f"--use-file-for-fake-audio-capture={voice}"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()
