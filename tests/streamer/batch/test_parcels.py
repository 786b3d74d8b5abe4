"""Pieces of several threads are sent together, and each gets its own answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.batch import parcels
from emotiond.streamer.batch.parcels import MOST_BYTES, Parcels

PATIENCE_SECONDS = 60


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine, those that come together are there before the parcel is closed."""
    monkeypatch.setattr(parcels, "PACKING_SECONDS", PATIENCE_SECONDS)


def test_those_that_come_together_go_together() -> None:
    sent: list[Sequence[int]] = []

    def send(pieces: Sequence[int]) -> Sequence[int]:
        sent.append(sorted(pieces))
        return [10 * piece for piece in pieces]

    packing = Parcels(send, 4)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda piece: packing.deliver(piece, 1), range(4)))
    assert answers == [0, 10, 20, 30]
    assert sent == [[0, 1, 2, 3]]


def test_one_that_comes_alone_does_not_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "PACKING_SECONDS", 0.001)
    assert Parcels(lambda pieces: pieces, 4).deliver("x", 1) == "x"


def test_a_large_file_goes_at_once_and_never_with_others() -> None:
    sent: list[Sequence[str]] = []

    def send(pieces: Sequence[str]) -> Sequence[str]:
        sent.append(pieces)
        return pieces

    packing = Parcels(send, 8)
    assert packing.deliver("large", MOST_BYTES) == "large"
    with ThreadPoolExecutor(1) as threads:
        small = threads.submit(packing.deliver, "small", 1)
        while not (packing._open.pieces or small.done()):
            pass
        assert packing.deliver("large", MOST_BYTES) == "large"
        assert small.result(PATIENCE_SECONDS) == "small"
    assert sorted(sent) == [["large"], ["large"], ["small"]]


def test_what_sending_raises_reaches_every_thread() -> None:
    def send(_: Sequence[int]) -> Sequence[int]:
        raise ConnectionError("gone")

    packing = Parcels(send, 3)

    def deliver(piece: int) -> str:
        with pytest.raises(ConnectionError) as raised:
            packing.deliver(piece, 1)
        return str(raised.value)

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(deliver, range(3))) == ["gone"] * 3


@given(
    sizes=st.lists(st.integers(0, MOST_BYTES + 1), min_size=1, max_size=40),
    most=st.integers(1, 8),
    threads=st.integers(1, 8),
)
def test_each_piece_is_sent_once_in_parcels_within_the_limits(
    sizes: list[int], most: int, threads: int
) -> None:
    sent: list[Sequence[tuple[int, int]]] = []
    lock = threading.Lock()

    def send(pieces: Sequence[tuple[int, int]]) -> Sequence[int]:
        with lock:
            sent.append(pieces)
        return [number for number, _ in pieces]

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(threads) as pool:
        patch.setattr(parcels, "PACKING_SECONDS", 0.001)
        packing = Parcels(send, most)
        pieces = list(enumerate(sizes))
        answers = list(pool.map(lambda piece: packing.deliver(piece, piece[1]), pieces))
    assert answers == list(range(len(sizes)))
    assert sorted(piece for parcel in sent for piece in parcel) == pieces
    for parcel in sent:
        assert len(parcel) <= most
        assert len(parcel) == 1 or sum(size for _, size in parcel) <= MOST_BYTES
