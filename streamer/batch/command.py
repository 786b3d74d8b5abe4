"""``emotiond analyze``: where arguments, items, processes and formats meet."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.batch.item import Item
from emotiond.streamer.config import make_config
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.results.kinds import FORMATS, level_of
from emotiond.streamer.results.writer import STANDARD_OUTPUT, Request

_MOST_ANALYSTS = 4  # a quarter of their work is in Python, which runs one thread at a time


def analyze_files(options: dict[str, Any]) -> int:
    """``emotiond analyze``: analyze all readable files. The status is 1 if one is unreadable."""
    from emotiond.inference.catalog import find_model
    from emotiond.inference.classifier import Classifier
    from emotiond.streamer.batch.analyst import analyze
    from emotiond.streamer.batch.jobs import analyze_all
    from emotiond.streamer.interpreter_check import checked_runtime
    from emotiond.streamer.readers.decoder import Decoder

    named = {name: options[name] for name in ("model", "profile") if options[name] is not None}
    config = make_config(named, os.environ)
    level = level_of(options["format"], options["level"])
    output = None if options["output"] in (None, STANDARD_OUTPUT) else Path(options["output"])
    items, status = [Item(file) for file in options["files"]], 0
    _refuse_to_read_twice(options["files"])
    count = min(len(items), os.cpu_count() or 1, _MOST_ANALYSTS)
    with contextlib.ExitStack() as stack:
        # The decoders start while the model is read.
        decoders = [stack.enter_context(Decoder()) for _ in range(count)]
        runtime = checked_runtime()
        model = find_model(config.model, runtime)
        profile = None if config.profile is None else profile_for(config.profile, model.card)
        analysts = [
            functools.partial(
                analyze,
                classifier=Classifier(model, runtime),
                stride_samples=config.stride_samples,
                decoder=decoder,
                profile=profile,
            )
            for decoder in decoders
        ]
        write = stack.enter_context(
            FORMATS[options["format"]].open(
                Request(
                    level,
                    model.card.shortest_seconds,
                    files=[item.file for item in items],
                    folders=[file for file in options["files"] if Path(file).is_dir()],
                    output=output,
                    overwrite=options["overwrite"],
                )
            )
        )
        for analysis in analyze_all(items, analysts):
            try:
                write(analysis.result().to_json())
            except SourceError as error:
                sys.stdout.flush()
                print(f"emotiond: {error}", file=sys.stderr, flush=True)
                status = 1
    return status


def _refuse_to_read_twice(files: Sequence[str]) -> None:
    """Two readers of one pipe would get a part of its sound each."""
    from emotiond.streamer.readers.opening import read_once

    found: dict[Hashable, str] = {}
    for file in files:
        key = read_once(file)
        if key is not None and key in found:
            names = " and ".join(dict.fromkeys((found[key], file)))
            raise ConfigError(f"{names}: it can be read only once", "Name it once")
        found[key] = file
