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
_CONTINUE = 1
_ATTACH_FILTER = 26  # socket option SO_ATTACH_FILTER

# Instructions of classic BPF, and what they read about a packet.
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_KIND, _INTERFACE = 0xFFFFF004, 0xFFFFF008
_OWN_MULTICAST = 5  # the kind PACKET_LOOPBACK, which no packet from outside can have
_WHOLE, _NOTHING = 0xFFFFFFFF, 0


class ConfinementError(Exception):
    """Sockets cannot be kept to this machine here. Its text says why."""


class _Call(ctypes.Structure):
    """``struct seccomp_notif``: a call that waits."""

    _fields_ = (
        ("id", ctypes.c_uint64),
        ("pid", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("number", ctypes.c_int32),
        ("architecture", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    )


class _Answer(ctypes.Structure):
    """``struct seccomp_notif_resp``: what becomes of it."""

    _fields_ = (
        ("id", ctypes.c_uint64),
        ("value", ctypes.c_int64),
        ("error", ctypes.c_int32),
        ("flags", ctypes.c_uint32),
    )


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
            self._library.seccomp_release(made)
        self._listener.put(listener)
        if listener is None:
            raise ConfinementError(f"the system refuses the filter ({os.strerror(-status)})")

    def _run(self) -> None:
        """Answer until no thread is confined any more."""
        listener = self._listener.get()
        if listener is None:
            return
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while not any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
            call = _Call()
            if self._library.seccomp_notify_receive(listener, ctypes.byref(call)) != 0:
                continue  # it was interrupted
            refusal = self._filter.attach(call.arguments[0])
            answer = _Answer(call.id, 0, -refusal, 0 if refusal else _CONTINUE)
            self._library.seccomp_notify_respond(listener, ctypes.byref(answer))
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
