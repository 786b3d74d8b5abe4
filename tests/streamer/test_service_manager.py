from __future__ import annotations

import os
import subprocess
import sys

import pytest

from emotiond.streamer.service_manager import runs_as_service

PROGRAM = "from emotiond.streamer.service_manager import runs_as_service; print(runs_as_service())"
CLEAN = {name: value for name, value in os.environ.items() if name not in ("INVOCATION_ID",)}


@pytest.mark.parametrize(
    ("variables", "is_service"), [({}, "False"), ({"INVOCATION_ID": "1"}, "True")]
)
def test_a_service_manager_is_known_by_what_it_gives(
    variables: dict[str, str], is_service: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**CLEAN, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == is_service


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
def test_a_terminal_that_a_service_manager_started_is_a_person_s() -> None:
    primary, secondary = os.openpty()
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**CLEAN, "INVOCATION_ID": "1"},
        stdin=secondary,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    os.close(primary)
    os.close(secondary)
    assert ended.stdout.strip() == "False"


def test_the_first_process_of_a_container_is_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert runs_as_service()
