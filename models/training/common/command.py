"""How the tools of this folder are run: what goes wrong is told in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

from emotiond.exceptions import EmotiondError


def run(main: Callable[[], None]) -> None:
    """Run a tool, and exit with 1 where it cannot go on, with 130 where it is stopped."""
    try:
        main()
    except EmotiondError as error:
        sys.exit(f"emotiond: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
