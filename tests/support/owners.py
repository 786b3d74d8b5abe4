"""Files of another user."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def make_foreign(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file or a link another user's."""
    if os.geteuid() == 0:
        os.lchown(path, 12345, 12345)
    else:
        other = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: other)
