"""The terminal view shows the state after each message."""

from __future__ import annotations

import itertools
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem
from rich.console import Console
from websockets.sync.server import ServerConnection, serve

from emotiond.clients import send_audio, websocket_client
from emotiond.clients.palette import read_palette
from emotiond.clients.watch import View, bar, line, render, watch_stream
from emotiond.clients.websocket_client import messages_forever, websocket_url
from emotiond.exceptions import ConfigError
from emotiond.inference.card import LABELS
from tests.conftest import DATA
from tests.support.caller import calling, pcm
from tests.support.daemon import (
    COMMAND,
    DEMO,
    PATIENCE_SECONDS,
    Daemon,
    emotiond,
    running_daemon,
)
from tests.support.free_port import free_port
from tests.support.signals import demo
from tests.support.silent_proxy import silent_proxy

TERMINAL = {
    **{"TERM": "xterm-256color", "COLORTERM": "truecolor"},
    **{"COLUMNS": "100", "LINES": "30"},
}
SOON_SECONDS = 60.0  # three, on an idle machine
DARK = read_palette(light=False)
HELLO: dict[str, Any] = {
    "type": "hello",
    "model": {"name": "lite", "labels": list(LABELS)},
    "streams": ["voice"],
    "demo": False,
    "last": None,
}


def emotion(**changes: Any) -> dict[str, Any]:
    scores = dict.fromkeys(LABELS, 0.05) | {"happy": 0.65}
    return {
        **{"type": "emotion", "stream": "voice", "end": 10.0, "state": "speech"},
        **{"label": "happy", "confidence": 0.65, "scores": scores, "level_dbfs": -20.0},
        **{"age_ms": 12.3, "dropped_samples": 0},
        **changes,
    }


def shown(*messages: dict[str, Any]) -> str:
    view = View()
    for message in messages:
        view.take(message)
    return drawn_from(view)


