"""TLS for clients that read in one thread and write in another, or that know whom they want."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any


class _GuardedSocket(ssl.SSLSocket):
    """A socket of TLS that two threads may use: one reads while the other writes.

    OpenSSL wants one call at a time for each connection, and websockets' threaded client reads and
    writes at once. With Python 3.11, about one request in 1,000 never left
    (``findings/websockets-threaded-client-loses-its-request.sh``).
    """

    _guard: threading.RLock

    def __new__(cls, *arguments: Any, **options: Any) -> _GuardedSocket:
        self = super().__new__(cls, *arguments, **options)
        self._guard = threading.RLock()  # the module makes its sockets without __init__
        return self

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        while True:
            with self._guard:
                is_ready = self.pending() > 0
            if not is_ready:
                socket.socket.recv(self, 1, socket.MSG_PEEK)  # waits, and leaves TLS alone
            with self._guard:
                timeout_seconds = self.gettimeout()
                super().settimeout(0)
                try:
                    return super().recv(buflen, flags)
                except ssl.SSLWantReadError:  # the record is not whole yet, or none of the user
                    pass
                finally:
                    super().settimeout(timeout_seconds)

    def sendall(self, data: Any, flags: int = 0) -> None:
        with self._guard:
            super().sendall(data, flags)

    def settimeout(self, value: float | None) -> None:
        with self._guard:
            super().settimeout(value)


def guarded(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let two threads use the connections of a client's context, and return it."""
    context.sslsocket_class = _GuardedSocket
    return context


class Pinned(ssl.SSLContext):
    """A context for a server that has one certificate, whatever name it is reached by.

    To trust a certificate is not enough: one that may sign others vouches for their owners, too.
    """

    certificate: bytes
    """The server's, in DER."""

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """Shake hands, before anything is sent.

        Raises:
            ssl.SSLCertVerificationError: the server has another certificate.
        """
        wrapped = super().wrap_socket(*arguments, **options)
        if wrapped.getpeercert(binary_form=True) != self.certificate:
            wrapped.close()
            error = ssl.SSLCertVerificationError("another certificate")
            error.verify_code, error.verify_message = 0, "it is another one"
            raise error
        return wrapped


def pinned(certificate: str) -> Pinned:
    """Return a context for the server that has this certificate, in PEM.

    Raises:
        ValueError: it is no certificate.
    """
    context = Pinned(ssl.PROTOCOL_TLS_CLIENT)
    context.certificate = ssl.PEM_cert_to_DER_cert(certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=certificate)
    except ssl.SSLError as error:
        raise ValueError(str(error)) from None
    guarded(context)
    return context
