"""``/healthz`` of running daemons."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from emotiond.inference.model import read_model
from emotiond.inference.runtime import Runtime
from emotiond.streamer.daemon import app
from emotiond.streamer.daemon.preparing import Prepared, prepare_outputs
from emotiond.streamer.outputs import kinds
from emotiond.streamer.outputs.output import Output, Surroundings
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources.factory import open_sources
from tests.conftest import DATA
from tests.support.beacon import BEACON, BeaconSettings
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.free_port import free_port

SOURCE = ("--source", f"voice={DEMO}", "--model", "lite")


def health(daemon: Daemon) -> Any:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def test_health_names_each_stream_and_no_failure() -> None:
    with (
        running_daemon(*SOURCE, "--name", "kitchen") as daemon,
        connect(daemon.websocket_url) as client,
    ):
        for text in client:
            if json.loads(text)["type"] == "emotion":
                break
        found = health(daemon)
    assert found["name"] == "kitchen"
    assert found["status"] == "ok"
    assert found["failures"] == []
    assert found["streams"]["voice"]["status"] == "running"
    assert found["streams"]["voice"]["dropped_samples"] == 0


def test_health_has_the_last_label_of_each_stream_with_its_age() -> None:
    with running_daemon(*SOURCE) as daemon, connect(daemon.websocket_url) as client:
        for text in client:
            event = json.loads(text)
            if event["type"] == "emotion" and event["label"]:
                break
        last = health(daemon)["last"]["voice"]
        assert last["state"] in ("speech", "uncertain", "silence")
        assert (last["label"] is None) == (last["confidence"] is None)
        # At least the event's own age; at most a few strides, on a busy machine.
        assert 0 <= last["age_seconds"] < 60
        assert last.keys() == {"state", "label", "confidence", "age_seconds", "demo", "replay"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_an_output_that_fails_is_named_and_the_others_go_on() -> None:
    # The daemon inherits a standard output on which no byte fits.
    onto_a_full_disk = [
        sys.executable,
        "-c",
        "import os, sys; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); "
        "os.execv(sys.executable, [sys.executable, '-m', 'emotiond', *sys.argv[1:]])",
    ]
    with (
        running_daemon(*SOURCE, "--json", command=onto_a_full_disk) as daemon,
        connect(daemon.websocket_url) as client,
    ):
        daemon.error_line("standard output cannot be written")
        found = health(daemon)
        types = {json.loads(client.recv(timeout=60))["type"] for _ in range(6)}
        assert daemon.stop() == 1
    assert found["status"] == "degraded"
    assert len(found["failures"]) == 1
    assert "standard output cannot be written" in found["failures"][0]
    assert "emotion" in types


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe that breaks")
def test_a_reader_of_standard_output_that_leaves_is_named_but_is_no_failure() -> None:
    with running_daemon(*SOURCE, "--json") as daemon:
        assert daemon.process.stdout is not None
        daemon.process.stdout.close()
        with connect(daemon.websocket_url) as client:
            while health(daemon)["status"] == "ok":
                client.recv(timeout=60)  # the daemon notices at the next line
        assert health(daemon)["failures"] == ["the reader of standard output has left"]
        assert daemon.stop() == 0
        assert "standard output" not in daemon.stderr


def test_no_page_answers_before_all_outputs_are_open(
    monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    port = free_port()

    async def ask() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return reader, writer

    opener = BEACON.prepare(BeaconSettings("127.0.0.1:9"))
    assert opener is not None

    async def play() -> bytes:
        asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def open_late(around: Surroundings) -> Output:
            asked.set_result(await ask())
            for _ in range(100):
                await asyncio.sleep(0)  # the event loop would answer here
            return await opener(around)

        late = dataclasses.replace(BEACON, prepare=lambda _: open_late)
        monkeypatch.setattr(kinds, "OUTPUTS", (*kinds.OUTPUTS, late))
        flags = {"source": ["demo"], "port": port, "zmq": "off", "history": "off"}
        config = make_config({**flags, "wait_clients": 1}, {})
        sources = open_sources(
            config.source, config.settings_of, config.playback, config.demo_may_stand_in
        )
        model = read_model(DATA / "tiny.tflite")
        openers = prepare_outputs(config)
        daemon = app.Daemon(config, Prepared(runtime, model, None, openers, ()), sources)
        running = asyncio.ensure_future(daemon.run(openers))
        reader, writer = await asyncio.wait_for(asked, 20)
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        running.cancel()
        await asyncio.wait((running,))
        return answer

    found = json.loads(asyncio.run(play()).partition(b"\r\n\r\n")[2])
    assert "beacon" in found


def test_the_first_answer_is_whole_at_every_address_of_a_name() -> None:
    """``localhost`` may have two addresses, and one opens before the other."""
    port, answers = free_port(), []

    def ask() -> None:
        while not answers:
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/healthz", timeout=60) as page:
                    answers.append(json.load(page))
            except OSError:  # nothing listens yet
                continue

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    with running_daemon(*SOURCE, "--host", "localhost", "--port", str(port)) as daemon:
        asking.join(20)
        assert daemon.stop() == 0
    assert "clients" in answers[0]
    assert answers[0]["connections"]["open"] >= 1
