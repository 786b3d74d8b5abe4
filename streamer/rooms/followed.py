"""Reads what following needs from files: the tokens, and whom to trust."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.streamer.private_files import check_links, others_can_read
from emotiond.streamer.rooms.addresses import Address, parse_address, parse_addresses
from emotiond.streamer.server.credentials import FEWEST_CHARACTERS

_MOST_BYTES = 16 * 1024
_FORM = "Give it one line 'URL TOKEN' for each daemon, or for a single one the token alone"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Followed:
    """Another daemon, and what its connection needs."""

    address: Address
    token: str | None = field(default=None, repr=False)
    """None if it wants none."""
    tls: ssl.SSLContext | None = None
    """Whom to trust; None without encryption."""


def prepare_followed(
    texts: Sequence[str], token_file: Path | None, authority: Path | None
) -> Sequence[Followed]:
    """Read the tokens and the authority's certificate.

    Args:
        texts: the values of ``--follow``.
        token_file: the file with the tokens, if any.
        authority: a certificate that is trusted instead of the authorities that this machine knows.

    Raises:
        ConfigError: a file cannot be read, or has a wrong form.
    """
    addresses = parse_addresses(texts)
    tokens = {} if token_file is None else _read_tokens(token_file, addresses)
    tls = _trust(authority) if any(address.is_encrypted for address in addresses) else None
    return [
        Followed(address, tokens.get(address.url), tls if address.is_encrypted else None)
        for address in addresses
    ]


def _read_tokens(path: Path, addresses: Sequence[Address]) -> Mapping[str, str]:
    """Return the tokens by URL. A token is in no error message."""
    try:
        check_links(path)
        with path.open("rb") as file:
            readable_by_others = others_can_read(os.fstat(file.fileno()))
            content = file.read(_MOST_BYTES + 1)
        lines = [line.split() for line in content.decode().splitlines()]
    except UnicodeDecodeError:
        raise ConfigError(f"the token file {path} is not text", _FORM) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read the token file {path} ({reason})", _FORM) from None
    lines = [line for line in lines if line and not line[0].startswith("#")]
    if not lines or len(content) > _MOST_BYTES:
        raise ConfigError(f"the token file {path} is empty or far too large", _FORM)
    if len(lines) == len(addresses) == 1 and len(lines[0]) == 1:
        lines = [[addresses[0].url, lines[0][0]]]
    tokens: dict[str, str] = {}
    known = {address.url for address in addresses}
    for number, line in enumerate(lines, start=1):
        where = f"token {number} in {path}"
        if len(line) != 2 or "://" not in line[0]:
            raise ConfigError(f"{where} has no URL, or more than a URL and a token", _FORM)
        url, token = parse_address(line[0]).url, line[1]
        if url not in known or url in tokens:
            problem = "has an address that is there twice, or that no --follow names"
            raise ConfigError(f"{where} {problem}: {url}", _FORM)
        if len(token) < FEWEST_CHARACTERS or not (token.isascii() and token.isprintable()):
            problem = f"is no text of at least {FEWEST_CHARACTERS} plain characters"
            raise ConfigError(f"{where} {problem}", "Copy the line of the other's --token-file")
        tokens[url] = token
    if readable_by_others:
        _log.warning("others can read the tokens in %s; protect it with 'chmod 600'", path)
    return tokens


def _trust(authority: Path | None) -> ssl.SSLContext:
    try:
        if authority is not None:
            check_links(authority)
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot use the certificate {authority} ({reason})",
            "Give the other daemon's certificate, or that of its authority, in PEM: --follow-ca",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
