"""The blocks of code of README.md and docs/*.md run, or docs/code-blocks.md says why not."""

from __future__ import annotations

import ast
import json
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme

from emotiond.streamer.protocol.events import Change, Emotion, encode, to_json
from emotiond.streamer.recordings.plan import EVENT_FORMS, Plan
from emotiond.streamer.recordings.writer import RecordingWriter
from tests.conftest import DATA
from tests.support.block_programs import run_block
from tests.support.chromium import PATIENCE_MS
from tests.support.code_blocks import ROOT, Block, code_blocks, rows
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.free_port import free_port
from tests.support.programs import skip_without
from tests.support.schema import Side, check, types_of

BLOCKS = code_blocks()
ELSEWHERE = rows("Blocks that other tests run")
EXEMPT = rows("Blocks that no test runs")
LEAST_SHARE = 0.9
ANSWERS = {"files", "events", "rooms", "devices", "sessions"}
"""A message with one of these is the daemon's, where both sides have its type."""
EVENTS = {"EMOTION_TYPE": "change", "EMOTION_TO": "angry"}
"""What a command of ``--on-change`` is given."""


def those(*languages: str) -> list[Any]:
    """The blocks of some languages that run here."""
    return [
        pytest.param(block, id=str(block))
        for block in BLOCKS
        if block.language in languages and block.key not in {*ELSEWHERE, *EXEMPT}
    ]


HERE = those("sh", "console", "python", "json", "toml", "js")


def xdf() -> bytes:
    """A recording of a laboratory: one stream with one sample."""

    def chunk(tag: int, content: bytes) -> bytes:
        return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content

    number = struct.pack("<I", 1)
    described = (
        "<name>emotiond/voice</name><type>Emotion</type><channel_count>1</channel_count>"
        "<nominal_srate>0</nominal_srate><channel_format>float32</channel_format>"
    )
    counted = "<first_timestamp>1</first_timestamp><last_timestamp>1</last_timestamp>"
    parts = (
        chunk(1, b"<info><version>1.0</version></info>"),
        chunk(2, number + f"<info>{described}</info>".encode()),
        chunk(3, number + b"\x01\x01\x08" + struct.pack("<df", 1.0, 0.5)),
        chunk(6, number + f"<info>{counted}<sample_count>1</sample_count></info>".encode()),
    )
    return b"XDF:" + b"".join(parts)


