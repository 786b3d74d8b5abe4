"""What a run is asked for is in memory as little as it can be."""

from __future__ import annotations

import sys
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.entries import Entries
from emotiond.streamer.batch.item import Entry, Item, Refusal, item_of

SECONDS = st.none() | st.floats(0, 1e9)
ITEMS = st.builds(
    Item,
    st.text(st.characters(exclude_categories=())),
    SECONDS,
    SECONDS,
    st.none() | st.integers(1, 65_535),
    st.booleans(),
)
ENTRIES = ITEMS | st.builds(Refusal, ITEMS, st.builds(SourceError, st.text(), st.text()))


def told(entry: Entry) -> object:
    """What can be compared of an entry."""
    return item_of(entry), entry.error.args if isinstance(entry, Refusal) else None


@settings(max_examples=20, deadline=None)
@given(st.lists(ENTRIES, max_size=40))
def test_each_comes_back_as_it_was_in_its_order(few: list[Entry]) -> None:
    entries, many = Entries(), few * 60  # more than a block
    for entry in many:
        entries.append(entry)
    assert len(entries) == len(many)
    assert [*map(told, entries)] == [*map(told, many)] == [*map(told, entries)]
    assert [*entries.files] == [item_of(entry).file for entry in many]
    assert len(entries.files) == len(many)


def test_a_path_takes_some_bytes() -> None:
    """It took two hundred."""
    tracemalloc.start()
    try:
        entries = Entries()
        for number in range(50_000):
            entries.append(Item(f"/archive/{number // 100:04}/recording-of-speaker-{number}.wav"))
        taken_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken_bytes < 30 * len(entries), taken_bytes
    assert Item("/archive/0499/recording-of-speaker-49999.wav") in entries
    assert sys.getsizeof(entries) < 1000
