"""docs/results.md shows what the command writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import emotiond
from emotiond.streamer.results.columns import COLUMNS
from emotiond.streamer.results.kinds import FORMATS
from tests.support.daemon import DEMO
from tests.support.results import writing

PAGE = (Path(__file__).parents[2] / "docs" / "results.md").read_text("utf-8")
SHOWN = {
    found[1].splitlines()[0]: found[1].splitlines()
    for found in re.finditer(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
}
NUMBER = re.compile(r"\d+(?:\.\d+)?")
TOLERANCE = 5  # percent points; interpreters differ a little


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of all formats for the demo."""
    folder = tmp_path_factory.mktemp("written")
    result = {**emotiond.analyze(DEMO).to_json(), "file": "recording.wav"}
    lines = []
    for name in FORMATS.keys() - {"parquet", "text", "json"}:
        with pytest.MonkeyPatch.context() as patch:
            (folder / name).mkdir()
            patch.chdir(folder / name)
            output = Path("table") if name == "csv" else Path()
            with writing(name, output, ["recording.wav"], "segments") as write:
                write(result)
            for path in (folder / name).iterdir():
                lines += [line.rstrip() for line in path.read_text("utf-8").splitlines()]
    return lines


def same(one: str, other: str) -> bool:
    if NUMBER.sub("0", one) != NUMBER.sub("0", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= (0.05 if "." in a else TOLERANCE) for a, b in pairs)


@pytest.mark.litert
@pytest.mark.parametrize("block", SHOWN)
def test_each_line_that_it_shows_is_written(written: list[str], block: str) -> None:
    for line in SHOWN[block]:
        assert any(same(line, each) for each in written), line


def test_it_has_all_formats_and_columns() -> None:
    table = re.findall(r"^\| `(\w+)` \|.*`segments`", PAGE, re.MULTILINE)
    assert table == [*FORMATS]
    for name, form in FORMATS.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        assert tuple(re.findall(r"`(files|segments|strides)`", row)) == form.levels
    for column in COLUMNS["segments"]:
        assert f"`{column}`" in PAGE or column.startswith("score_")
