"""``emotiond pair`` against a running daemon: its code is read as a phone reads it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from emotiond.clients.pair import drawn, list_devices, owner
from emotiond.clients.pair import pair as pair_with
from emotiond.exceptions import ServeError
from emotiond.streamer.server.qr_code import qr_rows
from tests.support.daemon import COMMAND, DEMO, PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.paired import Home, make_home, running_home, talking
from tests.support.qr import read_qr, rows_of

pytest.importorskip("segno", reason="needs the extra 'pair'")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def daemon(home: Home) -> Iterator[Daemon]:
    with running_home(home) as daemon:
        yield daemon


def place(daemon: Daemon) -> tuple[str, str]:
    return "--address", f"127.0.0.1:{daemon.port}"


def pair(home: Home, daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    return emotiond("pair", *arguments, *place(daemon), *home.access_flags)


class Showing:
    """A running ``emotiond pair`` that shows a code."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if "Waiting" in line:
                return
        assert process.stderr is not None
        raise AssertionError(f"it shows no code: {process.stderr.read()}")

    @property
    def url(self) -> str:
        return next(line for line in self.lines if line.startswith("https://"))

    @property
    def code(self) -> list[str]:
        return rows_of([line for line in self.lines if re.fullmatch("[ ▀▄█]{30,}", line)])


@pytest.fixture
def showing(home: Home, daemon: Daemon) -> Iterator[Showing]:
    with subprocess.Popen(
        [*COMMAND, "pair", "--name", "Anna phone", *place(daemon), *home.access_flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Showing(process)
        finally:
            process.kill()


@pytest.mark.parametrize("length", [1, 20, 60, 150])
def test_half_blocks_show_the_code(length: int) -> None:
    text = "x" * length
    lines = drawn([row.translate(str.maketrans("01", "10")) for row in qr_rows(text)])
    assert read_qr(rows_of(lines)) == text


def test_a_phone_scans_the_terminal_and_is_listed_and_revoked(
    home: Home, daemon: Daemon, showing: Showing
) -> None:
    assert read_qr(showing.code) == showing.url
    assert showing.url.startswith(f"https://localhost:{daemon.port}/#pair=")
    assert any(re.fullmatch("  ([0-9A-F]{2}:){15}[0-9A-F]{2}", line) for line in showing.lines)
    assert max(map(len, showing.lines)) <= 80
    assert re.fullmatch("█{30,}", showing.lines[-22])  # the whole code is in the last 24 lines
    code = showing.url.partition("#pair=")[2]
    with talking(home, daemon, "redeem", code=code) as device:
        device.until("hello")
        out, _ = showing.process.communicate(timeout=PATIENCE_SECONDS)
        assert out == (
            "Anna phone is paired. To end that: emotiond pair revoke 'Anna phone', "
            "with the other flags of this command\n"
        )
        assert showing.process.returncode == 0
        assert re.search(
            r"Anna phone +\d{4}-.* 1 *$", pair(home, daemon, "list").stdout, re.MULTILINE
        )
        revoked = pair(home, daemon, "revoke", "Anna phone")
        assert revoked.stdout == (
            "Anna phone is let in no more, and its connections are closed.\nno device is paired\n"
        )
        assert device.closing()[0] == 4401
    unknown = pair(home, daemon, "revoke", "Anna phone")
    assert unknown.returncode == 1
    assert unknown.stderr == (
        "emotiond: no device called 'Anna phone' is paired. None is paired.\n"
    )


def test_ctrl_c_ends_the_code(home: Home, daemon: Daemon, showing: Showing) -> None:
    showing.process.send_signal(signal.SIGINT)
    assert showing.process.wait(timeout=PATIENCE_SECONDS) == 130
    with talking(home, daemon, "redeem", code=showing.url.partition("#pair=")[2]) as device:
        assert device.closing()[0] == 4401


def test_no_daemon_is_one_line(home: Home) -> None:
    ended = emotiond("pair", "--address", "127.0.0.1:9", *home.access_flags)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert "no program listens there; start emotiond" in line


def test_another_token_and_another_certificate_are_refused(
    home: Home, daemon: Daemon, tmp_path: Path
) -> None:
    other = make_home(tmp_path)
    (tmp_path / "token").write_text("another token of the same length")
    where = ("--address", f"127.0.0.1:{daemon.port}", "--token-file", str(tmp_path / "token"))
    ended = emotiond("pair", *where, "--ca", str(home.folder / "cert.pem"))
    assert "the daemon wants another token" in ended.stderr
    ended = emotiond("pair", *where, "--ca", str(other.folder / "cert.pem"))
    assert "has another certificate (unable to get local issuer" in ended.stderr
    assert "Give the file that the daemon has as --tls-cert with --ca" in ended.stderr
    assert ended.returncode == 1


def test_a_daemon_that_only_this_machine_reaches_names_the_missing_flags(home: Home) -> None:
    tls = ("--tls-cert", str(home.folder / "cert.pem"), "--tls-key", str(home.folder / "key.pem"))
    token = ("--token-file", str(home.folder / "token"))
    source = ("--source", f"voice={DEMO}", "--model", "lite", "--history", "off")
    with running_daemon(*source, *tls, *token) as daemon:
        refused = pair(home, daemon)
    assert refused.stderr.count("\n") == 1
    assert "Start emotiond with --host 0.0.0.0;" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("revoke",), "wants a device"),
        (("list", "x"), "wants a device"),
        (("list", "--name", "x"), "--name is for a new device"),
        ((), "wants the token and the certificate"),
        (("--address", "ws://127.0.0.1:8765"), "wants the token"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], said: str) -> None:
    ended = emotiond("pair", *arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


OFFER = {
    "type": "pairing", "name": "phone", "url": "https://a/#pair=b", "seconds": 120.0,
    "fingerprint": "AA", "qr": ["01", "10"],
}  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    ["[" * 50_000, {"type": "error", "detail": 5}, OFFER | {"qr": []}, OFFER | {"qr": [1, 2]},
     OFFER | {"seconds": 1e300}, OFFER | {"fingerprint": None}],
)  # fmt: skip
def test_what_is_no_daemon_is_one_line(answer: str | dict[str, object]) -> None:
    with (
        answering(answer) as url,
        pytest.raises(ServeError, match="is no emotiond"),
        owner(url, "", None) as connection,
    ):
        pair_with(connection, "")


def test_no_answer_reaches_the_terminal_with_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    device = {"name": "\x1b[2Ja", "paired": 1.0, "seen": 2.0, "connections": "\x1b]0;b\x07"}
    answer = {"type": "devices", "devices": [device]}
    with answering(answer) as url, owner(url, "", None) as connection:
        list_devices(connection)
    shown = capsys.readouterr().out
    assert "\\x1b[2Ja" in shown
    assert "\\x1b]0;b\\x07" in shown
    assert "\x1b" not in shown


@contextlib.contextmanager
def answering(answer: str | dict[str, object]) -> Iterator[str]:
    """A server that answers the owner this. Gives its address."""

    def lie(client: ServerConnection) -> None:
        client.recv()
        client.send('{"type": "hello"}')
        client.recv()
        client.send(answer if isinstance(answer, str) else json.dumps(answer))
        client.recv()

    with serve(lie, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_an_address_without_encryption_is_refused(home: Home) -> None:
    ended = emotiond("pair", "--address", "http://127.0.0.1:9", *home.access_flags)
    assert "phones are paired by HTTPS only" in ended.stderr
