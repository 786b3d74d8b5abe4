"""What answers in the place of a scheduler of Dask."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from emotiond.streamer.batch import cluster_connection
from emotiond.streamer.cli import main
from tests.conftest import DATA


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
    monkeypatch.setattr(cluster_connection, "CONNECT_SECONDS", 1.0)


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
