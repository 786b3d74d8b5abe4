"""A connection to a Dask cluster each of whose workers would give what this machine would."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emotiond.exceptions import ConfigError, ServeError, install
from emotiond.streamer.background import run_in_background
from emotiond.streamer.batch import cluster_task
from emotiond.streamer.batch.cluster_address import ClusterOptions, refuse_exposure
from emotiond.streamer.batch.settings import Settings

CONNECT_SECONDS = 10.0
GO_ON = "then go on with --resume"


@dataclass(frozen=True)
class Connection:
    """A client of a scheduler."""

    place: str
    dask: Any
    client: Any

    @property
    def losses(self) -> tuple[type[BaseException], ...]:
        """The errors of a scheduler that is gone: which of them comes is chance."""
        return OSError, self.dask.client.FutureCancelledError

    def gone(self, error: BaseException | None) -> ServeError:
        """Return the error of a scheduler that is gone."""
        cause = f" ({first_line(error)})" if isinstance(error, OSError) else ""
        return ServeError(
            f"the scheduler at {self.place} is gone{cause}", f"Start it again, {GO_ON}"
        )

    def close(self) -> None:
        """Leave."""
        with contextlib.suppress(Exception):  # a scheduler that is gone, and holds nothing of ours
            self.client.close(timeout=2)


@dataclass(frozen=True)
class Workers:
    """How many there are, and how many threads all of them have."""

    count: int
    threads: int


def connect(options: ClusterOptions) -> Connection:
    """Connect to the scheduler.

    Raises:
        ConfigError: a package or a certificate is missing.
        ServeError: there is no scheduler.
    """
    dask, place = _distributed(), options.address
    security = _security(dask, options)
    try:
        # A signal ends the wait; a loop in this thread would be left in mid-way.
        run_in_background(lambda: asyncio.run(_greet(dask, place, security))).result()
        client = dask.Client(
            place, timeout=CONNECT_SECONDS, security=security, set_as_default=False
        )
    except OSError as error:
        hint = ", and check its certificates" if options.is_encrypted else ""
        raise ServeError(
            f"no scheduler answers at {place} ({first_line(error)})",
            f"Start one, dask scheduler{hint}; {GO_ON}",
        ) from None
    except Exception:  # an answer of another kind: a length of Dask is read from any bytes
        raise ServeError(
            f"what answers at {place} is no scheduler of Dask",
            "Give --dask the address that 'dask scheduler' prints; that of its page is another",
        ) from None
    return Connection(place, dask, client)


def look(
    connection: Connection,
    options: ClusterOptions,
    settings: Settings,
    depends_on: Mapping[str, str],
) -> Workers:
    """See that each worker would give what this machine would.

    Raises:
        ConfigError: others could listen.
        ServeError: the scheduler is gone or has no workers, or one of them does not agree.
    """
    place, client = connection.place, connection.client
    try:
        about = client.scheduler_info(n_workers=-1)
        refuse_exposure(options, about["address"])
        found = client.run(cluster_task.look, settings.to_json(), on_error="return")
    except connection.losses as error:
        raise connection.gone(error) from None
    if not found:
        raise ServeError(
            f"the scheduler at {place} has no workers", f"Start some: dask worker {place}"
        )
    for worker, answer in found.items():
        if isinstance(answer, BaseException):
            raise unfit(f"the worker {worker}", answer)
        if answer != depends_on:
            problem, remedy = cluster_task.difference(depends_on, answer)
            raise ServeError(f"the worker {worker}: {problem}", remedy)
    threads = sum(worker["nthreads"] for worker in about["workers"].values())
    return Workers(len(found), threads)


def unfit(which: str, error: BaseException) -> ServeError:
    """Return the error of a worker that cannot do the work."""
    if isinstance(error, ModuleNotFoundError):
        return ServeError(
            f"{which} has no module {error.name!r}", "Install this version of emotiond there"
        )
    return ServeError(f"{which}: {first_line(error)}", "Repair or end that worker")


def first_line(error: BaseException) -> str:
    """Return what an error says, in a line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise ConfigError(
            "--dask needs the package distributed", install("distributed>=2026.8")
        ) from None
    for name in ("distributed", "distributed.client", "tornado", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # our own line says it
    warnings.filterwarnings("ignore", module="distributed")
    return distributed


async def _greet(dask: Any, place: str, security: Any) -> None:
    """See that a scheduler answers. ``Client`` would wait without end for one that is silent.

    Raises:
        OSError: nothing answers.
    """
    arguments = security.get_connection_args("client")
    connecting = dask.comm.connect(place, timeout=CONNECT_SECONDS, **arguments)
    try:
        comm = await asyncio.wait_for(connecting, CONNECT_SECONDS + 1)
    except asyncio.TimeoutError:
        raise OSError(f"it is silent for {CONNECT_SECONDS:g} s") from None
    comm.abort()


def _security(dask: Any, options: ClusterOptions) -> Any:
    """Return the certificates: those that were named, else those of Dask's configuration."""
    wanted = "Give --dask-ca, --dask-cert and --dask-key, or Dask's own configuration"
    named = {}
    if options.authority is not None:
        named = {
            "tls_ca_file": options.authority,
            "tls_client_cert": options.certificate,
            "tls_client_key": options.key,
        }
    try:
        security = dask.Security(require_encryption=options.is_encrypted, **named)
        context = security.get_connection_args("client").get("ssl_context")
    except (OSError, ValueError) as error:
        raise ConfigError(f"a certificate cannot be used: {first_line(error)}", wanted) from None
    if options.is_encrypted and context is None:
        raise ConfigError(f"{options.address} needs certificates", wanted)
    return security
