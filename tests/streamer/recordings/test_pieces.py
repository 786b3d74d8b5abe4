"""Reading a part piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.protocol.columns import FIELDS, Columns, columns_of
from emotiond.streamer.protocol.events import Emotion
from emotiond.streamer.recordings import pieces
from emotiond.streamer.recordings.json_lines import MOST_LINE_BYTES
from emotiond.streamer.recordings.pieces import Piece, last_seconds, read_piece
from emotiond.streamer.recordings.plan import EventForm
from tests.support.recorded import record

FORMS: Sequence[EventForm] = ("jsonl", "sqlite")


def all_pieces(path: Path, most: int) -> Sequence[Piece]:
    found = [read_piece(path, "mic", 0, most)]
    while found[-1].after is not None:
        found.append(read_piece(path, "mic", found[-1].after, most))
    return found


def joined(found: Sequence[Piece]) -> Columns:
    return {name: [v for piece in found for v in piece.columns[name]] for name in FIELDS}


def ends(piece: Piece) -> Sequence[float]:
    return piece.columns["end"]


@pytest.fixture(scope="module", params=FORMS)
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Sequence[Emotion]]:
    folder = tmp_path_factory.mktemp("recorded")
    events = record(folder / "k.wav", ("sad", "calm") * 250, forms=[request.param])
    return folder / f"k.{request.param}", events


@pytest.mark.parametrize("most", [1, 7, 200, 499, 500, 501])
def test_all_pieces_together_are_the_events(
    recorded: tuple[Path, Sequence[Emotion]], most: int
) -> None:
    path, events = recorded
    found = all_pieces(path, most)
    assert joined(found) == columns_of(events)
    assert all(len(ends(piece)) <= most for piece in found)


def test_the_end_is_that_of_the_last_event(recorded: tuple[Path, Sequence[Emotion]]) -> None:
    assert last_seconds(recorded[0], "mic") == 125.0
    assert last_seconds(recorded[0], "radio") is None


@given(place=st.integers(0, 2**53))
def test_any_place_gives_events_of_the_file_alone(
    recorded: tuple[Path, Sequence[Emotion]], place: int
) -> None:
    path, events = recorded
    found = ends(read_piece(path, "mic", place, 5))
    known = [event.end for event in events]
    assert found == (known[known.index(found[0]) :][:5] if found else [])


def test_what_is_damaged_or_of_another_stream_is_left_out(tmp_path: Path) -> None:
    events = record(tmp_path / "k.wav", ("sad",) * 3)
    path = tmp_path / "k.jsonl"
    record(tmp_path / "r.wav", ("angry",) * 3, stream="radio")
    with path.open("ab") as file:
        file.write(b'{"type":"emotion"}\nnothing\n\xff\xfe\n' + b"x" * 2 * MOST_LINE_BYTES + b"\n")
        file.write((tmp_path / "r.jsonl").read_bytes())
        file.write(b'{"type":7}\n{"type":"emotion","seq":99')
    assert joined(all_pieces(path, 2)) == columns_of(events)
    assert last_seconds(path, "mic") is None or last_seconds(path, "mic") == events[-1].end


def test_a_piece_looks_at_a_limited_number_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "k.jsonl"
    path.write_bytes(b"nothing\n" * (pieces.MOST_LINES + 5))
    first = read_piece(path, "mic", 0, 10)
    assert (ends(first), first.after) == ([], 8 * pieces.MOST_LINES)
    assert read_piece(path, "mic", first.after or 0, 10).after is None


def test_what_is_written_later_follows(tmp_path: Path) -> None:
    record(tmp_path / "k.wav", ("sad",) * 4)
    path, whole = tmp_path / "k.jsonl", (tmp_path / "k.jsonl").read_bytes()
    path.write_bytes(whole[: len(whole) - 10])  # the last line is not complete
    assert ends(read_piece(path, "mic", 0, 10)) == [0.25, 0.5, 0.75]
    path.write_bytes(whole)
    assert ends(read_piece(path, "mic", 0, 10)) == [0.25, 0.5, 0.75, 1.0]


def test_a_piece_says_whether_it_is_of_the_demo(tmp_path: Path) -> None:
    record(tmp_path / "k.wav", ("sad",) * 2)
    path = tmp_path / "k.jsonl"
    assert not read_piece(path, "mic", 0, 10).is_demo
    path.write_bytes(path.read_bytes().replace(b'"seq":1', b'"demo":true,"seq":1'))
    assert read_piece(path, "mic", 0, 10).is_demo