def record_session(path: Path) -> None:
    """A short recording, with one change."""
    writer = RecordingWriter(path, "mic", Plan(EVENT_FORMS), lambda: 1_795_372_800.0)
    writer.add_sound(np.zeros(4_000, np.float32), 0.0, True, 1_795_372_800.0)
    silence = ("silence", None, None, None, None, 0.0, -60.0, None, 0)
    for event in (
        Emotion(0, "mic", 0.0, 0.245, 1_795_372_800.0, *silence),
        Change(1, "mic", 0.245, "calm", None, 4.5),
    ):
        writer.add_event(event, encode(to_json(event)))
    writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the pages take for granted: an environment, a recording, a certificate, a token."""
    shutil.copy(DEMO, tmp_path / "recording.wav")  # the content shows the format
    record_session(tmp_path / "kitchen.wav")
    (tmp_path / "recordings" / "anna").mkdir(parents=True)
    shutil.copy(DEMO, tmp_path / "recordings" / "anna" / "talk.flac")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "kitchen.token").write_text("0123456789abcdef")
    (tmp_path / "recording.xdf").write_bytes(xdf())
    (tmp_path / "mqtt-password").write_text("password")
    for secret in ("key.pem", "kitchen.token", "mqtt-password"):
        (tmp_path / secret).chmod(0o600)
    (tmp_path / "emotiond.toml").write_text('source = ["room=demo"]')
    (tmp_path / "lamp.sh").write_text("#!/bin/sh\n")
    (tmp_path / "lamp.sh").chmod(0o755)
    return tmp_path


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One for all blocks that listen."""
    flags = ("--source", f"mic={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
    latest = f"tcp://127.0.0.1:{free_port()}"
    with running_daemon(*flags, "--zmq-latest", latest) as daemon:
        daemon.latest = latest  # type: ignore[attr-defined]
        yield daemon


def at(daemon: Daemon, text: str) -> str:
    """A block with the ports of the daemon."""
    latest: str = daemon.latest  # type: ignore[attr-defined]
    return text.replace("127.0.0.1:8765", f"127.0.0.1:{daemon.port}").replace(
        "tcp://127.0.0.1:8767", latest
    )


def test_nine_of_ten_blocks_run() -> None:
    run = [block for block in BLOCKS if block.key not in EXEMPT]
    left_out = [str(block) for block in BLOCKS if block.key in EXEMPT]
    assert len(run) / len(BLOCKS) >= LEAST_SHARE, (len(run), len(BLOCKS), left_out)


def test_every_block_runs_here_or_elsewhere_or_has_a_reason() -> None:
    here = {parameter.values[0].key for parameter in HERE}
    assert {block.key for block in BLOCKS} - here - {*ELSEWHERE} - {*EXEMPT} == set()


def test_the_tables_name_no_block_that_is_gone() -> None:
    assert {*ELSEWHERE, *EXEMPT} - {block.key for block in BLOCKS} == set()
    assert {*ELSEWHERE} & {*EXEMPT} == set()


@pytest.mark.parametrize("test", sorted(set(ELSEWHERE.values())))
def test_a_test_elsewhere_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.peers  # each starts a daemon or two, for which 'make test' has not the time
@pytest.mark.parametrize("block", those("sh"))
def test_commands_run(block: Block, folder: Path) -> None:
    if "--lsl" in block.text:
        pytest.importorskip("pylsl", reason="liblsl has no wheel for this machine")
    ended = run_block(block.text, folder, **EVENTS)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.litert
@pytest.mark.parametrize("block", those("console"))
def test_commands_print_what_the_page_shows(block: Block) -> None:
    asked, _, shown = block.text.partition("\n")
    command = asked.removeprefix("$ emotiond ").split()
    assert emotiond(*command, cwd=ROOT).stdout == shown


@pytest.mark.litert
@pytest.mark.parametrize("block", those("python"))
def test_python_runs(block: Block, folder: Path, daemon: Daemon) -> None:
    """To its end, or to its first line where it goes on for ever."""
    program = folder / "block.py"
    program.write_text(at(daemon, block.text), "utf-8")
    with subprocess.Popen(
        [sys.executable, "-u", program],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if not process.stdout.readline():
            assert process.wait(PATIENCE_SECONDS) == 0, process.stderr.read()
        process.kill()


@pytest.mark.parametrize("block", those("json"))
def test_json_is_what_a_daemon_or_a_client_sends(block: Block) -> None:
    decoder, text = json.JSONDecoder(), block.text.strip()
    while text:
        message, end = decoder.raw_decode(text)
        text = text[end:].strip()
        side: Side = "daemon"
        if message["type"] in types_of("client") and not ANSWERS & {*message}:
            side = "client"
        check(side, message)


@pytest.mark.parametrize("block", those("toml"))
def test_settings_are_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "emotiond.toml").write_text(block.text)
    checked = emotiond("config", "--check", str(tmp_path / "emotiond.toml"))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.peers
def test_mosquitto_starts_with_its_configuration(folder: Path) -> None:
    """On other ports, with a certificate and passwords of the test."""
    skip_without("mosquitto", "mosquitto_passwd")
    (text,) = [block.text for block in BLOCKS if block.language == "conf"]
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "emotiond", "secret"], check=True)
    ports = {"1883": str(free_port()), "8883": str(free_port())}
    for written, ours in {
        **ports,
        "/etc/mosquitto/certs/server.pem": f"{folder}/cert.pem",
        "/etc/mosquitto/certs/server.key": f"{folder}/key.pem",
        "/etc/mosquitto/passwords": str(passwords),
    }.items():
        assert written in text
        text = text.replace(written, ours)
    (folder / "mosquitto.conf").write_text(f"{text}\nlog_dest stderr\nuser root\n")
    command = ["mosquitto", "-c", folder / "mosquitto.conf"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as broker:
        assert broker.stderr is not None
        lines = []
        for line in broker.stderr:
            lines.append(line)
            if line.rstrip().endswith("running") or "Error" in line:
                break
        broker.kill()
    assert lines[-1].rstrip().endswith("running"), lines
    for port in ports.values():
        assert any(f"on port {port}" in line for line in lines)


@pytest.mark.parametrize("block", those("js"))
def test_scripts_run_on_the_page(block: Block, daemon: Daemon, chromium: Any) -> None:
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(daemon.page_url)
        text = at(daemon, block.text).strip()
        if re.match(r"fetch\(", text):
            assert page.evaluate(f"async (token) => (await {text.rstrip(';')}).status", "") == 200
        else:
            with page.expect_console_message() as shown:
                page.evaluate(f"() => {{ {text}\n }}")
            assert shown.value.type == "log"
    finally:
        context.close()
