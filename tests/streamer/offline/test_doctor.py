"""``emotiond doctor`` on machines that are well and machines that are not."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from emotiond.streamer.offline import doctor
from emotiond.streamer.offline.doctor import examine
from emotiond.streamer.readers import decoder
from tests.conftest import DATA
from tests.support.daemon import DEMO, emotiond
from tests.support.sound_server import SoundServer


def findings(server: SoundServer) -> dict[str, dict[str, str]]:
    ended = emotiond("doctor", "--json", env=server.environment)
    return {finding["check"]: finding for finding in json.loads(ended.stdout)["findings"]}


@pytest.mark.parametrize("name", ["tiny", "adapting", "past"])
def test_the_speed_of_each_model_is_measured(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "bundled_models", lambda: [DATA / f"{name}.tflite"])
    found = next(finding for finding in examine() if finding.check == f"model {name}")
    assert found.status == "ok"
    assert re.fullmatch(r"\d+\.\d ms per 0\.25 s, real-time factor 0\.\d{3}", found.detail)


@pytest.mark.system
def test_a_healthy_machine_gets_ok_with_figures(microphone: SoundServer) -> None:
    microphone.play(DEMO)
    found = findings(microphone)
    for check in ("python", "numpy", "interpreter", "portaudio", "device 0"):
        assert found[check]["status"] == "ok", found[check]
        assert found[check]["remedy"] == ""
    assert found["microphone"]["status"] != "error"
    assert "real-time factor" in found["model lite"]["detail"]
    assert "dBFS" in found["microphone"]["detail"]
    assert "16 kHz" in found["device 0"]["detail"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")
def test_the_decoder_is_tried_and_what_confines_it_is_named() -> None:
    finding = doctor._decoder()
    assert (finding.check, finding.status) == ("decoder", "ok"), finding
    assert "confined by seccomp" in finding.detail


@pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")
def test_a_decoder_that_is_not_confined_is_a_warning_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = "import emotiond.streamer.readers.confinement as c; c._LIBRARY = 'libnone.so'; main()"
    monkeypatch.setattr(decoder, "_COMMAND", decoder._COMMAND.replace("main()", missing))
    finding = doctor._decoder()
    assert finding.status == "warning"
    assert "unconfined: libnone.so is missing" in finding.detail
    assert "libseccomp2" in finding.remedy


@pytest.mark.system
def test_a_mute_microphone_is_noticed(microphone: SoundServer) -> None:
    found = findings(microphone)["microphone"]
    assert found["status"] == "error"
    assert "silence" in found["detail"]
    assert "Unmute" in found["remedy"]


@pytest.mark.system
def test_it_can_be_read_by_people(microphone: SoundServer) -> None:
    output = emotiond("doctor", env=microphone.environment).stdout
    assert "ok    portaudio" in output
    assert "→" in output


@pytest.mark.skipif(sys.platform == "win32", reason="the words of POSIX")
def test_where_no_process_starts_each_check_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = {finding.check: finding for finding in examine()}
    for check in ("interpreter", "decoder", "portaudio", "microphone"):
        assert found[check].status == "error"
        assert found[check].detail.endswith("No such file or directory")


def test_a_fault_in_one_check_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("a disk that is no more")

    monkeypatch.setattr(doctor, "bundled_models", lambda: [])
    monkeypatch.setattr(doctor, "_portaudio", fail)
    found = {finding.check: finding for finding in examine()}
    assert "no more" in found["portaudio"].detail
    assert found["portaudio"].status == "error"
    assert "microphone" in found
