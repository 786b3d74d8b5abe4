from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from emotiond.inference.parsing import build
from emotiond.inference.profile import Profile, make_profile

PROFILE = make_profile("full", "0" * 64, 20.0, (0.5, -1.25))


def test_it_survives_being_written_and_read() -> None:
    assert build(Profile, dataclasses.asdict(PROFILE)) == PROFILE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format is 2"),
        ({"speech_seconds": 0}, "speech_seconds"),
        ({"speech_seconds": -1.0}, "speech_seconds"),
        ({"speech_seconds": 1e9}, "speech_seconds"),
        ({"mean": []}, "mean"),
        ({"mean": [1e300]}, "mean"),
        ({"mean": [float("nan")]}, "finite"),
        ({"mean": ["1"]}, "number"),
        ({"sound": "…"}, "unknown key 'sound'"),
    ],
)
def test_impossible_statistics_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        build(Profile, dataclasses.asdict(PROFILE) | changes)