def drawn_from(view: View, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(render(view, DARK))
    return capture.get()


def test_label_confidence_and_duration_come_first() -> None:
    change = {"type": "change", "stream": "voice", "at": 7.5, "from": None, "to": "happy"}
    assert shown(HELLO, change, emotion()).splitlines()[0] == "happy  65%  for 2.5 s"


def test_every_label_has_its_bar_and_figure() -> None:
    rows = shown(HELLO, emotion()).splitlines()
    for label in LABELS:
        (row,) = (row for row in rows if row.startswith(label) and "for" not in row and "█" in row)
        assert ("65%" if label == "happy" else "5%") in row


@pytest.mark.parametrize("state", ["warmup", "silence", "uncertain"])
def test_a_state_without_a_label_is_shown_by_its_name(state: str) -> None:
    nothing = emotion(state=state, label=None, confidence=None, scores=None)
    assert shown(HELLO, nothing).splitlines()[0] == state


def test_a_replay_is_marked() -> None:
    status = {"type": "status", "stream": "voice", "status": "running", "detail": ""}
    assert "REPLAY · voice" in shown(HELLO, {**status, "replay": True}, emotion())
    assert "REPLAY" not in shown(HELLO, status, emotion())


def test_the_demo_is_marked_and_other_streams_are_left_out() -> None:
    picture = shown({**HELLO, "demo": True}, emotion(), emotion(stream="other", label="sad"))
    assert "DEMO" in picture
    assert picture.startswith("happy")


def test_a_stream_can_be_named_and_is_waited_for() -> None:
    view = View(wanted="kitchen")
    for message in ({**HELLO, "demo": True, "last": emotion()}, emotion()):
        view.take(message)
    assert "waiting for sound of 'kitchen' …" in drawn_from(view)
    view.take(emotion(stream="kitchen", label="sad"))
    picture = drawn_from(view)
    assert picture.startswith("sad")
    assert "kitchen · lite" in picture
    assert "DEMO" not in picture


def test_a_lost_connection_and_a_stream_with_a_problem_are_shown() -> None:
    assert "no connection: gone" in shown(HELLO, {"type": "disconnected", "detail": "gone"})
    trouble = {"type": "status", "stream": "voice", "status": "reconnecting", "detail": "wait"}
    assert shown(HELLO, emotion(), trouble).startswith("reconnecting  wait")


@pytest.mark.parametrize("width", [30, 40, 60, 200])
def test_a_bar_is_as_long_as_its_share_on_every_terminal(width: int) -> None:
    view = View()
    for message in (HELLO, emotion(scores=dict.fromkeys(LABELS, 0.5) | {"calm": 1.0})):
        view.take(message)
    bars = [row.count("█") for row in drawn_from(view, width).splitlines()[2:10]]
    assert bars[LABELS.index("calm")] == min(40, width - 15)
    assert all(2 * cells in (bars[1] - 1, bars[1], 2 * bars[1]) for cells in bars)


def test_in_plain_text_a_line_says_when_and_what() -> None:
    view = View()
    view.take(HELLO)
    assert line(view) == "waiting for sound …"
    view.take(emotion())
    assert line(view) == "   10.00 s  happy 65%"
    view.take(emotion(state="silence", label=None, confidence=None, scores=None))
    assert line(view) == "   10.00 s  silence"
    view.take({"type": "disconnected", "detail": "gone"})
    assert line(view) == "no connection: gone; trying again …"


@given(st.floats(-2, 2), st.integers(1, 80))
def test_a_bar_has_constant_width_and_is_rounded_to_an_eighth(share: float, cells: int) -> None:
    drawn = bar(share, cells)
    assert len(drawn) == cells
    assert drawn.count("█") <= max(0.0, min(1.0, share)) * cells + 1 / 16


def test_every_label_has_the_colour_of_the_page_on_the_page_s_own_ground() -> None:
    for light in (True, False):
        palette = read_palette(light=light)
        view = View()
        for message in (HELLO, emotion()):
            view.take(message)
        console = Console(width=100, force_terminal=True, color_system="truecolor", no_color=False)
        drawn = [
            segment for line in console.render_lines(render(view, palette)) for segment in line
        ]
        grounds = {}
        for segment in drawn:
            if "█" in segment.text and segment.style is not None:
                assert segment.style.color is not None
                assert segment.style.bgcolor is not None
                grounds[segment.style.color.name] = segment.style.bgcolor.name
        assert grounds == {palette[label]: palette["panel"] for label in LABELS}
        coloured = [each for each in drawn if each.style is not None and each.style.color]
        assert all(each.style and each.style.bgcolor for each in coloured)


@pytest.mark.parametrize("light", [True, False])
@pytest.mark.parametrize("system", ["standard", "256"])
def test_bars_can_be_seen_on_terminals_of_few_colours(system: str, light: bool) -> None:
    palette = read_palette(light=light)
    known = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT}[system]
    ground = Color.parse(palette["panel"]).downgrade(known)
    for label in LABELS:
        assert Color.parse(palette[label]).downgrade(known).number != ground.number, label


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1:8765", "ws://127.0.0.1:8765/ws"),
        ("kitchen", "ws://kitchen:8765/ws"),
        ("[::1]", "ws://[::1]:8765/ws"),
        ("[::1]:80", "ws://[::1]:80/ws"),
        ("home:443/voice", "ws://home:443/voice/ws"),
        ("ws://home", "ws://home/ws"),
        ("ws://home/", "ws://home/ws"),
        ("wss://home/voice/ws", "wss://home/voice/ws"),
        ("wss://home/other", "wss://home/other"),
        ("http://127.0.0.1:8765/", "ws://127.0.0.1:8765/ws"),
        ("https://home/voice/", "wss://home/voice/ws"),
    ],
)
def test_an_address_may_be_short_or_that_of_the_page(address: str, url: str) -> None:
    assert websocket_url(address) == url
    assert send_audio.websocket_url(address) == url


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1:8765/", "127.0.0.1:99999", "ws://[::1", "[/]", "ws://", "", ":0"]
)
def test_an_invalid_address_is_wrong_usage(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch_stream(url) == 2
    message = capsys.readouterr().err
    assert len(message.splitlines()) == 1
    assert "ws://" in message


class Watching:
    """``emotiond watch`` in a terminal of its own, and what it has drawn."""

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._terminal, end = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [*COMMAND, "watch", *arguments],
            stdin=end,
            stdout=end,
            stderr=end,
            env={**os.environ, **TERMINAL, **(environment or {})},
        )
        os.close(end)

    def until(self, *texts: str) -> None:
        """Wait until it has drawn these after what was waited for before."""
        before = len(self.seen)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not all(text in self.seen[before:] for text in texts):
            assert time.monotonic() < deadline, self.seen[-2000:]
            assert self._read() is not False, self.seen[-2000:]

    def end(self) -> int:
        """Read until it has ended, and return its status."""
        while self._read() is not False:
            pass
        os.close(self._terminal)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def _read(self) -> bool | None:
        if not select.select([self._terminal], [], [], 1)[0]:
            return None
        try:
            self.seen += os.read(self._terminal, 65_536).decode(errors="replace")
        except OSError:  # the other side has ended
            return False
        return True


