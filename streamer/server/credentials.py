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
"""Of a token, and of the secret of a web hook."""
_MOST_BYTES = 4096
_ADVICE = "Make one: (umask 077; openssl rand -hex 32 > token)"


def read_token(path: Path) -> str:
    """Return the token in a file of one line, without surrounding white space.

    Raises:
        ConfigError: the file cannot be read, or holds no valid token.
    """
    return read_secret(path, "token", _ADVICE, FEWEST_CHARACTERS)


def read_secret(path: Path, what: str, advice: str, fewest_characters: int = 0) -> str:
    """Return the secret in a file of one line, without surrounding white space.

    Args:
        path: the file.
        what: what it is to be called, such as ``token``.
        advice: the remedy, as a sentence without a full stop.
        fewest_characters: what is shorter is refused.

    Raises:
        ConfigError: the file cannot be read, or holds no text, several lines or too little.
    """
    try:
        check_links(path)
        with path.open("rb") as file:
            readable_by_others = others_can_read(os.fstat(file.fileno()))
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read the {what} file {path} ({reason})", advice) from None
    try:
        secret = content.decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"the {what} file {path} is not text", advice) from None
    if len(content) > _MOST_BYTES or len(secret.splitlines()) > 1:
        raise ConfigError(f"the {what} file {path} holds more than one line", advice)
    if len(secret) < fewest_characters:
        raise ConfigError(
            f"the {what} in {path} has fewer than {fewest_characters} characters", advice
        )
    if readable_by_others:
        _log.warning("others can read the %s in %s; protect it with 'chmod 600'", what, path)
    return secret


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
