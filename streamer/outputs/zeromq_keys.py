"""The CURVE keys of the daemon and of its subscribers, in one folder."""

from __future__ import annotations

import errno
import logging
import stat
from collections.abc import Set
from pathlib import Path

import zmq
from zmq.auth import load_certificate

from emotiond.exceptions import ConfigError
from emotiond.streamer.private_files import check_links, others_can_read

_log = logging.getLogger(__name__)

_DAEMON = "server.key_secret"


class Keys:
    """The daemon's secret key, and the subscribers' public ones, which may come and go.

    Args:
        folder: has ``server.key_secret``, and a ``*.key`` for each subscriber.

    Raises:
        ConfigError: a key cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            _, secret = _load(folder / _DAEMON)
            if secret is None:
                raise ValueError(f"no secret key in {_DAEMON}")
            self.secret = secret
            """The daemon's own key."""
            zmq.curve_public(secret)
            for path in folder.glob("*.key"):
                _load(path)
        except (OSError, ValueError, zmq.ZMQError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"cannot use the ZeroMQ keys in {folder} ({reason})",
                f"Make {folder}, and in it the keys: (umask 077; python -c 'from zmq.auth import "
                f'create_certificates as c; c("{folder}", "server"); c("{folder}", "client")'
                + "')",
            ) from None
        for path in sorted(folder.glob("*.key_secret")):
            if path.exists() and others_can_read(path.stat()):
                _log.warning("others can read the key in %s; protect it with 'chmod 600'", path)

    @property
    def are_there(self) -> bool:
        """Whether the folder is there: it may be replaced just now."""
        return self.folder.is_dir()

    def public(self) -> Set[bytes]:
        """Return the public keys that are in the folder now, as text in Z85."""
        found = set()
        try:
            for path in self.folder.glob("*.key"):
                try:
                    found.add(_load(path)[0])
                except (OSError, ValueError):  # not yet written, removed just now, a foreign link
                    continue
        except OSError:  # the folder itself: it admits no subscriber
            pass
        return found

    def callback(self, _domain: str, key: bytes) -> bool:
        """Return whether a subscriber is admitted. pyzmq asks at each handshake, in its thread."""
        return key in self.public()


def _load(path: Path) -> tuple[bytes, bytes | None]:
    """Return the public key of a file, and the secret one if it has one.

    One through a link of another user would admit whom that user wants.
    """
    check_links(path)
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
        raise OSError(errno.EINVAL, f"{path.name} is no regular file")
    return load_certificate(path)