@pytest.mark.parametrize("background", ["15;0", "0;15"])
def test_it_shows_a_running_daemon_in_a_terminal_until_ctrl_c(background: str) -> None:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        watching = Watching(f"127.0.0.1:{daemon.port}", environment={"COLORFGBG": background})
        watching.until("for ", "dBFS")
        watching.process.send_signal(signal.SIGINT)
        assert watching.end() == 0
    assert "Traceback" not in watching.seen
    assert any(label in watching.seen for label in LABELS)
    panel = Color.parse(read_palette(light=background == "0;15")["panel"]).triplet
    assert panel is not None
    assert "48;2;{};{};{}".format(*panel) in watching.seen


def test_with_no_color_a_terminal_gets_none() -> None:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        watching = Watching(f"127.0.0.1:{daemon.port}", environment={"NO_COLOR": "1"})
        watching.until("dBFS")
        watching.process.send_signal(signal.SIGINT)
        assert watching.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*[34]8;", watching.seen)


def test_a_pipe_gets_a_line_for_each_change_as_it_comes() -> None:
    options = ("--source", f"voice={DEMO}", "--model", "lite", "--json", "--wait-clients", "1")
    with (
        running_daemon(*options) as daemon,
        subprocess.Popen(
            [*COMMAND, "watch", f"127.0.0.1:{daemon.port}"],
            stdout=subprocess.PIPE, text=True, env={**os.environ, **TERMINAL},
        ) as watching,
    ):  # fmt: skip
        assert watching.stdout is not None
        lines = [watching.stdout.readline() for _ in range(5)]
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=PATIENCE_SECONDS) == 0
    assert re.fullmatch(r"waiting for sound …\n", lines.pop(0))
    words = [re.fullmatch(r" +[\d.]+ s  (\w+)( \d+%)?\n", each) for each in lines]
    assert all(words), lines
    assert all(one and two and one[1] != two[1] for one, two in itertools.pairwise(words)), lines


def test_a_terminal_that_cannot_move_its_cursor_gets_lines_too() -> None:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        watching = Watching(f"127.0.0.1:{daemon.port}", environment={"TERM": "dumb"})
        watching.until(" s  ", "\r\n")
        watching.process.send_signal(signal.SIGINT)
        assert watching.end() == 0
    assert "█" not in watching.seen
    assert "\x1b" not in watching.seen


def test_a_published_stream_is_shown_by_its_name() -> None:
    options = ("--source", "demo", "--model", str(DATA / "tiny.tflite"))
    with running_daemon(*options) as daemon, calling(daemon.websocket_url) as caller:
        watching = Watching(f"127.0.0.1:{daemon.port}", "--stream", "kitchen")
        watching.until("waiting for sound of 'kitchen'")
        caller.start(purpose="live", publish=True, name="kitchen")
        caller.send(pcm(demo()[: 4 * 16_000]))
        watching.until("kitchen · tiny", "dBFS")
        watching.process.send_signal(signal.SIGINT)
        assert watching.end() == 0
    assert "DEMO" not in watching.seen


def test_it_connects_again_to_a_daemon_that_starts_anew() -> None:
    options = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"))
    ports = ("--port", str(free_port()), "--zmq", "off")
    with running_daemon(*options, ports=ports) as daemon:
        watching = Watching(f"127.0.0.1:{daemon.port}")
        watching.until("dBFS")
        daemon.stop()
    watching.until("trying again")
    with running_daemon(*options, ports=ports):
        watching.until("dBFS")
        watching.process.send_signal(signal.SIGINT)
        assert watching.end() == 0


def test_it_ends_soon_where_nothing_answers() -> None:
    began = time.monotonic()
    ended = emotiond("watch", "127.0.0.1:9")
    assert time.monotonic() - began < SOON_SECONDS
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "no connection to ws://127.0.0.1:9/ws: no program listens there; " in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_it_ends_soon_where_a_port_is_open_and_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        ended = emotiond("watch", f"127.0.0.1:{silent.getsockname()[1]}")
    assert time.monotonic() - began < SOON_SECONDS
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "there is no answer. " in ended.stderr


def test_in_a_terminal_only_the_sentence_stays_where_nothing_answers() -> None:
    watching = Watching("127.0.0.1:9")
    assert watching.end() == 1
    assert watching.seen.rstrip().endswith("another daemon.")


