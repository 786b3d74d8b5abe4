"""Several entries at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.batch import jobs
from emotiond.streamer.batch.analyst import Finding, Findings
from emotiond.streamer.batch.item import Entry, Item, item_of
from emotiond.streamer.batch.jobs import analyze_all

Analyst = Callable[[Entry], Findings]


def named(entry: Entry) -> Findings:
    return (Finding({"name": item_of(entry).file}, b""),)


def names(entries: list[Item], *analysts: Analyst) -> list[str]:
    found = (job.findings.result(10) for job in analyze_all(entries, analysts))
    return [finding.values["name"] for (finding,) in found]


def test_results_come_in_the_order_of_the_entries() -> None:
    """The first one comes last."""
    others = threading.Semaphore(0)

    def analyze(entry: Entry) -> Findings:
        if item_of(entry).file == "0":
            for _ in range(19):
                others.acquire(timeout=60)
        else:
            others.release()
        return named(entry)

    entries = [Item(str(number)) for number in range(20)]
    assert names(entries, analyze, analyze) == [item.file for item in entries]


def test_an_unreadable_file_does_not_affect_the_others() -> None:
    def picky(entry: Entry) -> Findings:
        if item_of(entry).file == "bad":
            raise SourceError("bad: it is damaged", "Convert it again")
        return named(entry)

    first, second, third = analyze_all([Item("a"), Item("bad"), Item("c")], (picky,))
    assert (first.findings.result(10), third.findings.result(10)) == (
        named(Item("a")),
        named(Item("c")),
    )
    with pytest.raises(SourceError, match="damaged"):
        second.findings.result(10)


def test_several_files_are_analyzed_at_once() -> None:
    both = threading.Barrier(2)

    def together(entry: Entry) -> Findings:
        both.wait(60)
        return named(entry)

    assert names([Item("a"), Item("b")], together, together) == ["a", "b"]


@pytest.mark.parametrize(("most", "size"), [(5, 0), (1000, 100)])
def test_no_more_than_so_much_is_done_ahead(
    monkeypatch: pytest.MonkeyPatch, most: int, size: int
) -> None:
    """Neither the entries nor the results of a long run are in memory at once."""
    monkeypatch.setattr(jobs, "_MOST_AHEAD", most)
    monkeypatch.setattr(jobs, "_MOST_BYTES_AHEAD", 500)
    taken = 0

    def entries() -> Iterator[Item]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield Item(str(number))

    def large(_: Entry) -> Findings:
        return (Finding({}, bytes(size)),)

    for number, job in enumerate(analyze_all(entries(), (large,))):
        job.findings.result(10)
        assert taken - number <= 1001
        if number == 2000:
            break


def test_a_result_that_cannot_be_counted_is_an_error_and_holds_nothing_up() -> None:
    broken = (Finding({}, 7),)  # type: ignore[arg-type]
    first, second = analyze_all([Item("a"), Item("b")], (lambda _: broken,))
    for job in (first, second):
        with pytest.raises(TypeError):
            job.findings.result(10)
