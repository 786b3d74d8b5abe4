"""The limits of ``analyze --dask``."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.batch import cluster
from emotiond.streamer.batch.cluster import Cluster
from emotiond.streamer.batch.cluster_address import ClusterOptions
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.settings import Settings
from tests.support.kept import seen

SETTINGS = Settings(None, None, 4000)


def shipping() -> Cluster:
    """A cluster that is connected to nothing."""
    return Cluster(ClusterOptions("tcp://127.0.0.1:1", ships=True), SETTINGS, "", {}, most=1)


def of_size(path: Path, size_bytes: int) -> Item:
    with path.open("wb") as file:
        file.truncate(size_bytes)  # takes no room
    return Item(str(path))


def test_a_recording_that_is_too_large_is_not_read_at_all(tmp_path: Path) -> None:
    large = of_size(tmp_path / "a.wav", cluster.MOST_SHIPPED_BYTES + 1)
    with (
        pytest.raises(
            SourceError, match=r"too large for --ship, which sends 256 MiB at most\. Put"
        ),
        shipping()._shipment(large, seen(large.file)),
    ):
        raise AssertionError
    small = of_size(tmp_path / "b.wav", 1000)
    with shipping()._shipment(small, seen(small.file)) as sound:
        assert sound == bytes(1000)


def test_a_recording_that_grows_meanwhile_is_sent_as_long_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, ships = of_size(tmp_path / "a.wav", 1000), shipping()
    taken = ships._shipments.taken

    @contextlib.contextmanager
    def growing(amount: int) -> Iterator[None]:
        of_size(tmp_path / "a.wav", 5000)
        with taken(amount):
            yield

    monkeypatch.setattr(ships._shipments, "taken", growing)
    with ships._shipment(item, seen(item.file)) as sound:
        assert sound is not None
        assert len(sound) == 1000


def test_recordings_beyond_the_limit_wait_for_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "MOST_SHIPPED_AT_A_TIME_BYTES", 1500)
    ships, item = shipping(), of_size(tmp_path / "a.wav", 1000)
    under_way = threading.Event()

    def send() -> None:
        with ships._shipment(item, seen(item.file)):
            under_way.set()

    thread = threading.Thread(target=send)
    with ships._shipment(item, seen(item.file)):
        thread.start()
        assert not under_way.wait(0.2)
    assert under_way.wait(20)
    thread.join()


@pytest.mark.parametrize(
    "vanishes",
    [
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: of_size(path, 999),
    ],
)
def test_what_is_not_the_file_any_more_is_an_error(
    vanishes: Callable[[Path], object], tmp_path: Path
) -> None:
    item = of_size(tmp_path / "a.wav", 1000)
    before = seen(item.file)
    vanishes(tmp_path / "a.wav")
    with pytest.raises(SourceError, match=r"a\.wav: "), shipping()._shipment(item, before):
        raise AssertionError
