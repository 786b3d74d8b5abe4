"""Pairing: codes, the devices' own tokens and their end, against a running daemon with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emotiond.streamer.protocol.requests import Pair, RequestError
from emotiond.streamer.server import pairing
from emotiond.streamer.server.access import OWNER, Proof
from emotiond.streamer.server.devices import MOST_DEVICES, Devices, make_device
from tests.support.daemon import Daemon
from tests.support.paired import TOKEN, Home, Talk, code_of, make_home, running_home, talking

pytest.importorskip("segno", reason="needs the extra 'pair'")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def daemon(home: Home) -> Iterator[Daemon]:
    with running_home(home) as daemon:
        yield daemon


@pytest.fixture
def owner(home: Home, daemon: Daemon) -> Iterator[Talk]:
    with talking(home, daemon) as talk:
        assert talk.until("hello")["pairing"] is True
        yield talk


def paired(home: Home, daemon: Daemon, owner: Talk, name: str = "") -> dict[str, Any]:
    """Pair a device; returns what it is told."""
    offer = owner.ask("pairing", "pair", name=name)
    with talking(home, daemon, "redeem", code=code_of(offer)) as device:
        told = device.until("paired")
        assert device.until("hello")["type"] == "hello"
    assert owner.until("pairing-ended")["reason"] == "used"
    return told


def status_of(home: Home, daemon: Daemon, path: str, token: str) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection("localhost", daemon.port, context=home.trust)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_code_gives_a_device_its_own_token_which_is_good_for_listening(
    home: Home, daemon: Daemon, owner: Talk
) -> None:
    told = paired(home, daemon, owner, "Anna phone")
    assert told["name"] == "Anna phone"
    with talking(home, daemon, "auth", token=told["token"]) as device:
        device.until("hello")
        device.until("emotion")
        (listed,) = [e for e in owner.ask("devices", "devices")["devices"] if e["connections"]]
        assert listed["name"] == "Anna phone"
        assert listed["seen"] >= listed["paired"]
    assert status_of(home, daemon, "/metrics", told["token"])[0] == 200
    assert b"requests" in status_of(home, daemon, "/healthz", told["token"])[1]
    assert status_of(home, daemon, "/metrics", told["token"][:-1])[0] == 401
    assert told["token"] not in daemon.stderr
    assert daemon.stderr.count("paired 'Anna phone'") == 1


def test_the_file_holds_digests_alone_and_only_the_user_can_read_it(
    home: Home, daemon: Daemon, owner: Talk
) -> None:
    told = paired(home, daemon, owner, "digested")
    assert stat.S_IMODE(home.paired.stat().st_mode) == 0o600
    text = home.paired.read_text("utf-8")
    assert told["token"] not in text
    assert hashlib.sha256(told["token"].encode()).hexdigest() in text


def test_a_code_is_valid_once(home: Home, daemon: Daemon, owner: Talk) -> None:
    offer = owner.ask("pairing", "pair")
    with talking(home, daemon, "redeem", code=code_of(offer)) as device:
        device.until("paired")
    with talking(home, daemon, "redeem", code=code_of(offer)) as again:
        assert again.closing() == (4401, "the code is wrong, used or too old")


def test_a_new_code_ends_the_one_before(home: Home, daemon: Daemon, owner: Talk) -> None:
    first = owner.ask("pairing", "pair")
    with talking(home, daemon) as other:
        other.ask("pairing", "pair")
        assert owner.until("pairing-ended")["reason"] == "replaced"
        with talking(home, daemon, "redeem", code=code_of(first)) as device:
            assert device.closing()[0] == 4401


def test_a_code_ends_with_the_connection_that_asked_for_it(home: Home, daemon: Daemon) -> None:
    with talking(home, daemon) as asker:
        offer = asker.ask("pairing", "pair")
    with talking(home, daemon) as other:  # the daemon has noticed the end before it answers
        other.until("hello")
        with talking(home, daemon, "redeem", code=code_of(offer)) as device:
            assert device.closing()[0] == 4401


def test_a_cancelled_code_is_dead(home: Home, daemon: Daemon, owner: Talk) -> None:
    offer = owner.ask("pairing", "pair")
    assert owner.ask("pairing-ended", "cancel-pairing")["reason"] == "cancelled"
    with talking(home, daemon, "redeem", code=code_of(offer)) as device:
        assert device.closing()[0] == 4401


def test_wrong_codes_end_the_right_one(home: Home, daemon: Daemon, owner: Talk) -> None:
    offer = owner.ask("pairing", "pair")
    for _ in range(pairing.MOST_WRONG_TRIES):
        with talking(home, daemon, "redeem", code=code_of(offer)[::-1]) as stranger:
            assert stranger.closing()[0] == 4401
    assert owner.until("pairing-ended")["reason"] == "wrong-codes"
    with talking(home, daemon, "redeem", code=code_of(offer)) as device:
        assert device.closing()[0] == 4401
    daemon.error_line("wrong ones came")
    assert daemon.stderr.count("wrong ones came") == 1


@pytest.mark.parametrize("code", ["", "é", "\ud800", "0" * 5000])
def test_a_strange_code_is_a_wrong_one(home: Home, daemon: Daemon, owner: Talk, code: str) -> None:
    owner.ask("pairing", "pair")
    with talking(home, daemon, "redeem", code=code) as stranger:
        assert stranger.closing()[0] == 4401
    owner.ask("pairing-ended", "cancel-pairing")


def test_a_revoked_device_loses_its_connections_and_is_let_in_no_more(
    home: Home, daemon: Daemon, owner: Talk
) -> None:
    told, kept = paired(home, daemon, owner, "lost"), paired(home, daemon, owner, "kept")
    with (
        talking(home, daemon, "auth", token=told["token"]) as one,
        talking(home, daemon, "auth", token=told["token"]) as two,
        talking(home, daemon, "auth", token=kept["token"]) as other,
    ):
        for device in (one, two, other):
            device.until("hello")
        left = owner.ask("devices", "revoke", name="LOST")["devices"]
        assert "lost" not in {each["name"] for each in left}
        for device in (one, two):
            assert device.closing() == (4401, "this device is paired no more")
        other.until("emotion")
    with talking(home, daemon, "auth", token=told["token"]) as device:
        assert device.closing()[0] == 4401
    assert status_of(home, daemon, "/metrics", told["token"])[0] == 401
    assert daemon.stderr.count("revoked 'lost'") == 1


def test_an_event_stream_ends_with_the_pairing(home: Home, daemon: Daemon, owner: Talk) -> None:
    told = paired(home, daemon, owner, "curl")
    connection = http.client.HTTPSConnection("localhost", daemon.port, context=home.trust)
    headers = {"Authorization": f"Bearer {told['token']}"}
    connection.request("GET", "/events", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.readline() == b"event: hello\n"
    owner.ask("devices", "revoke", name="curl")
    assert b"paired no more" not in answer.read()  # to the end: no frame of a WebSocket
    assert status_of(home, daemon, "/events", told["token"])[0] == 401


@pytest.mark.parametrize(
    "request_", [{"kind": "pair"}, {"kind": "devices"}, {"kind": "revoke", "name": "x"}]
)
def test_a_device_pairs_no_other(
    home: Home, daemon: Daemon, owner: Talk, request_: dict[str, str]
) -> None:
    told = paired(home, daemon, owner)
    with talking(home, daemon, "auth", token=told["token"]) as device:
        assert device.ask("error", **request_)["error"] == "not-the-owner"
    owner.ask("devices", "revoke", name=told["name"])


def test_devices_without_a_name_are_counted(home: Home, daemon: Daemon, owner: Talk) -> None:
    names = [paired(home, daemon, owner)["name"] for _ in range(2)]
    assert names[0].startswith("phone")
    assert names[0] != names[1]


def test_a_name_is_taken_once(home: Home, daemon: Daemon, owner: Talk) -> None:
    paired(home, daemon, owner, "Tablet")
    assert owner.ask("error", "pair", name="tablet")["error"] == "device-name-taken"
    assert owner.ask("error", "revoke", name="nobody")["error"] == "unknown-device"


@pytest.mark.parametrize("name", [" x", "a/b", "x\n", "\x1b[31m"])
def test_a_name_that_none_can_have_is_refused(owner: Talk, name: str) -> None:
    assert owner.ask("error", "pair", name=name)["error"] == "bad-message"


def test_who_is_in_redeems_no_code(owner: Talk) -> None:
    assert owner.ask("error", "redeem", code="x")["error"] == "cannot-pair"


def test_more_devices_than_the_limit_are_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    devices = [
        {"name": f"d{number}", "digest": f"{number:064x}", "paired": 0.0, "seen": 0.0}
        for number in range(MOST_DEVICES)
    ]
    home.paired.write_text(json.dumps({"version": 1, "devices": devices}))
    with running_home(home) as daemon, talking(home, daemon) as owner:
        assert stat.S_IMODE(home.paired.stat().st_mode) == 0o600
        assert owner.ask("error", "pair")["error"] == "too-many-devices"


def test_a_stolen_phone_does_not_keep_out_the_owner(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with running_home(home, "--max-connections", "12") as daemon, contextlib.ExitStack() as held:
        with talking(home, daemon) as owner:
            token = paired(home, daemon, owner)["token"]
        for _ in range(3):  # a quarter
            held.enter_context(talking(home, daemon, "auth", token=token)).until("hello")
        with talking(home, daemon, "auth", token=token) as one_more:
            assert one_more.closing() == (1013, "this device has too many connections")
        assert status_of(home, daemon, "/metrics", token)[0] == 503
        with talking(home, daemon) as owner:
            owner.until("hello")
            assert owner.ask("devices", "revoke", name="phone")["devices"] == []
            assert status_of(home, daemon, "/metrics", TOKEN)[0] == 200


def test_all_devices_together_have_half_of_the_connections(tmp_path: Path) -> None:
    pairs = pairing.Pairing(Devices(tmp_path / "paired.json"), connections=12)
    for number in range(6):
        proof = Proof(f"phone {number}")
        assert pairs.has_room(proof)
        pairs.enter(Asker(), proof)  # type: ignore[arg-type]
    assert not pairs.has_room(Proof("another"))
    assert pairs.has_room(OWNER)


def test_a_restart_keeps_the_devices_and_a_revocation(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with running_home(home) as daemon, talking(home, daemon) as owner:
        kept, lost = paired(home, daemon, owner, "kept"), paired(home, daemon, owner, "lost")
        owner.ask("devices", "revoke", name="lost")
        with talking(home, daemon, "auth", token=kept["token"]) as device:
            device.until("hello")
        assert daemon.stop() == 0
    (device_,) = json.loads(home.paired.read_text("utf-8"))["devices"]
    assert device_["seen"] > device_["paired"]
    with running_home(home) as daemon:
        with talking(home, daemon, "auth", token=kept["token"]) as device:
            device.until("hello")
        with talking(home, daemon, "auth", token=lost["token"]) as device:
            assert device.closing()[0] == 4401


@pytest.mark.parametrize("content", ["", "{", '{"version": 2, "devices": []}', "[]", "link"])
def test_with_a_damaged_file_nobody_paired_gets_in_and_one_line_says_so(
    tmp_path: Path, content: str
) -> None:
    home = make_home(tmp_path)
    if content == "link":
        (tmp_path / "elsewhere.json").write_text('{"version": 1, "devices": []}')
        home.paired.symlink_to(tmp_path / "elsewhere.json")
    else:
        home.paired.write_text(content)
    with running_home(home) as daemon, talking(home, daemon) as owner:
        assert daemon.stderr.count("no paired device is let in") == 1
        assert owner.until("hello")["pairing"] is False
        refused = owner.ask("error", "pair")
        assert refused["error"] == "cannot-pair"
        assert str(home.paired) in refused["detail"]
    assert home.paired.is_symlink() == (content == "link")
    if content != "link":
        assert home.paired.read_text() == content


@pytest.mark.skipif(os.name != "posix", reason="needs modes of files")
def test_without_a_place_to_write_nobody_is_paired_and_a_revocation_holds_at_once(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path)
    with running_home(home) as daemon, talking(home, daemon) as owner:
        told = paired(home, daemon, owner)
        home.paired.parent.chmod(0o777)
        offer = owner.ask("pairing", "pair")
        with talking(home, daemon, "redeem", code=code_of(offer)) as device:
            assert device.closing()[0] == 4401
        assert owner.until("pairing-ended")["reason"] == "failed"
        daemon.error_line("is not paired: the list of paired devices cannot be written (every user")
        with talking(home, daemon, "auth", token=told["token"]) as device:
            device.until("hello")
            assert owner.ask("error", "revoke", name=told["name"])["error"] == "pairing-failed"
            assert device.closing()[0] == 4401
        home.paired.parent.chmod(0o700)
        assert daemon.stop() == 0
    assert json.loads(home.paired.read_text("utf-8"))["devices"] == []  # written at the end


class Asker:
    """The owner's connection, as far as pairing knows it."""

    is_owner = True

    def __init__(self) -> None:
        self.transport = self
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return "192.168.7.5", 8765

    def send_json(self, message: dict[str, Any]) -> None:
        self.said.put_nowait(message)


