"""An ``emotiond`` with a beacon that cannot close: ``python -m tests.support.bad_beacon HOW run``.

``HOW`` is ``hangs`` or ``raises``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import sys

from emotiond.streamer import cli
from emotiond.streamer.outputs import kinds
from emotiond.streamer.outputs.output import Output, Surroundings
from tests.support.beacon import BEACON, Beacon


class Hangs(Beacon):
    async def close(self, timeout_seconds: float) -> None:
        await asyncio.Event().wait()


class Raises(Beacon):
    async def close(self, timeout_seconds: float) -> None:
        raise OSError("the cable is cut")


def main() -> int:
    make = {"hangs": Hangs, "raises": Raises}[sys.argv.pop(1)]

    async def open_bad(_around: Surroundings) -> Output:
        return make("nowhere", socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    kinds.OUTPUTS = (*kinds.OUTPUTS, dataclasses.replace(BEACON, prepare=lambda _: open_bad))
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
