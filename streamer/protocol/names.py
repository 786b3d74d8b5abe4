"""Which names a published stream may have, and which of them look the same to people."""

from __future__ import annotations

import functools
import unicodedata

from emotiond.streamer.daemon_names import BLANK

LONGEST_STREAM_NAME = 64
"""Characters."""
LONGEST_UNFOLDED_NAME = 3 * LONGEST_STREAM_NAME
"""Characters of its NFKD form: a syllable of Korean has three there, one Arabic ligature 18."""
_KEPT_LIKENESSES = 512  # of more streams than one daemon has and follows

# Control and format characters (those that turn the direction or have no width among them),
# surrogates, private ones, line and paragraph separators.
_UNFIT = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
# What NFKD and casefold leave apart although it looks alike. Capitals come first, since some of
# them look like another letter than the small one does.
_ALIKE = str.maketrans(
    "\u0412\u041d\u0392\u0397\u039c\u039d\u03a1\u03a4\u03a5\u0396"
    "\u0430\u0441\u0435\u0456\u0458\u043a\u043c\u043e\u0440\u0455\u0442\u0443\u0445\u0501\u051b"
    "\u051d\u0475\u04bb\u04cf\u044c"
    "\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b3\u03c9\u03c3"
    "\u0585\u057d\u0570\u0578\u0566\u0575\u0581"
    "\u0131\u0251\u0261\u0269\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b"
    "\u029f\u1d0d\u0274\u1d0f\u1d18\u0280\ua731\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22",
    "bhbhmnptyzaceijkmopstyxdqwvhlbabenikvoptuxywoouhnqjgiagiabcdefghijklmnoprstuvwyz",
)
_CLOSE = str.maketrans("i1|0\u00f8", "llloo")


def problem_of(name: str) -> str | None:
    """Return why no published stream may have this name, as the end of a sentence; None if one may.

    Such a name would not show, or show as another one.
    """
    if len(name) > LONGEST_STREAM_NAME:
        return f"must have {LONGEST_STREAM_NAME} characters at most"
    if len(unicodedata.normalize("NFKD", name)) > LONGEST_UNFOLDED_NAME:
        return (
            f"must have {LONGEST_UNFOLDED_NAME} characters at most "
            "with its ligatures and accents taken apart"
        )
    is_unfit = any(unicodedata.category(each) in _UNFIT or each in BLANK for each in name)
    if is_unfit or (name.strip() and not likeness(name)):
        return "must have no control characters, nor others that do not show"
    return None


@functools.lru_cache(_KEPT_LIKENESSES)
def likeness(name: str) -> str:
    """Return what names that look the same have in common.

    Case, accents, spaces, the kind of a dash, the style and the script of a letter do not count.
    """
    plain = unicodedata.normalize("NFKD", name).translate(_ALIKE).casefold()
    plain = unicodedata.normalize("NFKD", plain).translate(_ALIKE).casefold().translate(_CLOSE)
    shown = (each for each in plain if not each.isspace() and unicodedata.category(each)[0] != "M")
    return "".join("-" if unicodedata.category(each) == "Pd" else each for each in shown).replace(
        "rn", "m"
    )
