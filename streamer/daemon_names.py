"""Names of daemons: which there are, and how one is made of the host's name."""

from __future__ import annotations

import platform
import unicodedata

MOST_CHARACTERS = 63
"""As in a host's name."""
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters that count as letters, marks or symbols, and do not show."""
_PUNCTUATION = " -_."
_NAMELESS = "emotiond"


def is_name(text: str) -> bool:
    """Return whether a daemon can be called so.

    A name has 1 to 63 letters (of any script), digits, spaces, ``-``, ``_`` and ``.``. It begins
    and ends with a letter or a digit. So it is one level of an MQTT topic, and one part of a path.
    All of it shows: letters that are blank are none.
    """
    return 0 < len(text) <= MOST_CHARACTERS and text == _trimmed(text) and all(map(_fits, text))


def cleaned(text: str) -> str:
    """Return the name that is nearest to a text: ``emotiond`` for one without letters and digits.

    Characters of compatibility become plain ones (NFKC). Each run of others that no name has
    becomes one ``-``. What stands before the first letter or digit and behind the last is cut off,
    and so is what is beyond 63 characters.
    """
    plain = unicodedata.normalize("NFKC", text)
    parts = "".join(each if _fits(each) else "\0" for each in plain).split("\0")
    return _trimmed(_trimmed("-".join(filter(None, parts)))[:MOST_CHARACTERS]) or _NAMELESS


def host_name() -> str:
    """Return the cleaned name of this host, up to its first dot."""
    return cleaned(platform.node().partition(".")[0])


def _fits(character: str) -> bool:
    return character in _PUNCTUATION or _is_of_word(character)


def _is_of_word(character: str, kinds: str = "LMN") -> bool:
    """Return whether it is a letter, a mark on one, or a digit."""
    return unicodedata.category(character)[0] in kinds and character not in BLANK


def _trimmed(text: str) -> str:
    """Return the text from its first letter or digit to its last, with the marks on that."""
    first = next((index for index, each in enumerate(text) if _is_of_word(each, "LN")), len(text))
    last = max((index for index, each in enumerate(text) if _is_of_word(each)), default=0)
    return text[first : last + 1]
