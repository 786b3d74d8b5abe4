"""Reads from a connection until another thread says that it is enough.

To shut the connection down would wake the reader, too. But TLS takes that for a fault, and sends
nothing more after it, not even a good-bye.
"""

from __future__ import annotations

import contextlib
import io
import selectors
import socket
import ssl
import time
from typing import Any


class WakeableReader(io.RawIOBase):
    """The bytes of a connection, as the raw part of a buffered reader.

    Args:
        connected: the connection. It stays open when the reader is closed.

    Raises:
        OSError: there are no descriptors left.
    """

    def __init__(self, connected: socket.socket) -> None:
        super().__init__()
        self._socket = connected
        self._is_woken = False
        self._opened = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self._waiting = stack.enter_context(selectors.DefaultSelector())
            woken, self._waker = (stack.enter_context(each) for each in socket.socketpair())
            for each in (connected, woken):
                self._waiting.register(each, selectors.EVENT_READ)
            self._opened = stack.pop_all()

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes, as long as the connection's timeout says. None come once it is woken.

        Raises:
            OSError: the connection is lost; ``TimeoutError`` if nothing comes.
        """
        patience_seconds = self._socket.gettimeout()
        end_seconds = None if patience_seconds is None else time.monotonic() + patience_seconds
        while not self._is_woken:
            wanted = selectors.EVENT_READ
            self._socket.settimeout(0)
            try:
                return self._socket.recv_into(buffer)
            except ssl.SSLWantWriteError:
                wanted = selectors.EVENT_WRITE
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            finally:
                self._socket.settimeout(patience_seconds)
            self._waiting.modify(self._socket, wanted)
            left_seconds = None if end_seconds is None else end_seconds - time.monotonic()
            if left_seconds is not None and left_seconds <= 0:
                raise TimeoutError
            if not self._waiting.select(left_seconds):
                raise TimeoutError
        return 0

    def wake(self) -> None:
        """End a wait in another thread, and those to come."""
        self._is_woken = True
        self._waker.send(b"\0")

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._opened.close()
        super().close()
