"""Makes a certificate for this machine, by the library cryptography.

It is the one that the field uses, and has wheels for Raspberry Pi OS of 64 bits, and by piwheels
for that of 32.
"""

from __future__ import annotations

import ipaddress
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from emotiond.exceptions import ConfigError, install
from emotiond.streamer.outputs.websocket_pairing import fingerprint, own_address
from emotiond.streamer.private_files import create_private

DAYS = 397
"""Phones of Apple take no certificate for longer than 398 days."""


@dataclass(frozen=True)
class MadeCertificate:
    """A certificate that was made just now."""

    certificate: Path
    key: Path
    names: Sequence[str]
    until: datetime
    fingerprint: str
    """SHA-256, as browsers show it."""


def make_certificate(folder: Path, more: Sequence[str] = ()) -> MadeCertificate:
    """Make a certificate that signs itself, and its key, which only this user can read.

    It is for this machine's name, its name with ``.local``, its address in the network, and
    loopback.

    Args:
        folder: gets ``cert.pem`` and ``key.pem``; it is made if need be.
        more: further names and addresses.

    Raises:
        ConfigError: the library is missing, a name is none, a file is there already, or the folder
            cannot be used.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ModuleNotFoundError:
        raise ConfigError(
            "making a certificate needs the package cryptography", install("cryptography")
        ) from None
    host = platform.node().partition(".")[0].lower() or "emotiond"
    names = [
        *dict.fromkeys([host, f"{host}.local", "localhost", own_address(), "127.0.0.1", *more])
    ]
    entries: list[x509.GeneralName] = []
    for name in names:
        try:
            entries.append(x509.IPAddress(ipaddress.ip_address(name)))
            continue
        except ValueError:
            pass
        try:
            if not name or any(each in name for each in "/: "):
                raise ValueError
            entries.append(x509.DNSName(name.encode("idna").decode("ascii")))
        except ValueError:
            raise ConfigError(
                f"no certificate can be for {name!r}", "Use a name or an address, without a port"
            ) from None
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(timezone.utc)
    until = now + timedelta(days=DAYS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"emotiond on {host}"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName(entries), critical=False)
        # Phones install only authorities; with a path length of 0, it signs no other authority.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    places = folder / "cert.pem", folder / "key.pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in places:
            if os.path.lexists(path):
                raise FileExistsError(None, "it is there already", str(path))
        for path, content in zip(places, (public, secret), strict=True):
            with os.fdopen(create_private(path), "wb") as file:
                file.write(content)
    except OSError as error:
        raise ConfigError(
            f"cannot write {error.filename or folder} ({error.strerror})",
            "Name another folder, or move the old files away",
        ) from None
    return MadeCertificate(*places, names, until, fingerprint(places[0]))
