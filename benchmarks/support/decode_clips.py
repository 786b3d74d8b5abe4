"""``python -m benchmarks.support.decode_clips LIST``: decodes each recording of a list, alone.

By the confined process of ``analyze``. It prints seconds, and seconds of processor time of both.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from benchmarks.support.commands import processor_seconds
from emotiond.streamer.readers.decoder import Decoder


def main() -> None:
    """Decode all."""
    paths = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    with Decoder() as decoder:
        _decode(decoder, paths[0])
        began, spent = time.perf_counter(), processor_seconds(os.getpid())
        for path in paths:
            _decode(decoder, path)
        print(time.perf_counter() - began, processor_seconds(os.getpid()) - spent)


def _decode(decoder: Decoder, path: str) -> None:
    decoding = decoder.open(path)
    while decoding.read().shape[0]:
        pass


if __name__ == "__main__":
    main()
