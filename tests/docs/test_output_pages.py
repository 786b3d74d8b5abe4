"""The examples of the pages about MQTT, OSC and LSL run, against a real daemon."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from emotiond.inference.card import LABELS
from emotiond.streamer.outputs import lsl_channels, osc_messages, osc_sender
from tests.conftest import DATA
from tests.support.daemon import DEMO, running_daemon
from tests.support.free_port import free_port
from tests.support.mosquitto import mosquitto

ROOT = Path(__file__).parents[2]
PLAY = (f"{DEMO}", "--model", str(DATA / "tiny.tflite"))


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def first_line(code: str, *flags: str) -> str:
    """The first line that an example prints beside a daemon."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True
    ) as example:
        try:
            assert example.stdout is not None
            with running_daemon("--source", f"voice={PLAY[0]}", *PLAY[1:], *flags):
                return example.stdout.readline()
        finally:
            example.kill()


def test_the_example_of_osc_prints_the_score_of_happy() -> None:
    (code,) = blocks("osc.md", "python")
    port = str(free_port())
    line = first_line(code.replace("9000", port), "--osc", f"127.0.0.1:{port}")
    assert re.fullmatch(r"/emotiond/voice/score/happy [\d.]+\n", line)


def test_the_live_example_of_lsl_prints_samples() -> None:
    pytest.importorskip("pylsl", reason="liblsl has no wheel for this machine")
    line = first_line(blocks("lsl.md", "python")[1], "--lsl")
    assert re.fullmatch(r"[\d.]+ \[(nan|[\d.]+), .*\]\n", line)


def test_the_pages_have_the_numbers_and_labels_of_the_code() -> None:
    osc, laboratory = (
        " ".join((ROOT / "docs" / page).read_text("utf-8").split()) for page in ("osc.md", "lsl.md")
    )
    assert f"larger than {osc_messages.MOST_BYTES:,} bytes" in osc
    assert f"beyond {osc_sender.MOST_WAITING} datagrams" in osc
    assert f"keeps {lsl_channels.MOST_BUFFERED_HUNDREDS * 100:,} samples" in laboratory
    labels = ", ".join(f"`{label}`" for label in LABELS)
    assert labels in osc
    assert labels in laboratory


@pytest.mark.peers
def test_the_patch_of_pure_data_prints_what_comes(tmp_path: Path) -> None:
    (code,) = blocks("osc.md", "pd")
    port = str(free_port())
    patch = tmp_path / "picture.pd"
    patch.write_text(code.replace("9000", port))
    command = ("puredata", "-nogui", "-noaudio", "-nomidi", "-stderr", str(patch))
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as pure_data:
        try:
            assert pure_data.stderr is not None
            flags = ("--osc", f"127.0.0.1:{port}")
            with running_daemon("--source", f"voice={PLAY[0]}", *PLAY[1:], *flags):
                wanted = {
                    r"OSC: emotiond voice score happy [\d.e-]+\n",
                    r"OSC: emotiond voice state \w+\n",
                    r"OSC: emotiond voice level -?[\d.]+\n",
                    r"OSC: emotiond voice label \w+\n",
                }
                for line in pure_data.stderr:
                    wanted = {pattern for pattern in wanted if not re.fullmatch(pattern, line)}
                    if not wanted:
                        break
                assert not wanted
        finally:
            pure_data.kill()


@pytest.mark.peers
def test_the_configuration_of_mosquitto_admits_the_daemon_with_its_password(tmp_path: Path) -> None:
    (page,) = blocks("mqtt.md", "conf")
    port = free_port()
    lines = page.replace("/etc/mosquitto/certs", str(tmp_path)).replace("8883", str(port))
    plain, *encrypted = lines.replace("/etc/mosquitto", str(tmp_path)).splitlines()
    assert plain == "listener 1883 127.0.0.1"  # as that of Mosquitto
    certificate = trustme.CA()
    server = certificate.issue_cert("localhost")
    server.private_key_pem.write_to_path(str(tmp_path / "server.key"))
    server.cert_chain_pems[0].write_to_path(str(tmp_path / "server.pem"))
    certificate.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    create = ("mosquitto_passwd", "-b", "-c", str(tmp_path / "passwords"), "emotiond", "rightword")
    subprocess.run(create, check=True, timeout=30)
    password = tmp_path / "mqtt-password"
    password.write_text("rightword\n")
    password.chmod(0o600)
    login = ("--mqtt-user", "emotiond", "--mqtt-password-file", str(password))
    place = ("--mqtt", f"mqtts://localhost:{port}", "--mqtt-ca", str(tmp_path / "ca.pem"))
    with mosquitto(tmp_path, *encrypted):
        with running_daemon("--source", *PLAY, *place, *login) as daemon:
            daemon.wait_until(lambda health: health["mqtt"]["state"] == "connected")
        with running_daemon("--source", *PLAY, *place) as daemon:
            assert "it refuses (not authorized)" in daemon.error_line("MQTT mqtts")
