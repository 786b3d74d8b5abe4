"""A process that the daemon starts gets nothing of what a terminal sends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from emotiond.streamer.child_processes import apart

READS = (sys.executable, "-c", "input()")


@pytest.mark.skipif(sys.platform == "win32", reason="groups of another kind")
@pytest.mark.parametrize("arguments", [{}, apart()])
def test_it_has_a_group_of_its_own(arguments: dict[str, int]) -> None:
    with subprocess.Popen(READS, stdin=subprocess.PIPE, **arguments) as process:
        is_apart = os.getpgid(process.pid) != os.getpgid(0)
        process.communicate(b"\n")
    assert is_apart is bool(arguments)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has sessions alone")
@pytest.mark.skipif(sys.platform == "win32", reason="there are no sessions")
def test_it_shares_the_session_and_so_the_share_of_the_processor() -> None:
    with subprocess.Popen(READS, stdin=subprocess.PIPE, **apart()) as process:
        session = os.getsid(process.pid)
        process.communicate(b"\n")
    assert session == os.getsid(0)
