"""Several files at once; what one file gives, see streams/test_work.py and test_cli.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.offline.analyze import Analysis, analyze_all


def analysis(file: str) -> Analysis:
    return Analysis(1.0, None, None, None, file, ())


def test_results_come_in_the_order_of_the_files() -> None:
    def slow(file: str) -> Analysis:
        time.sleep(0.02)
        return analysis(file)

    files = [str(number) for number in range(20)]
    found = [future.result(10).file for future in analyze_all(files, (slow, analysis))]
    assert found == files


def test_an_unreadable_file_does_not_affect_the_others() -> None:
    def picky(file: str) -> Analysis:
        if file == "bad":
            raise SourceError("bad: it is damaged", "Convert it again")
        return analysis(file)

    first, second, third = analyze_all(["a", "bad", "c"], (picky,))
    assert (first.result(10).file, third.result(10).file) == ("a", "c")
    with pytest.raises(SourceError, match="damaged"):
        second.result(10)


def test_several_files_are_analyzed_at_once() -> None:
    both = threading.Barrier(2)

    def together(file: str) -> Analysis:
        both.wait(10)
        return analysis(file)

    analysts: list[Callable[[str], Analysis]] = [together, together]
    assert [future.result(10).file for future in analyze_all("ab", analysts)] == ["a", "b"]
