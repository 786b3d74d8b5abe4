"""A parser of command lines that names the nearest option for a misspelled one."""

from __future__ import annotations

import argparse
import difflib
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from emotiond.exceptions import printable

_OPTION = re.compile("--|-[a-zA-Z]")  # neither a negative number nor standard input


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return a remark with the most similar of all words; empty if none is similar."""
    close = difflib.get_close_matches(word, [*words], n=1)
    return f" (did you mean {close[0]}?)" if close else ""


class ArgumentParser(argparse.ArgumentParser):
    """One of argparse, with examples at the end of its help.

    argparse's own ``suggest_on_error`` comes with Python 3.14, and is for choices alone.

    Args:
        examples: command lines.
        details: as of :class:`argparse.ArgumentParser`.
    """

    def __init__(self, *, examples: Sequence[str] = (), **details: Any) -> None:
        if examples:
            details["epilog"] = "\n  ".join(("examples:", *examples))
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=formatter, allow_abbrev=False, **details)

    def error(self, message: str) -> NoReturn:
        """End the process with a message in which names from outside are escaped."""
        super().error(printable(message))

    def parse_known_args(  # type: ignore[override]  # argparse has several signatures
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; end the process if an argument is unknown."""
        if args is not None and self._subparsers is None:
            self._name_mistyped(args)  # argparse would first complain of what is then missing
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, []

    def _name_mistyped(self, arguments: Sequence[str]) -> None:
        flags = [flag for action in self._actions for flag in action.option_strings]
        for argument in itertools.takewhile(lambda argument: argument != "--", arguments):
            word = argument.partition("=")[0]
            if _OPTION.match(word) and word not in flags:
                self.error(f"unrecognized arguments: {argument}{did_you_mean(word, flags)}")
