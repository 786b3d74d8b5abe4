"""Who gets a connection when there are too few: clients with the token always do."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.asyncio.client import connect

from emotiond.streamer.server import forwarding, listener
from emotiond.streamer.server.occupancy import Occupancy, Seat, client_address
from tests.support.port import EVENT, HANDSHAKE, LIMITS, Port, everything, port, run, until

TOKEN = "correct horse battery"  # noqa: S105


@pytest.mark.parametrize(
    ("peer", "reached", "address"),
    [
        ("127.0.0.1", "127.0.0.1", None),
        ("127.8.8.8", "127.0.0.1", None),
        ("::1", "::1", None),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", None),
        ("192.168.1.5", "192.168.1.5", None),  # this machine reaches itself by its own address
        ("192.168.1.7", "192.168.1.5", "192.168.1.7"),
        ("::ffff:192.168.1.7", "::ffff:192.168.1.5", "192.168.1.7"),
        ("2001:db8::1:2:3:4", "2001:db8::9", "2001:db8::/64"),
        ("2001:db8::9:9:9:9", "2001:db8::9", "2001:db8::/64"),
        ("2001:db8:0:1::7", "2001:db8::9", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::2%eth0", "fe80::1"),
    ],
)
def test_a_connection_counts_against_one_household(
    peer: str, reached: str, address: str | None
) -> None:
    assert client_address(peer, reached) == address


class Door:
    """An occupancy with connections that have no socket."""

    def __init__(self, limit: int, wants_token: bool) -> None:
        self.occupancy = Occupancy(limit, wants_token)
        self.hung_up: list[int] = []
        self._number = 0

    def come(self, address: str | None, has_token: bool = False) -> int | None:
        """Return the number of a new connection; None if it was refused."""
        if not self.occupancy.has_room(address):
            return None
        self._number = number = self._number + 1
        self.occupancy.enter(number, Seat(address, lambda: self.hung_up.append(number)))
        if has_token:
            self.occupancy.trust(number)
        return number


def test_strangers_have_half_and_the_oldest_makes_room() -> None:
    door = Door(20, wants_token=True)
    for _ in range(25):
        assert door.come(None)
    assert door.hung_up == [*range(1, 16)]
    assert (door.occupancy.count, door.occupancy.refused) == (10, 15)


def test_an_address_has_a_quarter_and_pushes_out_itself_alone() -> None:
    door = Door(20, wants_token=True)
    owner = door.come("192.168.1.2")
    for _ in range(25):
        door.come("192.168.1.66")
    assert owner not in door.hung_up
    assert door.occupancy.count == 6


def test_many_addresses_push_out_the_one_that_has_most() -> None:
    door = Door(20, wants_token=True)
    many = [door.come("192.168.1.66") for _ in range(5)]
    for last in range(100, 108):
        door.come(f"192.168.1.{last}")
    assert door.hung_up == many[:3]


def test_a_client_with_the_token_is_never_hung_up_on_and_has_all() -> None:
    door = Door(20, wants_token=True)
    for _ in range(19):
        door.come("192.168.1.2", has_token=True)
    for _ in range(50):
        door.come("192.168.1.2")
    assert [*range(1, 20)] == sorted({*range(1, 20)} - {*door.hung_up})
    assert door.come("192.168.1.2", has_token=True)
    assert door.come("192.168.1.2", has_token=True) is None  # all have shown it
    assert door.occupancy.count == 20


def test_without_a_token_nobody_is_hung_up_on() -> None:
    door = Door(20, wants_token=False)
    assert sum(door.come("192.168.1.66") is not None for _ in range(9)) == 5
    assert sum(door.come(None) is not None for _ in range(25)) == 15  # this machine has the rest
    assert door.hung_up == []
    assert door.occupancy.refused == 4 + 10


def test_a_connection_that_is_found_to_be_of_an_address_counts_against_it() -> None:
    door = Door(20, wants_token=False)
    numbers = [door.come(None) for _ in range(6)]
    found = [door.occupancy.move(number or 0, "192.168.1.66") for number in numbers]
    assert found == [True] * 5 + [False]
    assert door.occupancy.move(4, "192.168.1.66")  # it counts there already
    assert not door.come("192.168.1.66")
    assert door.occupancy.move(1, None)
    assert not door.come("192.168.1.66")  # there are five still: the sixth was counted, too
    assert (door.occupancy.count, door.occupancy.refused, door.hung_up) == (6, 3, [])


def test_beside_a_token_the_oldest_of_its_address_makes_room_for_it() -> None:
    door = Door(20, wants_token=True)
    numbers = [door.come(None) for _ in range(7)]
    assert all(door.occupancy.move(number or 0, "192.168.1.66") for number in numbers)
    assert door.hung_up == [1, 2]
    owner = door.come(None, has_token=True)
    assert door.occupancy.move(owner or 0, "192.168.1.66")
    assert door.hung_up == [1, 2]  # nobody makes room for those who have shown the token
    assert door.occupancy.move(99, "192.168.1.66")  # one that has just been hung up on


async def flood(at: Port, count: int) -> list[socket.socket]:
    """Connections that send nothing, half a request, or a handshake without the token."""
    loop, kept = asyncio.get_running_loop(), []
    for number in range(count):
        client = await at.raw()
        await loop.sock_sendall(client, (b"", HANDSHAKE[:40], HANDSHAKE)[number % 3])
        kept.append(client)
    return kept


def test_a_flood_of_strangers_costs_no_request_of_a_client_with_the_token() -> None:
    request = (
        f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    ).encode()

    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with port(token=TOKEN) as at, connect(at.url) as owner:
            await owner.send(f'{{"type":"auth","token":"{TOKEN}"}}')
            await owner.recv()
            kept = []
            for _ in range(20):
                kept += await flood(at, 12)
                client = await at.raw()
                await loop.sock_sendall(client, request)
                assert (await everything(client)).startswith(b"HTTP/1.1 200 ")
                async with connect(at.url) as late:
                    await late.send(f'{{"type":"auth","token":"{TOKEN}"}}')
                    assert await late.recv() == '{"type":"hello"}'
                assert at.server.occupancy.count <= LIMITS.connections // 2 + 3
            at.server.send(EVENT)
            assert await owner.recv() == EVENT.text
            assert at.server.occupancy.refused > 100
            for client in kept:
                client.close()
            await until(lambda: at.server.occupancy.count == 1)

    run(test)


def test_one_address_cannot_take_all_connections_of_an_open_daemon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (listener, forwarding):
        monkeypatch.setattr(module, "client_address", lambda peer, _: peer)  # of other machines

    async def test() -> None:
        async with port() as at:
            kept = await flood(at, LIMITS.connections)
            await until(lambda: at.server.occupancy.refused == LIMITS.connections * 3 // 4)
            other = socket.socket()
            other.setblocking(False)
            other.bind(("127.0.0.2", 0))
            await asyncio.get_running_loop().sock_connect(other, ("127.0.0.1", at.number))
            await asyncio.get_running_loop().sock_sendall(
                other, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            )
            assert (await everything(other)).startswith(b"HTTP/1.1 200 ")
            for client in kept:
                client.close()

    run(test)
