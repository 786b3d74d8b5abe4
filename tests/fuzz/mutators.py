"""Changes that a format survives, so that fuzzing gets behind its first check."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

Mutator = Callable[[bytes, random.Random], bytes]
"""Takes an input and a source of chance, gives another input."""

_ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-320, 1e-30, 1e308, float("nan"), float("inf"),
    2**31, 2**53, -(2**63), 10**400, "", "x", "\0", "\n", "\ud800", "🎤", "x" * 300, [], {}, [[]],
)  # fmt: skip
_HEADER_BYTES = 120
_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def in_json(data: bytes, chance: random.Random) -> bytes:
    """Exchange, drop or copy one value somewhere in a document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    place = document
    while isinstance(place, dict | list) and place:
        key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
        inner = place[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            place = inner
            continue
        if chance.random() < 0.15:
            del place[key]
        elif isinstance(inner, int) and chance.random() < 0.5:
            place[key] = inner * chance.choice((-1, 2, 10, 1000)) + chance.choice((-1, 0, 1))
        elif isinstance(inner, float) and chance.random() < 0.5:
            place[key] = inner * chance.choice((-1, 0.5, 0.99, 1.01, 2, 10, 1000))
        else:
            place[key] = chance.choice(_ODD)
        break
    return json.dumps(document).encode(errors="surrogatepass")


def in_header(data: bytes, chance: random.Random) -> bytes:
    """Put the edges of whole numbers where a file says what follows."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if len(changed) < 8:
            break
        size = chance.choice((1, 2, 4))
        at = chance.randrange(min(_HEADER_BYTES, len(changed) - 4))
        value = chance.choice(_EDGES) & (1 << 8 * size) - 1
        order = chance.choice(("little", "big"))
        changed[at : at + size] = value.to_bytes(size, order)  # type: ignore[arg-type]
    return bytes(changed)


def in_bytes(data: bytes, chance: random.Random) -> bytes:
    """Flip, drop, repeat or move a few bytes anywhere."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not changed:
            break
        first = chance.randrange(len(changed))
        last = min(len(changed), first + chance.choice((1, 2, 4, 16, 64)))
        piece = changed[first:last]
        kind = chance.randrange(4)
        if kind == 0:
            changed[first] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[first:last]
        elif kind == 2:
            changed[first:first] = piece
        else:
            del changed[first:last]
            place = chance.randint(0, len(changed))
            changed[place:place] = piece
    return bytes(changed)


MUTATORS: Mapping[str, Mutator] = {
    "messages": in_json,
    "cards": in_json,
    "profiles": in_json,
    "recordings": in_header,
}
"""Mutators by target. The other targets only need changes of single bytes."""
