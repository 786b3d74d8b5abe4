"""What holds for every output of the table, and what the daemon does with a faulty one.

``test_beacon.py`` shows the tests of a single output.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from emotiond.streamer.outputs import kinds
from emotiond.streamer.outputs.output import OutputKind
from tests.conftest import DATA
from tests.support.beacon import BEACON
from tests.support.daemon import DEMO, running_daemon

ROOT = Path(__file__).parents[3]
PLAY = ("--source", str(DEMO), "--model", str(DATA / "tiny.tflite"))


def with_bad_beacon(how: str) -> dict[str, Any]:
    """Options of a daemon whose beacon cannot close."""
    return {"command": (sys.executable, "-m", "tests.support.bad_beacon", how), "cwd": ROOT}


@pytest.mark.parametrize("kind", [*kinds.OUTPUTS, BEACON], ids=lambda kind: kind.name)
def test_every_setting_of_an_output_has_its_flag(kind: OutputKind[Any]) -> None:
    flags = [option.flag.removeprefix("--").replace("-", "_") for option in kind.options]
    assert sorted(flags) == sorted(field.name for field in dataclasses.fields(kind.settings))


def test_no_two_outputs_drop_under_one_name() -> None:
    queues = ["messages", *(kind.queue for kind in kinds.OUTPUTS)]
    assert len(set(queues)) == len(queues)


def test_what_an_output_that_is_off_has_dropped_is_zero() -> None:
    command = (sys.executable, "-m", "tests.support.beacon")
    with (
        running_daemon(*PLAY, command=command, cwd=ROOT) as daemon,
        urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response,  # noqa: S310
    ):
        health = json.load(response)
    assert "beacon" not in health
    assert health["dropped"]["beacon_packets"] == 0


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_one_that_does_not_close_in_its_time_does_not_hold_up_the_end() -> None:
    with running_daemon(*PLAY, **with_bad_beacon("hangs")) as daemon:
        before = time.monotonic()
        assert daemon.stop(signal.SIGTERM) == 0
        assert time.monotonic() - before < 60
        daemon.error_line("beacon does not end")


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_one_that_cannot_close_keeps_no_other_part_from_closing() -> None:
    with running_daemon(*PLAY, **with_bad_beacon("raises")) as daemon:
        assert daemon.stop() == 1
        assert "beacon cannot be closed" in daemon.error_line("beacon cannot")
        assert "Traceback" not in daemon.stderr
