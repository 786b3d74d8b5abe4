"""wyoming.md: its limits are those of the code, and its example streams a recording."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import soundfile

from emotiond.streamer.sources import wyoming_client, wyoming_door, wyoming_events
from tests.conftest import DATA
from tests.support.daemon import running_daemon
from tests.support.free_port import free_port
from tests.support.signals import demo

PAGE = (Path(__file__).parents[2] / "docs" / "wyoming.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE))
LIMITS = {
    "clients at one time": f"{wyoming_door.MOST_CLIENTS}",
    "first line of an event": f"{wyoming_events.MOST_LINE_BYTES // 1024} KiB",
    "its data, its payload": f"{wyoming_events.MOST_DATA_BYTES // 1024} KiB, "
    f"{wyoming_events.MOST_BODY_BYTES // 2**20} MiB",
    "its sound": f"{wyoming_events.MOST_CHUNK_SECONDS} s",
    "events of a client": f"{wyoming_client.EVENTS_PER_SECOND:.0f} a second, "
    f"{wyoming_client.EVENTS_AT_ONCE} at once",
    "streams that begin, and changes of rate, width or channels": ""
    f"{wyoming_door.SEAMS_PER_SECOND:.0f} a second, {wyoming_door.SEAMS_AT_ONCE} at once, "
    "of all clients together",
    "a client that sends nothing": f"{wyoming_door.SILENT_SECONDS:.0f} s",
    "a client that streams and sends no sound, whatever else it sends": ""
    f"{wyoming_door.STREAMING_SECONDS:.0f} s",
    "an answer that is not read; what comes after a refusal": (
        f"{wyoming_client.ANSWER_SECONDS:.0f} s"
    ),
}


def test_its_limits_are_those_of_the_code() -> None:
    assert {key: ROWS[key] for key in ROWS if key not in ("what", "---")} == LIMITS
    said = f"after {wyoming_door.STREAMING_SECONDS:.0f} s without sound"
    assert said in PAGE


def test_its_example_streams_a_recording(tmp_path: Path) -> None:
    port = free_port()
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert "10700" in example
    soundfile.write(tmp_path / "recording.wav", demo()[:8_000], 16_000)
    source = f"kitchen=wyoming://127.0.0.1:{port}"
    with running_daemon(
        "--source", source, "--model", str(DATA / "tiny.tflite"), "--json"
    ) as daemon:
        command = [sys.executable, "-c", example.replace("10700", str(port))]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        assert next(event for event in daemon.events() if event["type"] == "emotion")
