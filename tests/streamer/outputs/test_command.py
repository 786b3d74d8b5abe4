"""The command of one event: real programs that succeed, hang, flood, fork and fail."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.command import Command, variables
from emotiond.streamer.protocol.events import Change, Status
from tests.support.port import run, until
from tests.support.processes import await_none_with, needs_proc

CHANGE = Change(
    seq=7, stream="voice", at=1.0, from_label=None, to_label="happy", held_seconds=0.5, demo=False
)
STATUS = Status(8, "voice", "muted", "by hand", None, None, demo=True, replay=True)
needs_groups = pytest.mark.skipif(os.name != "posix", reason="needs groups of processes")

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a program in Python, which finds the folder of the test as its present one."""

    def program(text: str) -> Path:
        path = tmp_path / "handler"
        path.write_text(f"#!{sys.executable}\nimport os, sys, time, signal, subprocess\n{text}")
        path.chmod(0o755)
        return path

    return program


def deliver(
    program: Path, event: Change | Status = CHANGE, limit_seconds: float = 30
) -> str | None:
    return Command([str(program)], limit_seconds).deliver(Message.of(event)).problem


def test_it_gets_the_values_in_its_environment_and_the_event_as_its_input(
    write: Write, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    program = write(
        "import json\n"
        "values = {k: v for k, v in os.environ.items() if k.startswith('EMOTION_')}\n"
        f"open({str(seen)!r}, 'w').write(json.dumps([values, sys.stdin.read(), sys.argv[1:]]))\n"
    )
    command = Command([str(program), "$HOME", "; touch x"], 30)
    assert command.deliver(Message.of(CHANGE)).problem is None
    values, text, arguments = json.loads(seen.read_text())
    assert values == {
        "EMOTION_TYPE": "change", "EMOTION_STREAM": "voice", "EMOTION_SEQ": "7",
        "EMOTION_FROM": "", "EMOTION_TO": "happy", "EMOTION_AT": "1.0",
        "EMOTION_HELD_SECONDS": "0.5", "EMOTION_DEMO": "", "EMOTION_REPLAY": "",
    }  # fmt: skip
    assert json.loads(text)["to"] == "happy"
    assert text.endswith("\n")
    assert arguments == ["$HOME", "; touch x"]  # no shell
    assert deliver(program, STATUS) is None
    values, text, _ = json.loads(seen.read_text())
    assert values == {
        "EMOTION_TYPE": "status", "EMOTION_STREAM": "voice", "EMOTION_SEQ": "8",
        "EMOTION_STATUS": "muted", "EMOTION_DETAIL": "by hand", "EMOTION_DEMO": "1",
        "EMOTION_REPLAY": "1",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a\0b", "a\nEMOTION_TO=angry", "\x1b[2J", "\udcff", "$(id)", "–"])
def test_a_hostile_name_of_a_stream_is_a_value_and_nothing_else(
    write: Write, tmp_path: Path, name: str
) -> None:
    seen = tmp_path / "seen"
    program = write(f"open({str(seen)!r}, 'wb').write(os.environb[b'EMOTION_STREAM'])\n")
    assert deliver(program, replace(CHANGE, stream=name)) is None
    text = seen.read_bytes().decode()
    assert not [char for char in text if ord(char) < 0x20]
    assert (text == name) == (name in ("$(id)", "–"))


@given(st.text())
def test_any_name_fits_into_an_environment(name: str) -> None:
    for value in variables(replace(CHANGE, stream=name)).values():
        assert "\0" not in value
        assert "\n" not in value
        value.encode()


def test_what_belongs_to_the_service_manager_is_not_handed_on(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    monkeypatch.setenv("WATCHDOG_USEC", "1")
    assert (
        deliver(write("sys.exit({'NOTIFY_SOCKET', 'WATCHDOG_USEC'} & {*os.environ} != set())"))
        is None
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sys.exit(1)", "exit status 1"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9 ended it"),
        ("sys.stdin.close()", None),
        ("sys.stdout.write('x' * 10**7); sys.stderr.write('y' * 10**7)", None),
    ],
)
@needs_groups
def test_its_end_is_told_and_its_output_discarded(
    write: Write, text: str, problem: str | None
) -> None:
    assert deliver(write(text)) == problem


def test_one_that_has_vanished_is_told(tmp_path: Path) -> None:
    assert deliver(tmp_path / "gone") == "it cannot be started (No such file or directory)"


def test_values_that_fit_into_no_environment_are_told(write: Write) -> None:
    problem = deliver(write(""), replace(CHANGE, stream="x" * 10**6))
    assert problem == "it cannot be started (Argument list too long)"


@needs_proc
@pytest.mark.parametrize(
    "text",
    [
        "time.sleep(1000)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)",
        "subprocess.Popen(['/bin/sh', '-c', 'trap \"\" TERM; sleep 1000']); time.sleep(1000)",
        "while True: print('flood')",
        "os.setpgid(0, os.getpgid(os.getppid())); time.sleep(1000)",
    ],
    ids=["sleeps", "ignores TERM", "forks", "floods", "leaves its group"],
)
def test_one_that_does_not_end_is_ended_with_its_children(
    write: Write, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("EMOTION_TEST", text[:9])
    problem = deliver(write(text), limit_seconds=0.3)
    assert problem == "it ran for more than 0.3 s"
    await_none_with(f"EMOTION_TEST={text[:9]}")


@needs_groups
def test_one_that_this_user_may_not_end_is_told_and_no_other_started(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = write(
        "open(f'run-{os.getpid()}', 'w').close()\n"
        "while not os.path.exists('go'):\n"
        "    time.sleep(0.01)\n"
    )
    command = Command([str(program)], 0.5)
    with monkeypatch.context() as others:  # as the system does for what sudo runs

        def refuse(*_: int) -> None:
            raise PermissionError

        others.setattr(os, "kill", refuse)
        others.setattr(os, "killpg", refuse)
        assert command.deliver(Message.of(CHANGE)).problem == "it ran for more than 0.5 s"
        problem = command.deliver(Message.of(CHANGE)).problem
        assert problem == "it still runs, and this user may not end it"
    deadline = time.monotonic() + 20
    while not (runs := [*tmp_path.glob("run-*")]):  # it may still begin
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(runs) == 1
    (tmp_path / "go").touch()
    while command.deliver(Message.of(CHANGE)).problem is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@needs_proc
def test_what_it_leaves_behind_ends_with_it(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_TEST", "left")
    assert deliver(write("subprocess.Popen(['/bin/sleep', '1000'])")) is None
    await_none_with("EMOTION_TEST=left")


@needs_groups
def test_what_it_leaves_behind_has_its_time_between_term_and_kill(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{Command.__module__}.TERM_SECONDS", 10.0)  # if nothing ends before
    monkeypatch.chdir(tmp_path)
    program = write(
        "if os.fork() == 0:\n"
        "    def save(*_):\n"
        "        time.sleep(0.2)\n"
        "        open('saved', 'w').close()\n"
        "        os._exit(0)\n"
        "    signal.signal(signal.SIGTERM, save)\n"
        "    open('ready', 'w').close()\n"
        "    time.sleep(1000)\n"
        "while not os.path.exists('ready'):\n"
        "    time.sleep(0.01)\n"
    )
    assert deliver(program) is None
    assert (tmp_path / "saved").exists()


@needs_proc
@pytest.mark.parametrize("ignored", ["SIGTERM", "SIGUSR2"])
def test_at_the_end_what_runs_is_ended_and_nothing_more_started(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignored: str
) -> None:
    monkeypatch.setenv("EMOTION_TEST", "end")
    runs = tmp_path / "runs"
    program = write(
        f"signal.signal(signal.{ignored}, signal.SIG_IGN)\n"
        f"open({str(runs)!r}, 'w')\ntime.sleep(1000)"
    )
    command = Command([str(program)], 1000)

    async def test() -> None:
        running = threading.Thread(target=command.deliver, args=(Message.of(CHANGE),))
        running.start()
        await until(runs.exists)
        await asyncio.to_thread(command.end, 0.2)
        await asyncio.to_thread(running.join)
        assert command.deliver(Message.of(CHANGE)).problem == "the daemon ends"

    run(test)
    await_none_with("EMOTION_TEST=end")
