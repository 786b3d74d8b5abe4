"""Which clusters are refused before anything is connected or sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.batch.cluster_address import ClusterOptions, checked, refuse_exposure
from emotiond.streamer.cli import main
from tests.conftest import DATA


@pytest.mark.parametrize(
    "address",
    ["tls://10.0.0.7:8786", "tls://engine.example:8786", "tcp://127.0.0.1:8786", "tcp://[::1]:1"],
)
@pytest.mark.parametrize("ships", [False, True])
def test_tls_and_this_machine_need_no_consent(address: str, ships: bool) -> None:
    assert checked(ClusterOptions(address, ships=ships)).address == address


def test_beyond_this_machine_paths_need_tls_or_consent() -> None:
    options = ClusterOptions("tcp://engine.example:8786")
    with pytest.raises(
        ConfigError, match=r"others could read the paths and results, .* or allow it with --insec"
    ):
        checked(options)
    assert checked(ClusterOptions("tcp://engine.example:8786", insecure=True))


def test_beyond_this_machine_voices_need_tls_whatever_is_allowed() -> None:
    options = ClusterOptions("tcp://engine.example:8786", ships=True, insecure=True)
    with pytest.raises(ConfigError, match=r"--ship would send voices where others can read them"):
        checked(options)


def test_a_scheduler_of_this_machine_that_others_reach_is_beyond_it() -> None:
    """It says where it listens: workers on other machines may come at any time."""
    options = ClusterOptions("tcp://localhost:8786", ships=True)
    refuse_exposure(options, "tcp://127.0.0.1:8786")
    with pytest.raises(ConfigError, match=r"at tcp://192\.168\.1\.5:8786, --ship would send"):
        refuse_exposure(options, "tcp://192.168.1.5:8786")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "engine:8786",
        "http://engine:8786",
        "inproc://engine:8786",
        "tcp://engine",
        "tcp://:8786",
        "tcp://engine:port",
        "tcp://engine:99999",
        "tcp://engine:8786/x",
        "tcp://a@engine:8786",
        "tcp://[::1:8786",
    ],
)
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="is no address of a scheduler"):
        checked(ClusterOptions(address, insecure=True))


def test_certificates_are_given_together_and_for_tls(tmp_path: Path) -> None:
    there = str(tmp_path / "there.pem")
    Path(there).touch()
    for options, says in (
        (ClusterOptions("tcp://127.0.0.1:1", authority=there), "--dask-ca is for tls://"),
        (ClusterOptions("tls://127.0.0.1:1", authority=there), "--dask-ca alone are no identity"),
        (
            ClusterOptions("tls://127.0.0.1:1", authority=there, certificate=there, key="none.pem"),
            "--dask-key none.pem: no such file",
        ),
    ):
        with pytest.raises(ConfigError, match=says):
            checked(options)


@pytest.mark.parametrize("flag", ["--ship", "--insecure"])
def test_what_is_for_a_cluster_is_refused_without_one(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "any.wav", "--model", str(DATA / "tiny.tflite"), flag]) == 1
    assert capsys.readouterr().err.startswith(f"emotiond: {flag} is for a cluster. Name it with")
