"""Why the server of a network stream gives no sound, in words, each with its remedy."""

from __future__ import annotations

import os
import ssl

from emotiond.exceptions import shortage_of
from emotiond.streamer.sources import network_socket
from emotiond.streamer.sources.network_address import Address

Fault = tuple[str, str]
"""A problem and its remedy."""
NO_ACCESS = (401, 403)
"""Statuses of HTTP and RTSP: for somebody else, or for nobody."""
NOT_FOUND: Fault = (
    "it has no such stream at present",
    "Start the stream, or correct the path",
)
_HOST_NAME_MISMATCH, _IP_ADDRESS_MISMATCH = 62, 64  # OpenSSL's X509_V_ERR_…


def fault_of_answer(error: Exception, is_late: bool, otherwise: str, address: Address) -> Fault:
    """Return why a server did not answer as it should.

    Args:
        error: what came instead.
        is_late: whether the connection was ended because it took too long.
        otherwise: the problem for errors that are neither of TLS nor of the connection.
        address: of the server.
    """
    other = address.scheme.removesuffix("s") if address.is_encrypted else f"{address.scheme}s"
    look = f"Correct the port, or try {other}://"
    if is_late or isinstance(error, TimeoutError):
        return f"it does not answer within {network_socket.ANSWER_SECONDS:g} s", look
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"its certificate is not valid ({error.verify_message.rstrip('.')})"
        return problem, _remedy_of_certificate(error.verify_code)
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS as it should", look
    if isinstance(error, OSError):
        return shortage_of(error) or ("it ends the connection without an answer", look)
    return otherwise, look


def no_access(address: Address, status: int, is_proven: bool = True) -> Fault:
    """Return why a server answers with one of :data:`NO_ACCESS`.

    Args:
        address: of the stream.
        status: of the answer.
        is_proven: whether a user and a password were proven, if the address has them.
    """
    if status == 403:
        return "it refuses access", "Allow it at the server, or give another user or path"
    if not address.has_credentials:
        return (
            "it wants a user and a password",
            f"Put them into the address, {address.scheme}://USER:PASSWORD@…, in the settings file",
        )
    if not is_proven:
        return (
            "it asks for the password in a way that is not known, or not safe",
            "Let it ask for a digest (MD5 or SHA-256), or use rtsps://",
        )
    return (
        "it does not accept the user or the password",
        "Correct them in the address; an @ in them is %40 there",
    )


def _remedy_of_certificate(code: int) -> str:
    if code in (_HOST_NAME_MISMATCH, _IP_ADDRESS_MISMATCH):
        return "Give the name in the address that is in the certificate"
    file = os.environ.get(ssl.get_default_verify_paths().openssl_cafile_env)
    if file is None:
        return "Name the certificate of its authority: SSL_CERT_FILE=FILE"
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        return "SSL_CERT_FILE names a file without certificates: correct it"
    except OSError as error:
        return f"SSL_CERT_FILE cannot be read ({os.strerror(error.errno or 0)}): correct it"
    return "SSL_CERT_FILE has to name the certificate of its authority"
