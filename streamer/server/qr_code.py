"""QR codes, by the library segno: in pure Python, so that it installs on every Raspberry Pi."""

from __future__ import annotations

from collections.abc import Sequence

MARGIN = 4
"""Light modules around a code; readers need them."""


def qr_rows(text: str) -> Sequence[str]:
    """Return a QR code with its margin: a row of ``1`` (dark) and ``0`` for each line of modules.

    Raises:
        ModuleNotFoundError: segno is not installed.
    """
    import segno

    # M repairs 15 %: a reflection on a screen, and no more modules than the address needs.
    code = segno.make_qr(text, error="M", boost_error=False)
    return [
        "".join("1" if dark else "0" for dark in row) for row in code.matrix_iter(border=MARGIN)
    ]
