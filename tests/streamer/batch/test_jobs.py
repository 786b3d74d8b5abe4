"""Several items at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.jobs import analyze_all
from emotiond.streamer.offline.analyze import Analysis


def analysis(item: Item) -> Analysis:
    return Analysis(1.0, None, None, None, None, item.file, ())


def test_results_come_in_the_order_of_the_files() -> None:
    def slow(item: Item) -> Analysis:
        time.sleep(0.02)
        return analysis(item)

    items = [Item(str(number)) for number in range(20)]
    found = [future.result(10).file for future in analyze_all(items, (slow, analysis))]
    assert found == [item.file for item in items]


def test_an_unreadable_file_does_not_affect_the_others() -> None:
    def picky(item: Item) -> Analysis:
        if item.file == "bad":
            raise SourceError("bad: it is damaged", "Convert it again")
        return analysis(item)

    first, second, third = analyze_all([Item("a"), Item("bad"), Item("c")], (picky,))
    assert (first.result(10).file, third.result(10).file) == ("a", "c")
    with pytest.raises(SourceError, match="damaged"):
        second.result(10)


def test_several_files_are_analyzed_at_once() -> None:
    both = threading.Barrier(2)

    def together(item: Item) -> Analysis:
        both.wait(10)
        return analysis(item)

    items = [Item("a"), Item("b")]
    analysts: list[Callable[[Item], Analysis]] = [together, together]
    assert [future.result(10).file for future in analyze_all(items, analysts)] == ["a", "b"]
