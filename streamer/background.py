"""Runs a function in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


def run_in_background(work: Callable[[], _Result]) -> Future[_Result]:
    """Run in a daemon thread and return a future of the result."""
    future: Future[_Result] = Future()
    future.set_running_or_notify_cancel()  # it cannot be cancelled: the thread goes on

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, name="emotiond-background", daemon=True).start()
    return future
