"""A browser without a display, which draws without a GPU."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import sync_playwright


@contextlib.contextmanager
def headless_browser() -> Iterator[Any]:
    """Run the Chromium of this machine; yields Playwright's browser."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--mute-audio"],
        )
        yield browser
        browser.close()
