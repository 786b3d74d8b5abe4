"""The folder of keys: a link to a key that another user has made admits no subscriber."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from zmq.auth import create_certificates, load_certificate

from emotiond.exceptions import ConfigError
from emotiond.streamer.outputs.zeromq_keys import Keys
from tests.support.owners import make_foreign

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
