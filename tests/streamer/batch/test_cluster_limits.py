"""The limits of ``analyze --dask``, and what answers in the place of a scheduler."""

from __future__ import annotations

import contextlib
import os
import socket
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
from emotiond.streamer.cli import main
from tests.conftest import DATA
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


@contextlib.contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """A server that says something to everybody; None for one that never does."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server.settimeout(0.05)
        ends = threading.Event()

        def serve() -> None:
            while not ends.is_set():
                with contextlib.suppress(OSError):
                    connection = stack.enter_context(server.accept()[0])
                    if answer is not None:
                        connection.sendall(answer)
                        connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ends.set()
            thread.join()


def one_line(address: str, capfd: pytest.CaptureFixture[str]) -> str:
    given = ["analyze", "any.wav", "--model", str(DATA / "tiny.tflite"), "--dask", address]
    assert main(given) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1, printed.err
    return printed.err


@pytest.fixture
def _is_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)


@pytest.mark.usefixtures("_is_impatient")
def test_without_a_scheduler_one_line_has_the_remedy(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    line = one_line(address, capfd)
    assert line.startswith(f"emotiond: no scheduler answers at {address} (")
    assert line.endswith(". Start one, dask scheduler; then go on with --resume.\n")


@pytest.mark.usefixtures("_is_impatient")
def test_what_is_silent_is_no_scheduler(capfd: pytest.CaptureFixture[str]) -> None:
    with answering(None) as address:
        assert one_line(address, capfd).startswith(f"emotiond: no scheduler answers at {address} (")


@pytest.mark.usefixtures("_is_impatient")
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 64, bytes(64)])
def test_another_server_is_told_apart(answer: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with answering(answer) as address:
        line = one_line(address, capfd)
    assert line.startswith(
        (
            f"emotiond: what answers at {address} is no scheduler of Dask. Give --dask the address",
            f"emotiond: no scheduler answers at {address} (",
        )
    )


@pytest.mark.usefixtures("_is_impatient")
def test_a_server_that_hangs_up_is_no_scheduler(capfd: pytest.CaptureFixture[str]) -> None:
    with answering(b"") as address:
        assert one_line(address, capfd).startswith(f"emotiond: no scheduler answers at {address} (")
