"""Do one thing while another is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


def run_in_background(work: Callable[[], _Result]) -> Future[_Result]:
    """Start to do it in a thread that the end of the process does not wait for.

    Returns:
        What it comes to, or raises.
    """
    future: Future[_Result] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, name="emotiond-background", daemon=True).start()
    return future
