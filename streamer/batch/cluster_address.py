"""Which cluster may be used, and with what protection. The rule about exposure decides."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import ConfigError
from emotiond.streamer.reach import is_loopback


@dataclass(frozen=True)
class ClusterOptions:
    """What the command line says of a cluster."""

    address: str
    """Of the scheduler: ``tcp://HOST:PORT`` or ``tls://HOST:PORT``."""
    ships: bool = False
    """Whether recordings are sent. Otherwise their paths are."""
    insecure: bool = False
    """Whether paths may go to other machines without encryption."""
    authority: str | None = None
    """File with the certificate of the cluster's authority; None for Dask's own configuration."""
    certificate: str | None = None
    """File with the certificate of this client."""
    key: str | None = None
    """File with its key."""

    @property
    def is_encrypted(self) -> bool:
        """Whether the address is one of TLS."""
        return self.address.startswith("tls://")


def checked(options: ClusterOptions) -> ClusterOptions:
    """Return options whose address is one, and may be reached.

    Raises:
        ConfigError: otherwise.
    """
    _host(options.address)
    files = {
        "--dask-ca": options.authority,
        "--dask-cert": options.certificate,
        "--dask-key": options.key,
    }
    given = [flag for flag, name in files.items() if name is not None]
    if given and not options.is_encrypted:
        raise ConfigError(f"{given[0]} is for tls://", "Give --dask tls://HOST:PORT")
    if given and len(given) < len(files):
        raise ConfigError(
            f"{' and '.join(given)} alone are no identity", f"Give {', '.join(files)}"
        )
    for flag, name in files.items():
        if name is not None and not Path(name).is_file():
            raise ConfigError(f"{flag} {name}: no such file", "Check the path")
    refuse_exposure(options, options.address)
    return options


def refuse_exposure(options: ClusterOptions, reached: str) -> None:
    """Refuse what others could read or change on its way.

    Args:
        options: what was asked for.
        reached: the address that was given, or at which the scheduler says that it listens.

    Raises:
        ConfigError: it is beyond this machine, without encryption and consent.
    """
    if options.is_encrypted or is_loopback(_host(reached)):
        return
    if options.ships:
        raise ConfigError(
            f"at {reached}, --ship would send voices where others can read them",
            "Give --dask tls://HOST:PORT, or leave out --ship where workers can read the files",
        )
    if not options.insecure:
        raise ConfigError(
            f"at {reached}, others could read the paths and results, and change them",
            "Give --dask tls://HOST:PORT, or allow it with --insecure",
        )


def _host(address: str) -> str:
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    is_bare = host and port and not any((parts.path, parts.query, parts.fragment, parts.username))
    if not is_bare or parts.scheme not in ("tcp", "tls"):
        raise ConfigError(
            f"{address!r} is no address of a scheduler", "Give --dask tls://HOST:8786, or tcp://"
        )
    assert host is not None
    return host
