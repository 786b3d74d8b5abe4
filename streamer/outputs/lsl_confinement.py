"""Keeps the sockets of threads to this machine. liblsl binds its own to all addresses.

No setting of liblsl changes that (1.18): ``ListenAddress`` moves only what answers searches. So the
kernel stops each ``bind`` of a confined thread (seccomp), and a thread of the daemon gives the
socket a filter before the call goes on. The filter lets in what comes over the loopback interface,
and multicasts of this machine itself. It is there before the first packet can come, and accepted
connections inherit it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import queue
import select
import socket
import struct
import threading

_LIBRARY = "libseccomp.so.2"
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000  # actions of seccomp
_RECEIVE, _ANSWER = 0xC0502100, 0xC0182101  # requests of ioctl: a call that waits, and its fate
_CALL, _FATE = struct.Struct("QIIiIQ6Q"), struct.Struct("QqiI")
_FIRST_ARGUMENT = 6  # of the fields of a call
_CONTINUE = 1
_ATTACH_FILTER = 26  # socket option SO_ATTACH_FILTER

# Instructions of classic BPF, and what they read about a packet.
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_KIND, _INTERFACE = 0xFFFFF004, 0xFFFFF008
_OWN_MULTICAST = 5  # the kind PACKET_LOOPBACK, which no packet from outside can have
_WHOLE, _NOTHING = 0xFFFFFFFF, 0


class ConfinementError(Exception):
    """Sockets cannot be kept to this machine here. Its text says why."""


class Confinement:
    """Confines threads. Make it in a thread that stays free.

    The thread that gives sockets their filter ends with the last confined one.

    Raises:
        ConfinementError: this system cannot.
    """

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
            self._filter = _Filter()
        except OSError as error:
            raise ConfinementError(f"it takes Linux and {_LIBRARY}") from error
        self._listener: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="emotiond-lsl-guard", daemon=True).start()

    def enter(self) -> None:
        """Confine the calling thread, and those that it will start, for good.

        It must start no other program: that would be confined, too.

        Raises:
            ConfinementError: the system refuses.
        """
        listener, status = None, -errno.ENOMEM
        self._library.seccomp_init.restype = ctypes.c_void_p
        made = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(_ALLOW)))
        if made:
            bind = self._library.seccomp_syscall_resolve_name(b"bind")
            status = self._library.seccomp_rule_add_array(
                made, ctypes.c_uint32(_NOTIFY), bind, 0, None
            ) or self._library.seccomp_load(made)
            if status == 0:
                listener = os.dup(self._library.seccomp_notify_fd(made))
                self._library.seccomp_reset(None, 0)  # else the next one would get none
            self._library.seccomp_release(made)
        self._listener.put(listener)
        if listener is None:
            raise ConfinementError(f"the system refuses the filter ({os.strerror(-status)})")

    def _run(self) -> None:
        """Answer until no thread is confined any more."""
        import fcntl  # which Windows lacks

        listener = self._listener.get()
        if listener is None:
            return
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
            call = bytearray(_CALL.size)
            with contextlib.suppress(OSError):  # the thread that called has ended meanwhile
                fcntl.ioctl(listener, _RECEIVE, call)
                fields = _CALL.unpack(call)
                refusal = self._filter.attach(fields[_FIRST_ARGUMENT])
                fate = _FATE.pack(fields[0], 0, -refusal, 0 if refusal else _CONTINUE)
                fcntl.ioctl(listener, _ANSWER, fate)
        os.close(listener)


class _Filter:
    """Lets packets of this machine alone into a socket."""

    def __init__(self) -> None:
        instructions = (
            (_LOAD, 0, 0, _INTERFACE),
            (_IF_EQUAL, 2, 0, socket.if_nametoindex("lo")),
            (_LOAD, 0, 0, _KIND),
            (_IF_EQUAL, 0, 1, _OWN_MULTICAST),
            (_RETURN, 0, 0, _WHOLE),
            (_RETURN, 0, 0, _NOTHING),
        )
        code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
        self._code = ctypes.create_string_buffer(code, len(code))
        self._program = struct.pack("HP", len(instructions), ctypes.addressof(self._code))

    def attach(self, descriptor: int) -> int:
        """Give the filter to a socket of the internet. Returns 0, or the number of an error."""
        try:
            bound = socket.socket(fileno=descriptor)
        except OSError as error:
            return error.errno or errno.EPERM
        with contextlib.ExitStack() as stack:
            stack.callback(bound.detach)  # it stays liblsl's
            try:
                if bound.family in (socket.AF_INET, socket.AF_INET6):
                    bound.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, self._program)
            except OSError as error:
                return error.errno or errno.EPERM
        return 0
