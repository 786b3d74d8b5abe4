"""Results in JSON are read piece by piece."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.streamer.report import lines
from emotiond.streamer.report.lines import Line, TooLongError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
OBJECTS = st.dictionaries(st.text().filter(lambda name: name != "events"), VALUES)
MOST_BYTES = 25_000_000


def line_of(content: bytes) -> Line:
    return Line(io.BufferedReader(io.BytesIO(content)), lambda found: found)  # type: ignore[arg-type]


def object_in(line: Line) -> dict[str, Any]:
    return {
        name: [*value] if isinstance(value, Iterator) else value for name, value in line.members()
    }


@settings(max_examples=25, deadline=None)
@given(OBJECTS, st.lists(VALUES), st.integers(1, 40), st.booleans(), st.sampled_from(["", "\n"]))
def test_any_object_is_read_as_json_reads_it(
    found: dict[str, Any], events: list[Any], piece_bytes: int, is_ascii: bool, end: str
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lines, "_PIECE_BYTES", piece_bytes)
        whole = {**found, "events": events, "after": 1}
        text = json.dumps(whole, ensure_ascii=is_ascii) + end
        file = io.BufferedReader(io.BytesIO(text.encode("utf-8", "surrogatepass") + b"{}"))  # type: ignore[arg-type]
        line = Line(file, lambda value: value)
        if end:
            assert object_in(line) == whole
            assert (line.is_read, line.has_end) == (True, True)
            assert file.read() == b"{}"
        else:
            with pytest.raises(ValueError, match="more than an object"):
                object_in(line)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"3", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a" 1}', b"{1:2}"),
        *(b'{"events":3}', b'{"events":[', b'{"events":[1', b'{"events":[1 2]}', b'{"a":1}}'),
        *(b"\xff", b'{"a":1.}', b'{"a":01}', b'{"a":tru}', b'{"a":1x}'),
    ],
)
def test_what_is_no_object_is_none(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        object_in(line_of(content))


def test_a_value_may_not_take_the_memory_that_json_takes() -> None:
    with pytest.raises(TooLongError):
        object_in(line_of(b'{"a":[' + b"[]," * 50_000 + b"[]]}"))


def test_what_is_left_of_a_line_is_passed_over_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = line_of(b"x" * 200_000 + b"\n")
    line.skip()
    assert line.has_end
    monkeypatch.setattr(lines, "_MOST_SKIPPED_BYTES", 2**17)
    line = line_of(b"x" * 400_000)
    line.skip()
    assert not line.is_read


@pytest.mark.skipif(sys.platform == "win32", reason="measures as POSIX does")
@pytest.mark.parametrize("content", ["[]", "{}"])
def test_a_line_takes_little_memory_however_long_it_is(tmp_path: Path, content: str) -> None:
    """Six megabytes of it took 175 MB."""
    path = tmp_path / "results.jsonl"
    with path.open("w") as file:
        file.write('{"file":"a","duration":1,"events":[')
        file.write(",".join([content] * 2_000_000))
        file.write("]}\n")
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from emotiond.exceptions import ReportError\n"
        "from emotiond.streamer.report.read import read\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    read(Path(sys.argv[1]))\n"
        "except ReportError as error:\n    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
    )
    said, grown = done.stdout.splitlines()
    assert "line 1 is no result" in said
    assert int(grown) * (1 if sys.platform == "darwin" else 1024) < MOST_BYTES, grown
