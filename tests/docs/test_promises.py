"""The tests that the pages name beside their promises are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import soundfile

from tests.support.daemon import emotiond
from tests.support.signals import RATE, demo

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


@pytest.mark.parametrize(
    "place",
    [
        "clients/web/index.html",
        "clients/web/files/decode.js",
        "streamer/uploads/uploads.py",
        "README.md",
        "docs/protocol.md",
    ],
)
def test_analyze_takes_all_formats_to_which_a_text_refers(place: str, tmp_path: Path) -> None:
    text = " ".join((ROOT / place).read_text("utf-8").split())
    found = re.search(
        r"(WAV, [\w, ]+ MP3)(?=.{,30}emotiond analyze)|emotiond analyze.{,40}?(WAV, [\w, ]+ MP3)",
        text,
    )
    assert found is not None
    formats = re.split(r", | and | or ", found[1] or found[2])
    files = []
    for name in formats:
        files.append(tmp_path / f"sound.{name.lower()}")
        kind, subtype = ("OGG", "OPUS") if name == "Opus" else (name, None)
        soundfile.write(files[-1], demo()[: 3 * RATE], RATE, format=kind, subtype=subtype)
    ended = emotiond("analyze", "--model", "lite", *map(str, files))
    assert (ended.returncode, ended.stderr) == (0, "")
