"""What a command is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emotiond.streamer.arguments import ArgumentParser


@dataclass(frozen=True)
class Command:
    """A word behind ``emotiond``. ``--help`` shows them in the order of the table in ``cli``.

    Attributes:
        name: the word.
        text: what it does, in small letters, without a full stop.
        add_flags: adds its flags to its parser.
        run: takes the values of the flags, and returns the exit status.
        examples: whole command lines.
    """

    name: str
    text: str
    add_flags: Callable[[ArgumentParser], None]
    run: Callable[[dict[str, Any]], int]
    examples: Sequence[str] = ()
