"""What the port needs to pair devices: a token, TLS, an address that they reach, and a file."""

from __future__ import annotations

import hashlib
import logging
import socket
import ssl
from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.streamer.folders import data_folder
from emotiond.streamer.private_files import make_private_folder
from emotiond.streamer.reach import is_loopback
from emotiond.streamer.server.access import is_unspecified
from emotiond.streamer.server.devices import Devices

_log = logging.getLogger(__name__)

_ELSEWHERE = ("192.0.2.1", 9)  # for documentation; nothing is sent there


def pairing_refusal(host: str, has_token: bool, has_tls: bool) -> ConfigError | None:
    """Return why no device can be paired with a daemon like this; None if one can.

    Args:
        host: that it listens on, without brackets.
        has_token: whether clients have to send a token.
        has_tls: whether it has a certificate.
    """
    missing = []
    if is_loopback(host):
        missing.append("--host 0.0.0.0")
    if not has_token:
        missing.append("--token-file FILE")
    if not has_tls:
        missing.append("--tls-cert FILE --tls-key FILE")
    if not missing:
        return None
    return ConfigError(
        "no phone can be paired: one has to reach the daemon, by HTTPS, and the token stays yours",
        f"Start emotiond with {' '.join(missing)}; 'emotiond certificate' makes a certificate",
    )


def open_devices(file: Path | None, port: int) -> Devices | ConfigError:
    """Return the paired devices, or why they cannot be read; that is logged as well.

    Args:
        file: None for one in the user's data folder, each port its own.
        port: that the daemon listens on.
    """
    try:
        if file is not None:
            return Devices(file)
        folder = data_folder()
        try:
            make_private_folder(folder)
        except OSError as error:
            raise ConfigError(
                f"no phone can be paired: {folder} cannot be used ({error.strerror})",
                "Name a file with --paired",
            ) from None
        return Devices(folder / f"paired-{port}.json")
    except ConfigError as error:
        _log.warning("%s", error)
        return error


def fingerprint(certificate: Path) -> str:
    """Return the SHA-256 of the first certificate of a chain in PEM, as browsers show it."""
    chain = certificate.read_text("ascii", "replace")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    first = begin + chain.partition(begin)[2].partition(end)[0] + end
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest().upper()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))


def device_host(host: str, names: tuple[str, ...], reached: str) -> str:
    """Return the host that a device should open, as it stands in a URL.

    Args:
        host: what the daemon listens on.
        names: of ``--allow-host``: the first one stays when the address changes.
        reached: the address of this machine that the owner has reached.
    """
    found = names[0] if names else host
    if is_unspecified(found):
        found = reached if not is_loopback(reached) else own_address()
    found = found.removeprefix("[").removesuffix("]").removeprefix("::ffff:")
    return f"[{found}]".replace("%", "%25") if ":" in found else found


def own_address() -> str:
    """Return the address of this machine in its network; a loopback one without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
