"""The paired devices and their file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.exceptions import ConfigError
from emotiond.streamer.server.devices import MOST_DEVICES, Devices, make_device


def test_a_token_is_known_until_its_device_is_shut_out(tmp_path: Path) -> None:
    devices = Devices(tmp_path / "paired.json")
    device, token = make_device("phone")
    assert devices.name_of(token.encode()) is None
    devices.admit(device)
    assert devices.name_of(token.encode()) == "phone"
    devices.shut_out(device)
    assert devices.name_of(token.encode()) is None


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "paired.json"
    devices = Devices(path)
    found = [make_device(f"Küche {number}")[0] for number in range(MOST_DEVICES)]
    devices.write(found)
    assert list(Devices(path).all) == found


@given(candidate=st.binary(max_size=80))
def test_nothing_else_is_a_token(candidate: bytes) -> None:
    devices = Devices(Path(__file__).with_name("there-is-no-such-file"))
    devices.admit(make_device("phone")[0])
    assert devices.name_of(candidate) is None


GOOD = {"name": "phone", "digest": "0" * 64, "paired": 1.5, "seen": 2.5}


@pytest.mark.parametrize(
    "devices",
    [
        [GOOD | {"name": "a/b"}],
        [GOOD | {"digest": "0" * 63}],
        [GOOD | {"digest": "G" * 64}],
        [GOOD | {"paired": "yesterday"}],
        [GOOD | {"more": 1}],
        [GOOD, GOOD | {"name": "PHONE"}],
        [GOOD | {"name": f"d{number}"} for number in range(MOST_DEVICES + 1)],
        {},
        None,
    ],
)
def test_a_file_with_anything_wrong_lets_nobody_in(tmp_path: Path, devices: object) -> None:
    path = tmp_path / "paired.json"
    path.write_text(json.dumps({"version": 1, "devices": devices}))
    with pytest.raises(ConfigError, match="no paired device is let in") as caught:
        Devices(path)
    assert "pair the devices anew" in caught.value.remedy


@given(content=st.binary(max_size=300))
def test_any_bytes_are_devices_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "paired.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        Devices(path)


def test_a_file_of_any_size_is_not_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "paired.json"
    path.write_text(" " * 70_000)
    with pytest.raises(ConfigError, match="far too large"):
        Devices(path)


@pytest.mark.skipif(os.name != "posix", reason="needs modes of files")
def test_a_folder_where_everybody_writes_keeps_no_devices(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="every user can make files in its folder"):
        Devices(tmp_path / "paired.json")


@pytest.mark.skipif(os.name != "posix", reason="needs modes of files")
def test_a_list_that_cannot_be_written_is_still_to_be_written(tmp_path: Path) -> None:
    devices = Devices(tmp_path / "paired.json")
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError):
        devices.write([make_device("phone")[0]])
    assert devices.unwritten
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", ["revoked by another daemon", "removed by its owner"])
def test_what_something_else_has_changed_is_left_as_it_is(tmp_path: Path, change: str) -> None:
    path = tmp_path / "paired.json"
    Devices(path).write([make_device("phone")[0]])
    devices = Devices(path)
    if change == "removed by its owner":
        path.unlink()
    else:
        Devices(path).write([])
    with pytest.raises(OSError, match="another program has changed it"):
        devices.write(devices.all)
    assert devices.unwritten
    assert [each.name for each in Devices(path).all] == []
