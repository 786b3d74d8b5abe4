"""Reads the token and the certificate from files."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.streamer.private_files import check_links, others_can_read

_log = logging.getLogger(__name__)

FEWEST_CHARACTERS = 16
_MOST_BYTES = 4096
_ADVICE = "Make one: (umask 077; openssl rand -hex 32 > token)"


def read_token(path: Path) -> str:
    """Return the token in a file of one line, without surrounding white space.

    Raises:
        ConfigError: the file cannot be read, or holds no valid token.
    """
    try:
        check_links(path)
        with path.open("rb") as file:
            readable_by_others = others_can_read(os.fstat(file.fileno()))
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read the token file {path} ({reason})", _ADVICE) from None
    try:
        token = content.decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"the token file {path} is not text", _ADVICE) from None
    if len(content) > _MOST_BYTES or len(token.splitlines()) > 1:
        raise ConfigError(f"the token file {path} holds more than one line", _ADVICE)
    if len(token) < FEWEST_CHARACTERS:
        raise ConfigError(
            f"the token in {path} has fewer than {FEWEST_CHARACTERS} characters", _ADVICE
        )
    if readable_by_others:
        _log.warning("others can read the token in %s; protect it with 'chmod 600'", path)
    return token


def make_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and newer, from a certificate chain and its key in PEM.

    Raises:
        ConfigError: the files cannot be read, or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        for path in (certificate, key):
            check_links(path)
        context.load_cert_chain(certificate, key, password=_no_password)
        readable_by_others = others_can_read(key.stat())
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot use {certificate} with {key} for TLS ({reason})",
            "Give a certificate and its key in PEM, without a passphrase: --tls-cert, --tls-key",
        ) from None
    if readable_by_others:
        _log.warning("others can read the key in %s; protect it with 'chmod 600'", key)
    return context


def _no_password() -> str:
    raise ValueError("the key has a passphrase")  # otherwise OpenSSL would ask on the terminal
