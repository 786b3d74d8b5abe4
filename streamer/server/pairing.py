"""Pairs devices: one code at a time, valid once and for two minutes, for the owner alone."""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emotiond.exceptions import ConfigError, EmotiondError
from emotiond.streamer.protocol.requests import (
    CancelPairing,
    ListDevices,
    Pair,
    Redeem,
    RequestError,
    Revoke,
)
from emotiond.streamer.server.access import Proof
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.devices import MOST_DEVICES, Devices, make_device
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.qr_code import qr_rows

_log = logging.getLogger(__name__)

LIFE_SECONDS = 120.0
"""How long a code is valid. The loop's clock counts, which nobody sets."""
MOST_WRONG_TRIES = 10
"""After so many wrong codes, the right one is not valid any more."""
CODE_BYTES = 16
"""Random bytes of a code: 128 bits."""
MOST_CONNECTIONS = 16
"""Of one device at a time; a quarter of those of the port if these are fewer."""
NOT_OFFERED = ConfigError("this server pairs no devices", "Ask another one")
"""The refusal of a server without devices."""
_UNNAMED = "phone"


@dataclass
class _Offer:
    code: str
    name: str
    owner: Connection
    expiry: asyncio.TimerHandle
    wrong_tries: int = 0


class Pairing:
    """Gives codes to the owner, and a token of its own to the device that shows one.

    Args:
        devices: the paired devices; None where none can be.
        refusal: why none can be; None where they can.
        host_for: returns the host that a device should open, as it stands in a URL, from the
            address of this machine that the owner has reached.
        fingerprint: SHA-256 of the certificate, for people to compare.
        connections: of the port. All devices together may have half of them: a stolen phone must
            not keep out the owner, who comes to revoke it.
    """

    def __init__(
        self,
        devices: Devices | None,
        refusal: EmotiondError | None = None,
        host_for: Callable[[str], str] = lambda reached: reached,
        fingerprint: str = "",
        connections: int = Limits.connections,
    ) -> None:
        self._devices = devices
        self._refusal = refusal
        self._host_for = host_for
        self._fingerprint = fingerprint
        self._most_of_device = min(MOST_CONNECTIONS, max(1, connections // 4))
        self._most_of_devices = max(1, connections // 2)
        self._offer: _Offer | None = None
        self._writing = asyncio.Lock()
        self._connections: dict[str, dict[Connection, None]] = {}
        self.handlers: Mapping[type, Callable[[Connection, Any], Awaitable[None]]] = {
            Pair: self._pair,
            CancelPairing: self._cancel,
            ListDevices: self._list,
            Revoke: self._revoke,
            Redeem: self._redeem_again,
        }
        """The handler of each class of request."""

    @property
    def is_possible(self) -> bool:
        """Whether devices can be paired with this daemon."""
        return self._refusal is None

    def has_room(self, proof: Proof) -> bool:
        """Return whether one more connection may come. The owner's always may."""
        if proof.device is None:
            return True
        of_device = len(self._connections.get(proof.device, {}))
        of_devices = sum(map(len, self._connections.values()))
        return of_device < self._most_of_device and of_devices < self._most_of_devices

    def enter(self, client: Connection, proof: Proof) -> None:
        """Note whose connection this is."""
        client.is_owner = proof.device is None
        if proof.device is not None:
            self._connections.setdefault(proof.device, {})[client] = None

    def leave(self, client: Connection) -> None:
        """Forget a connection that has ended, and the code that was given to it."""
        for name, clients in tuple(self._connections.items()):
            clients.pop(client, None)
            if not clients:
                del self._connections[name]
        if self._offer is not None and self._offer.owner is client:
            self._end("cancelled")

    async def redeem(self, code: str) -> tuple[Proof, Mapping[str, Any]] | None:
        """Return whose connection one with this code is, and what the device is told.

        Returns:
            None if the code is not valid.

        Raises:
            RequestError: the device cannot be kept.
        """
        offer = self._offer
        if offer is None or self._devices is None:
            return None
        if not hmac.compare_digest(code.encode("utf-8", "surrogatepass"), offer.code.encode()):
            offer.wrong_tries += 1
            if offer.wrong_tries >= MOST_WRONG_TRIES:
                _log.warning(
                    "the code for %r ends: %d wrong ones came", offer.name, MOST_WRONG_TRIES
                )
                self._end("wrong-codes")
            return None
        self._offer = None  # before anything is awaited: it is valid once
        offer.expiry.cancel()
        async with self._writing:
            name = self._free_name(offer.name)
            device, token = make_device(name)
            try:  # on disk before it is good for anything
                await asyncio.to_thread(self._devices.write, [*self._devices.all, device])
            except OSError as error:
                refusal = _unwritten(error)
                _log.warning("%r is not paired: %s", name, refusal)
                self._tell_end(offer, "failed")
                raise refusal from None
            self._devices.admit(device)
        _log.warning("paired %r: it may listen until 'emotiond pair revoke'", name)
        self._tell_end(offer, "used")
        return Proof(name), {"type": "paired", "name": name, "token": token}

    async def close(self) -> None:
        """Write down when the devices were last seen."""
        if self._devices is not None and self._devices.unwritten:
            try:
                async with self._writing:
                    await asyncio.to_thread(self._devices.write, self._devices.all)
            except OSError as error:
                _log.warning("%s", _unwritten(error))

    async def _pair(self, client: Connection, request: Pair) -> None:
        devices = self._for_owner(client)
        async with self._writing:  # a device that has used its code is in the list then
            self._offer_code(client, request, devices)

    def _offer_code(self, client: Connection, request: Pair, devices: Devices) -> None:
        if request.name and devices.find(request.name) is not None:
            raise RequestError(
                "device-name-taken",
                f"a device called {request.name!r} is paired already",
                "Choose another name, or revoke that one",
            )
        if len(devices.all) >= MOST_DEVICES:
            raise RequestError(
                "too-many-devices", f"{MOST_DEVICES} devices are paired", "Revoke one of them"
            )
        reached, port = client.transport.get_extra_info("sockname")[:2]
        code = secrets.token_urlsafe(CODE_BYTES)
        url = f"https://{self._host_for(reached)}:{port}/#pair={code}"
        try:
            rows = qr_rows(url)
        except ModuleNotFoundError:
            raise RequestError(
                "cannot-pair",
                "the daemon cannot draw a QR code",
                "Install it where the daemon runs: pip install segno",
            ) from None
        if self._offer is not None:
            self._end("replaced")
        name = request.name or self._free_name(_UNNAMED)
        expiry = asyncio.get_running_loop().call_later(LIFE_SECONDS, self._end, "expired")
        self._offer = _Offer(code, name, client, expiry)
        client.send_json(
            {
                "type": "pairing",
                "name": name,
                "url": url,
                "seconds": LIFE_SECONDS,
                "fingerprint": self._fingerprint,
                "qr": rows,
            }
        )

    async def _cancel(self, client: Connection, _: CancelPairing) -> None:
        if self._offer is not None and self._offer.owner is client:
            self._end("cancelled")

    async def _list(self, client: Connection, _: ListDevices) -> None:
        self._send_list(client, self._for_owner(client))

    async def _revoke(self, client: Connection, request: Revoke) -> None:
        devices = self._for_owner(client)
        device = devices.find(request.name)
        if device is None:
            names = ", ".join(each.name for each in devices.all)
            raise RequestError(
                "unknown-device",
                f"no device called {request.name!r} is paired",
                f"Paired are: {names}" if names else "None is paired",
            )
        devices.shut_out(device)
        for connection in tuple(self._connections.pop(device.name, {})):
            connection.hang_up("this device is paired no more")
        _log.warning("revoked %r: it is let in no more", device.name)
        try:
            async with self._writing:
                await asyncio.to_thread(devices.write, devices.all)
        except OSError as error:
            raise _unwritten(error) from None
        self._send_list(client, devices)

    async def _redeem_again(self, _client: Connection, _request: Redeem) -> None:
        raise RequestError("cannot-pair", "this connection is let in already", "Open another one")

    def _for_owner(self, client: Connection) -> Devices:
        if self._refusal is not None or self._devices is None:
            problem = self._refusal
            assert problem is not None
            raise RequestError("cannot-pair", problem.problem, problem.remedy)
        if not client.is_owner:
            raise RequestError(
                "not-the-owner",
                "a paired device cannot pair others",
                "Use the token in the daemon's file",
            )
        return self._devices

    def _send_list(self, client: Connection, devices: Devices) -> None:
        found = [
            {
                "name": each.name,
                "paired": each.paired,
                "seen": each.seen,
                "connections": len(self._connections.get(each.name, {})),
            }
            for each in devices.all
        ]
        client.send_json({"type": "devices", "devices": found})

    def _free_name(self, wanted: str) -> str:
        """Return the name, with a number behind it if a device has it."""
        assert self._devices is not None
        name, number = wanted, 1
        while self._devices.find(name) is not None:
            number += 1
            name = f"{wanted[:58]} {number}"
        return name

    def _end(self, reason: str) -> None:
        offer, self._offer = self._offer, None
        if offer is not None:
            offer.expiry.cancel()
            self._tell_end(offer, reason)

    def _tell_end(self, offer: _Offer, reason: str) -> None:
        offer.owner.send_json({"type": "pairing-ended", "name": offer.name, "reason": reason})


def _unwritten(error: OSError) -> RequestError:
    is_changed = error.errno == errno.ESTALE
    remedy = "Start emotiond anew, each with a file of its own" if is_changed else "Make room"
    return RequestError(
        "pairing-failed",
        f"the list of paired devices cannot be written ({error.strerror})",
        f"{remedy}, or name another file with --paired: otherwise, it comes back at a restart",
    )