def test_another_websocket_that_never_speaks_is_given_up() -> None:
    def listen(client: ServerConnection) -> None:
        for _ in client:
            pass

    with serve(listen, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ended = emotiond("watch", f"127.0.0.1:{server.socket.getsockname()[1]}")
        server.shutdown()
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_a_token_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token of some length\n")
    token.chmod(0o600)
    options = ("--source", "demo", "--model", str(DATA / "tiny.tflite"), "--token-file", str(token))
    with running_daemon(*options) as daemon:
        ended = emotiond("watch", f"127.0.0.1:{daemon.port}")
    assert ended.returncode == 1
    assert "--token-file FILE" in ended.stderr


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a certificate that no known authority has signed."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return folder


@pytest.fixture(scope="module")
def encrypted(certificates: Path) -> Iterator[Daemon]:
    flags = (
        "--tls-cert",
        str(certificates / "cert.pem"),
        "--tls-key",
        str(certificates / "key.pem"),
    )
    options = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"))
    with running_daemon(*options, *flags) as daemon:
        yield daemon


@pytest.mark.parametrize("name", ["cert.pem", "authority.pem"])
def test_a_certificate_of_one_s_own_is_trusted_by_ca(
    name: str, encrypted: Daemon, certificates: Path
) -> None:
    watching = Watching(f"127.0.0.1:{encrypted.port}", "--ca", str(certificates / name))
    watching.until("dBFS")
    watching.process.send_signal(signal.SIGINT)
    assert watching.end() == 0


def test_without_it_the_message_names_ca(encrypted: Daemon) -> None:
    ended = emotiond("watch", encrypted.page_url)
    assert ended.returncode == 1
    assert "--ca FILE" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_certificate_for_another_name_is_no_question_of_ca(
    encrypted: Daemon, certificates: Path
) -> None:
    address = f"localhost:{encrypted.port}"
    ended = emotiond("watch", address, "--ca", str(certificates / "cert.pem"))
    assert ended.returncode == 1
    assert "Hostname mismatch" in ended.stderr
    assert "--ca" not in ended.stderr


def test_the_other_scheme_is_named_where_it_is_the_right_one(
    encrypted: Daemon, certificates: Path
) -> None:
    plain = emotiond("watch", f"127.0.0.1:{encrypted.port}")
    assert plain.returncode == 1
    assert "begins with wss://" in plain.stderr
    with running_daemon("--source", "demo", "--model", str(DATA / "tiny.tflite")) as daemon:
        address = f"127.0.0.1:{daemon.port}"
        ended = emotiond("watch", address, "--ca", str(certificates / "cert.pem"))
    assert ended.returncode == 1
    assert "begins with ws://" in ended.stderr


@pytest.mark.parametrize(
    ("content", "address", "part"),
    [
        (None, "127.0.0.1:9", "No such file"),
        ("no certificate", "127.0.0.1:9", "holds no certificate in PEM"),
        ("no certificate", "ws://127.0.0.1:9", "Write wss://"),
    ],
)
def test_a_certificate_of_no_use_is_named(
    content: str | None, address: str, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as raised:
        watch_stream(address, authority=path)
    message = str(raised.value)
    assert part in message
    assert len(message.splitlines()) == 1


def test_a_half_open_connection_is_given_up_and_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_client, "_PING_SECONDS", 1.0)
    options = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"))
    with running_daemon(*options) as daemon, silent_proxy(daemon.port) as proxy:
        received = messages_forever(f"ws://127.0.0.1:{proxy.port}/ws")
        assert next(received)["type"] == "hello"
        proxy.fall_silent()
        while next(received)["type"] != "disconnected":
            pass
        assert next(received)["type"] == "hello"


def test_the_small_clients_run_as_they_are() -> None:
    with running_daemon("--source", f"voice={DEMO}", "--model", "lite") as daemon:
        for script, address, expected in (
            ("websocket_client.py", daemon.websocket_url, "→"),
            ("zeromq_subscriber.py", daemon.zeromq_endpoint, '"type": '),
            ("zeromq_subscriber.py", daemon.zeromq_endpoint.removeprefix("tcp://"), '"type": '),
        ):
            path = DEMO.parents[2] / "clients" / script
            with subprocess.Popen(
                [sys.executable, str(path), address], stdout=subprocess.PIPE, text=True
            ) as client:
                assert client.stdout is not None
                assert expected in client.stdout.readline()
                client.send_signal(signal.SIGINT)
                assert client.wait(timeout=60) == 0
