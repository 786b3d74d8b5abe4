from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from emotiond.streamer.background import run_in_background


def test_it_runs_concurrently() -> None:
    may_end = threading.Event()
    promised = run_in_background(may_end.wait)
    assert not promised.done()
    may_end.set()
    assert promised.result(10) is True


def test_its_end_is_no_fault_where_nobody_waits_any_more() -> None:
    may_end = threading.Event()
    promised = run_in_background(may_end.wait)
    assert not promised.cancel()
    may_end.set()
    assert promised.result(10) is True


def test_an_error_is_raised_by_the_result() -> None:
    def fail() -> None:
        raise ValueError("no")

    promised = run_in_background(fail)
    with pytest.raises(ValueError, match="no"):
        promised.result(10)


def test_the_end_of_the_process_does_not_wait_for_it() -> None:
    script = (
        "import threading; from emotiond.streamer.background import run_in_background; "
        "run_in_background(threading.Event().wait)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
