"""What a fault is called, in one line."""

from __future__ import annotations

import traceback
from pathlib import Path

from emotiond.inference.exceptions import EmotiondError


def cause_of(error: Exception) -> str:
    """The problem and its remedy; of what nobody foresaw, the error and where it arose."""
    if isinstance(error, EmotiondError):
        return str(error)
    places = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else ""
    return " ".join(f"internal error: {error!r}{where}".split())
