"""What the daemon says when it has opened everything: what it hears, and who can listen where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emotiond import __version__
from emotiond.inference.model import Model
from emotiond.streamer.outputs.output import About
from emotiond.streamer.settings.config import Config
from emotiond.streamer.streams.replay import OwnStream, Replay


def opening_lines(
    config: Config, model: Model, streams: Sequence[OwnStream], abouts: Sequence[About]
) -> Iterator[str]:
    """Yield the lines.

    Args:
        config: all settings.
        model: the one that judges.
        streams: the daemon's own.
        abouts: the descriptions of all outputs, in the order of ``config.outputs``.
    """
    names = ", ".join(stream.name for stream in streams)
    pages = "".join(f"; open {about.page}" for about in abouts if about.page is not None)
    addresses = ", ".join(about.address for about in abouts if about.address is not None)
    yield (
        f"emotiond {__version__}: listening to {names} with the model {model.card.name!r}{pages} "
        f"({addresses}){_audiences(config, streams, abouts)}"
    )
    for replay in (stream.name for stream in streams if isinstance(stream, Replay)):
        yield f"emotiond: {replay} is a recording that is replayed, and nobody who speaks now"
    for remark in (remark for about in abouts for remark in about.remarks):
        yield f"emotiond: {remark}"


def _audiences(config: Config, streams: Sequence[OwnStream], abouts: Sequence[About]) -> str:
    """Return who can listen and speak where, as the end of the first line."""
    kinds = [kind.name for kind, _ in config.outputs]
    found = {
        name: about.open_to for name, about in zip(kinds, abouts, strict=True) if about.open_to
    }
    doors = [(each.name, each.source.about.open_to) for each in streams]
    speaking = "".join(f"; {who} can stream into {name}" for name, who in doors if who)
    if len(set(found.values())) == 1:
        return f", open to {next(iter(found.values()))}{speaking}"
    return "".join(f"; {name} is open to {who}" for name, who in found.items()) + speaking
