"""The tests that the pages name beside their promises are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "folder"), [("security.md", "tests"), ("reliability.md", "tests/streamer")]
)
def test_every_test_that_a_page_names_is_there(page: str, folder: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    named = set(re.findall(r"`([\w/]*test_\w+\.py)`", text))
    assert named
    places = (ROOT / folder, ROOT / "tests", ROOT)
    assert [name for name in named if not any((place / name).is_file() for place in places)] == []
