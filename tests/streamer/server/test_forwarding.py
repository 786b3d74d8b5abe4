"""Who a visitor is behind a reverse proxy: only a trusted one is believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus

from emotiond.streamer.protocol.requests import Start
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.forwarding import (
    MOST_HOPS,
    Proxies,
    Visitor,
    parse_proxies,
    was_forwarded,
)
from tests.support.port import LIMITS, Port, everything, port, run, until

PROXIES = parse_proxies(["127.0.0.1", "10.1.0.0/16", "2001:db8:ffff::/48"])
LIVE = '{"type":"start","purpose":"live","sample_rate":16000,"format":"s16le"}'
HEADER_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


def visitor(peer: str, *fields: str, proxies: Proxies = PROXIES, **others: str) -> Visitor:
    """Whose a request with these fields of X-Forwarded-For is."""
    headers = Headers([("X-Forwarded-For", field) for field in fields])
    for name, value in others.items():
        headers[name.replace("_", "-")] = value
    return proxies.visitor(peer, "127.0.0.1", headers)


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        ([" 203.0.113.7 "], "203.0.113.7"),
        (["203.0.113.7:51234"], "203.0.113.7"),
        (["2001:db8::1:2:3:4"], "2001:db8::/64"),
        (["[2001:db8::1:2:3:4]"], "2001:db8::/64"),
        (["[2001:db8::1:2:3:4]:443"], "2001:db8::/64"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["[::ffff:203.0.113.7]:80"], "203.0.113.7"),
        (["fe80::1%eth0"], "fe80::1"),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),  # the left one is what the visitor says
        (["203.0.113.7, 10.1.2.3"], "203.0.113.7"),  # two proxies
        (["198.51.100.1, 203.0.113.7, 10.1.2.3, ::ffff:10.1.2.4"], "203.0.113.7"),
        (["203.0.113.7, 2001:db8:ffff::1"], "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7"], "203.0.113.7"),  # fields are one list, in their order
        (["203.0.113.7", "10.1.2.3"], "203.0.113.7"),
        (["None, 203.0.113.7"], "203.0.113.7"),  # Home Assistant's supervisor writes None
        (["<script>, \xff, 203.0.113.7"], "203.0.113.7"),
    ],
)
def test_the_visitor_is_the_rightmost_hop_that_is_not_trusted(
    fields: Sequence[str], address: str
) -> None:
    found = visitor("127.0.0.1", *fields)
    assert (found.address, found.way) == (address, "named")


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ([], "127.0.0.1"),
        ([""], "127.0.0.1"),
        (["unknown"], "127.0.0.1"),
        (["_hidden"], "127.0.0.1"),
        (["203.0.113.7, "], "127.0.0.1"),
        (["203.0.113.7, nonsense"], "127.0.0.1"),
        (["203.0.113.7, nonsense, 10.1.2.3"], "10.1.2.3"),
        (["203.0.113"], "127.0.0.1"),
        (["203.0.113.007"], "127.0.0.1"),
        (["203.0.113.7:"], "127.0.0.1"),
        (["203.0.113.7:123456"], "127.0.0.1"),
        (["[203.0.113.7"], "127.0.0.1"),
        (["[2001:db8::1]x"], "127.0.0.1"),
        (["203.0.113.7 198.51.100.1"], "127.0.0.1"),
        (["203.0.113.7;198.51.100.1"], "127.0.0.1"),
        (["127.0.0.1"], "127.0.0.1"),
        (["127.0.0.1, 10.1.2.3"], "127.0.0.1"),
        (["10.1.2.3"], "10.1.2.3"),
        (["::1"], "::1"),  # not trusted here, and never this machine
        (["localhost"], "127.0.0.1"),
    ],
)
def test_a_visitor_without_a_name_counts_as_the_last_proxy_and_never_as_this_machine(
    fields: Sequence[str], address: str
) -> None:
    found = visitor("127.0.0.1", *fields, X_Forwarded_Proto="http")
    assert found.address == address
    assert found.way == ("named" if address == "::1" else "unnamed")


@pytest.mark.parametrize("peer", ["127.0.0.2", "192.168.1.7", "2001:db8::7", "::ffff:192.168.1.7"])
def test_what_others_claim_is_not_believed(peer: str) -> None:
    found = visitor(peer, "203.0.113.7", X_Forwarded_Proto="https", X_Ingress_Path="/emotion")
    direct = visitor(peer)
    assert found == replace(direct, way="untrusted")
    assert direct.way == "direct"
    assert "203" not in str(found.address)


def test_by_default_nobody_is_believed() -> None:
    assert visitor("127.0.0.1", "203.0.113.7", proxies=Proxies()).address is None


@pytest.mark.parametrize("peer", ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.1.9.9"])
def test_a_trusted_proxy_is_known_as_ipv4_inside_ipv6_too(peer: str) -> None:
    assert visitor(peer, "203.0.113.7").address == "203.0.113.7"


def test_a_program_beside_the_proxy_is_of_this_machine() -> None:
    assert visitor("127.0.0.1") == Visitor(None)
    assert visitor("10.1.2.3") == Visitor("10.1.2.3")


@pytest.mark.parametrize("mark", ["Via", "Forwarded", "X-Real-IP", "X-Forwarded-Host"])
def test_what_has_passed_a_proxy_is_not_of_this_machine_even_if_nothing_names_it(mark: str) -> None:
    assert was_forwarded(Headers({mark: "x"}))
    found = PROXIES.visitor("127.0.0.1", "127.0.0.1", Headers({mark: "for=127.0.0.1"}))
    assert (found.address, found.way) == ("127.0.0.1", "unnamed")


def test_only_the_nearest_hops_are_looked_at() -> None:
    near = ["10.1.0.1"] * (MOST_HOPS - 1)
    assert visitor("127.0.0.1", ", ".join(["203.0.113.7", *near])).address == "203.0.113.7"
    assert visitor("127.0.0.1", ", ".join(["203.0.113.7", "10.1.0.2", *near])).way == "unnamed"
    assert visitor("127.0.0.1", "203.0.113.7", "10.1.0.2", *near).way == "unnamed"
    assert visitor("127.0.0.1", ",".join(["127.0.0.1"] * 1600)).address == "127.0.0.1"


@given(st.lists(HEADER_TEXTS, max_size=5))
def test_no_text_makes_a_visitor_of_a_proxy_one_of_this_machine(fields: list[str]) -> None:
    found = visitor("127.0.0.1", *fields, X_Forwarded_Proto="http")
    assert found.address is not None
    assert visitor("127.0.0.1", *fields, "203.0.113.7").address == "203.0.113.7"


@pytest.mark.parametrize(
    ("says", "is_encrypted"),
    [
        (["https"], True),
        (["HTTPS"], True),
        (["https, https"], True),
        (["http"], False),
        (["https, http"], False),
        (["https", "http"], False),
        (["https,"], False),
        (["wss"], False),
        ([], False),
    ],
)
def test_encrypted_is_what_every_hop_calls_so(says: Sequence[str], is_encrypted: bool) -> None:
    headers = Headers([("X-Forwarded-Proto", text) for text in says])
    headers["X-Forwarded-For"] = "203.0.113.7"
    assert PROXIES.visitor("127.0.0.1", "127.0.0.1", headers).is_encrypted == is_encrypted


@pytest.mark.parametrize(
    ("says", "path"),
    [
        (["/emotion"], "/emotion"),
        (["/emotion/"], "/emotion"),
        (["/api/hassio_ingress/kLmJ-4_x"], "/api/hassio_ingress/kLmJ-4_x"),
        (["/a%20b"], "/a%20b"),
        (["/"], ""),
        ([""], ""),
        (["emotion"], ""),
        (["//other.example"], ""),
        (["/\\other.example"], ""),
        (["/a/../b"], ""),
        (["/."], ""),
        (["http://other.example/"], ""),
        (["/a?b"], ""),
        (["/a b"], ""),
        (["/é"], ""),
        (["/" + "a" * 256], ""),
        (["/a", "/b"], ""),
    ],
)
def test_a_base_path_is_one_plain_path(says: Sequence[str], path: str) -> None:
    headers = Headers([("X-Ingress-Path", text) for text in says])
    headers["X-Forwarded-For"] = "203.0.113.7"
    assert PROXIES.visitor("127.0.0.1", "127.0.0.1", headers).base_path == path


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("/emotion/", "/"),
        ("/emotion/ws?origin=x", "/ws?origin=x"),
        ("/emotion", None),
        ("/emotion?theme=dark", None),
        ("/emotions", "/emotions"),
        ("/ws", "/ws"),  # the proxy has cut it off
        ("/", "/"),
    ],
)
def test_a_path_may_still_have_its_base_path(path: str, inner: str | None) -> None:
    assert Visitor("203.0.113.7", base_path="/emotion").inner_path(path) == inner
    assert Visitor("203.0.113.7").inner_path(path) == path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("proxy.example", "does not appear to be"),
        ("10.1.2.3/16", "has host bits set"),
        ("0.0.0.0/0", "every address"),
        ("::/0", "every address"),
        ("::ffff:10.1.2.3", "write that of IPv4"),
        ("", "does not appear to be"),
    ],
)
def test_what_is_no_proxy_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_proxies([text])


async def get(at: Port, path: str, *fields: str) -> bytes:
    """Return the whole answer to a request with further header lines."""
    lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *fields, "", "")
    client = await at.raw()
    await asyncio.get_running_loop().sock_sendall(client, "\r\n".join(lines).encode("latin-1"))
    return await everything(client)


def test_one_visitor_behind_a_proxy_cannot_take_all_connections() -> None:
    async def test() -> None:
        async with port(LIMITS, proxies=PROXIES) as at:
            here = [
                await connect(at.url, additional_headers={"X-Forwarded-For": "203.0.113.66"})
                for _ in range(LIMITS.connections // 4)
            ]
            with pytest.raises(InvalidStatus) as refused:
                await connect(
                    at.url, additional_headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.66"}
                )
            assert refused.value.response.status_code == 503
            assert refused.value.response.headers["Retry-After"] == "10"
            page = await get(at, "/", "X-Forwarded-For: 203.0.113.66")
            assert page.startswith(b"HTTP/1.1 503 ")
            for other in ("X-Forwarded-For: 203.0.113.7", "X-Nothing: 0"):
                assert (await get(at, "/", other)).startswith(b"HTTP/1.1 200 ")
            assert at.server.occupancy.refused == 2
            assert at.server.requests == {"direct": 1, "named": 8, "unnamed": 0, "untrusted": 0}
            for each in here:
                await each.close()
            await until(lambda: at.server.occupancy.count == 0)

    run(test)


def test_a_proxy_of_another_machine_has_no_limit_of_its_own() -> None:
    async def test() -> None:
        proxies = parse_proxies(["127.0.0.0/8"])
        async with port(LIMITS, proxies=proxies) as at:
            kept = [
                await connect(at.url, additional_headers={"X-Forwarded-For": f"203.0.113.{number}"})
                for number in range(LIMITS.connections - 1)
            ]
            assert at.server.occupancy.refused == 0
            for each in kept:
                await each.close()

    run(test)


def test_without_trust_what_a_client_says_changes_none_of_its_limits() -> None:
    async def test() -> None:
        async with port(LIMITS) as at:
            for number in range(LIMITS.connections):
                answer = await get(at, "/healthz", f"X-Forwarded-For: 203.0.113.{number}")
                assert answer.startswith(b"HTTP/1.1 200 ")
            assert at.server.requests["untrusted"] == LIMITS.connections

    run(test)


def test_streams_count_against_the_visitor_and_not_against_the_proxy() -> None:
    async def start(client: Connection, _: Any) -> None:
        client.send_json({"limited_as": client.limited_as})

    async def limited_as(proxies: Proxies, *fields: str) -> Any:
        async with port(proxies=proxies, handlers={Start: start}) as at:
            headers = [("X-Forwarded-For", field) for field in fields]
            async with connect(at.url, additional_headers=headers) as client:
                await client.recv()
                await client.send(LIVE)
                return json.loads(await client.recv())["limited_as"]

    async def test() -> None:
        assert await limited_as(PROXIES, "127.0.0.1, 203.0.113.7") == "203.0.113.7"
        assert await limited_as(PROXIES, "203.0.113.7", "127.0.0.1") == "203.0.113.7"
        assert await limited_as(PROXIES, "nonsense") == "127.0.0.1"
        assert await limited_as(PROXIES) is None
        assert await limited_as(Proxies(), "203.0.113.7") is None

    run(test)


def test_no_header_of_a_proxy_stands_in_for_host_and_origin() -> None:
    async def test() -> None:
        async with port(proxies=PROXIES) as at:
            named = ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https")
            foreign = await get(at, "/ws", *named, "Origin: https://foreign.example")
            assert foreign.startswith(b"HTTP/1.1 403 ")
            claims = ("X-Forwarded-Host: foreign.example", "Forwarded: host=foreign.example")
            again = await get(at, "/ws", *named, *claims, "Origin: https://foreign.example")
            assert again.startswith(b"HTTP/1.1 403 ")
            client = await at.raw()
            unknown = (
                b"GET / HTTP/1.1\r\nHost: foreign.example\r\nX-Forwarded-Host: 127.0.0.1\r\n"
                b"X-Forwarded-For: 127.0.0.1\r\n\r\n"
            )
            await asyncio.get_running_loop().sock_sendall(client, unknown)
            assert (await everything(client)).startswith(b"HTTP/1.1 421 ")

    run(test)


def test_under_https_a_page_under_http_is_a_foreign_one() -> None:
    async def test() -> None:
        async with port(proxies=PROXIES) as at:
            named = "X-Forwarded-For: 203.0.113.7"
            secure = (named, "X-Forwarded-Proto: https")
            asked = {
                scheme: await get(at, "/ws", *secure, f"Origin: {scheme}://127.0.0.1")
                for scheme in ("http", "https")
            }
            assert asked["http"].startswith(b"HTTP/1.1 403 ")
            assert asked["https"].startswith(b"HTTP/1.1 426 ")  # all that is wrong is the upgrade
            plain = await get(at, "/ws", named, "Origin: http://127.0.0.1")
            assert plain.startswith(b"HTTP/1.1 426 ")

    run(test)


def test_a_base_path_is_cut_off_and_its_slash_added() -> None:
    async def test() -> None:
        async with port(proxies=PROXIES) as at:
            below = ("X-Forwarded-For: 203.0.113.7", "X-Ingress-Path: /emotion")
            assert (await get(at, "/emotion/", *below)).startswith(b"HTTP/1.1 200 ")
            assert (await get(at, "/", *below)).startswith(b"HTTP/1.1 200 ")
            without = await get(at, "/emotion", *below)
            assert without.startswith(b"HTTP/1.1 308 ")
            assert b"\r\nLocation: /emotion/\r\n" in without
            headers = [("X-Forwarded-For", "203.0.113.7"), ("X-Ingress-Path", "/emotion")]
            url = at.url.replace("/ws", "/emotion/ws")
            async with connect(url, additional_headers=headers) as client:
                assert await client.recv() == '{"type":"hello"}'
            assert (await get(at, "/emotion/")).startswith(b"HTTP/1.1 404 ")

    run(test)


def test_many_and_huge_headers_are_refused_or_harmless() -> None:
    async def test() -> None:
        async with port(proxies=PROXIES) as at:
            many = ["X-Forwarded-For: 203.0.113.7"] * 100
            assert (await get(at, "/", *many)).startswith(b"HTTP/1.1 200 ")
            most = "X-Forwarded-For: " + ",".join(["127.0.0.1"] * 800)  # one line's limit is 8 KiB
            assert (await get(at, "/", most[:8000])).startswith(b"HTTP/1.1 200 ")
            huge = "X-Forwarded-For: " + "1" * 17_000
            assert (await get(at, "/", huge)).startswith(b"HTTP/1.1 431 ")
            odd = "X-Forwarded-For: \xff\xfe, \x01"
            assert (await get(at, "/", odd))[:9] == b"HTTP/1.1 "
            assert (await get(at, "/")).startswith(b"HTTP/1.1 200 ")

    run(test)