def test_a_code_expires_by_a_clock_that_nobody_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing, "LIFE_SECONDS", 0.01)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the wall clock stands still

    async def ask_and_wait() -> None:
        asker: Any = Asker()
        pairs = pairing.Pairing(Devices(tmp_path / "paired.json"))
        await pairs.handlers[Pair](asker, Pair())
        offer = await asker.said.get()
        assert await asker.said.get() == {
            "type": "pairing-ended", "name": "phone", "reason": "expired",
        }  # fmt: skip
        assert await pairs.redeem(code_of(offer)) is None

    asyncio.run(ask_and_wait())


def test_a_code_that_is_asked_for_while_another_is_used_counts_that_device(tmp_path: Path) -> None:
    devices = Devices(tmp_path / "paired.json")
    for number in range(MOST_DEVICES - 1):
        devices.admit(make_device(f"d{number}")[0])

    async def ask_meanwhile() -> None:
        asker: Any = Asker()
        pairs = pairing.Pairing(devices)
        await pairs.handlers[Pair](asker, Pair())
        using = asyncio.ensure_future(pairs.redeem(code_of(await asker.said.get())))
        await asyncio.sleep(0)  # it waits for the disk
        with pytest.raises(RequestError, match=f"{MOST_DEVICES} devices are paired"):
            await pairs.handlers[Pair](asker, Pair())
        assert await using is not None

    asyncio.run(ask_meanwhile())
    assert len(Devices(tmp_path / "paired.json").all) == MOST_DEVICES
