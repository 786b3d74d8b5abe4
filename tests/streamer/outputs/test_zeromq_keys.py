"""The folder of keys: a link to a key that another user has made admits no subscriber."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zmq
from zmq.auth import create_certificates, load_certificate

from emotiond.exceptions import ConfigError
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs import zeromq_publisher
from emotiond.streamer.outputs.zeromq_keys import Keys
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher
from tests.support.owners import make_foreign
from tests.support.port import EMOTION, run, until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs owners of files")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keys of the daemon, and a link to the key of a subscriber, which is elsewhere."""
    folder, elsewhere = tmp_path / "keys", tmp_path / "elsewhere"
    for made, name in ((folder, "server"), (elsewhere, "client")):
        made.mkdir()
        create_certificates(made, name)
    (folder / "server.key_secret").chmod(0o600)
    (folder / "client.key").symlink_to(elsewhere / "client.key")
    return folder


def test_a_link_of_this_user_is_followed(folder: Path) -> None:
    assert load_certificate(folder / "client.key")[0] in Keys(folder).public()


@pytest.mark.parametrize("name", ["client.key", "server.key_secret"])
def test_a_link_of_another_user_is_refused_at_the_start(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / name
    if not path.is_symlink():
        path.rename(folder.parent / name)
        path.symlink_to(folder.parent / name)
    make_foreign(path, monkeypatch)
    with pytest.raises(ConfigError, match="another user"):
        Keys(folder)


def test_a_link_of_another_user_admits_no_subscriber_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, key = Keys(folder), load_certificate(folder / "client.key")[0]
    assert keys.callback("", key)
    make_foreign(folder / "client.key", monkeypatch)
    assert not keys.callback("", key)


def test_a_folder_that_is_a_link_of_another_user_is_refused_and_admits_no_subscriber_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder.name)
    keys, key = Keys(link), load_certificate(folder / "client.key")[0]
    assert keys.callback("", key)
    make_foreign(link, monkeypatch)
    assert not keys.callback("", key)
    with pytest.raises(ConfigError, match="another user"):
        Keys(link)


def test_what_is_no_file_and_no_key_is_named_at_once_and_admits_none_later(folder: Path) -> None:
    """A pipe in the folder would be waited for, at each handshake."""
    keys, key = Keys(folder), load_certificate(folder / "client.key")[0]
    odd = folder / "odd.key"
    os.mkfifo(odd)
    assert keys.callback("", key)
    with pytest.raises(ConfigError, match=r"odd\.key is no regular file"):
        Keys(folder)
    odd.unlink()
    odd.write_bytes(b"\xff\xfe")
    assert keys.callback("", key)
    with pytest.raises(ConfigError, match=r"in .*odd\.key"):
        Keys(folder)


def test_a_secret_key_that_leads_nowhere_is_none(folder: Path) -> None:
    (folder / "old.key_secret").symlink_to("none")
    assert Keys(folder).public()


def test_a_folder_that_is_replaced_disconnects_nobody_whose_key_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """libzmq gives up for good where it is refused: a gap between two folders would cost all."""
    monkeypatch.setattr(zeromq_publisher, "LOOK_SECONDS", 0.02)

    async def test() -> None:
        publisher = ZeroMQPublisher("tcp://127.0.0.1:*", lambda: [], lossless=False, folder=folder)
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            public, secret = load_certificate(folder.parent / "elsewhere" / "client.key_secret")
            assert secret is not None
            subscriber.curve_publickey, subscriber.curve_secretkey = public, secret
            subscriber.curve_serverkey = load_certificate(folder / "server.key")[0]
            subscriber.connect(publisher.endpoint)
            subscriber.subscribe("")

            def arrives() -> bool:
                publisher.send(Message(EMOTION, "{}"))
                return bool(subscriber.poll(0))

            await until(arrives)
            folder.rename(folder.parent / "away")
            await until(lambda: "is gone" in caplog.text)
            (folder.parent / "away").rename(folder)
            while subscriber.poll(0):
                subscriber.recv_multipart()
            await until(arrives)
        await publisher.close(0)

    run(test)
    assert "bound anew" not in caplog.text
