"""Leaves the decoder's process only what decoding needs: no files, network or other programs.

The kernel refuses every system call that is not listed here (seccomp): a process that a recording
took over can read what it was given, compute, and answer. libseccomp, on which apt and systemd
depend, knows the numbers of the calls on each processor. Its bindings on PyPI have had no release
since 2021, and are the same calls by ctypes. Landlock is not used: the kernel of Raspberry Pi OS
leaves it out, and it knows neither UDP nor other programs.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

_log = logging.getLogger(__name__)

_ALLOWED = (
    # What is open, of which there is the file, the requests and the answers.
    *("read", "readv", "pread64", "lseek", "_llseek", "recvmsg", "close"),
    # Memory.
    *("brk", "mmap", "mmap2", "mremap", "munmap", "mprotect", "madvise", "cacheflush"),
    # The locks of Python, and the end.
    *("futex", "futex_time64", "sched_yield", "gettid", "exit", "exit_group"),
    # Time, and the signal that ends the process if a step takes too long.
    "setitimer",
    *("clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "gettimeofday"),
    *("nanosleep", "clock_nanosleep", "clock_nanosleep_time64"),
    # Its own signals.
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack"),
    *("restart_syscall", "getpid"),
    "getrandom",
)
_OUTPUTS = (1, 2)

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 38  # "no such call": libraries then do without, as on an older kernel
_EQUAL = 4
_ALL_THREADS = 4  # an attribute of the filter
_LIBRARY = "libseccomp.so.2"


class Unconfined(NamedTuple):
    """Why a process is not confined."""

    problem: str
    remedy: str


class _Comparison(ctypes.Structure):
    """``struct scmp_arg_cmp``."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def confine() -> Unconfined | None:
    """Give up, for good, all that decoding does not need.

    Everything must be imported, and every file open. On each POSIX system files cannot grow any
    more, a crash writes none, and users other than root start neither process nor thread. The rest
    takes Linux and libseccomp.

    Returns:
        Why the rest is not given up; None once it is.
    """
    if sys.platform == "win32":
        return Unconfined("Windows has no filter of system calls", "Play unknown files on Linux")
    import resource

    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC):
        resource.setrlimit(limit, (0, 0))
    if sys.platform != "linux":
        return Unconfined("only Linux has seccomp", "Play unknown files on Linux")
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return Unconfined(f"{_LIBRARY} is missing", "Install it: sudo apt-get install libseccomp2")
    status = _load_filter(library)
    if status < 0:
        return Unconfined(
            f"the system refuses the filter of system calls ({os.strerror(-status)})",
            "Allow seccomp: CONFIG_SECCOMP_FILTER in the kernel, or in the container's settings",
        )
    return None


@functools.cache
def warn(what: str, unconfined: Unconfined) -> None:
    """Say once that a part of the protection is missing, where the user can bring it.

    Args:
        what: is decoded without it, in the plural.
        unconfined: why.
    """
    if sys.platform == "linux":
        _log.warning("%s are decoded unconfined: %s. %s", what, *unconfined)


def _load_filter(library: ctypes.CDLL) -> int:
    """Return 0, or the negative number of an error."""
    library.seccomp_init.restype = ctypes.c_void_p
    made = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_REFUSE)))
    if not made:
        return -ctypes.get_errno() or -12
    try:
        status: int = library.seccomp_attr_set(made, _ALL_THREADS, ctypes.c_uint32(1))
        for name, comparisons in _rules():
            number: int = library.seccomp_syscall_resolve_name(name.encode())
            if number < 0:  # this processor has no such call
                continue
            compared = (_Comparison * len(comparisons))(*comparisons)
            status = status or library.seccomp_rule_add_array(
                made, ctypes.c_uint32(_ALLOW), number, len(comparisons), compared
            )
        return status or int(library.seccomp_load(made))
    finally:
        library.seccomp_release(made)


def _rules() -> Iterator[tuple[str, tuple[_Comparison, ...]]]:
    """Yield the calls that are allowed, with what their arguments must be."""
    for name in _ALLOWED:
        yield name, ()
    for number in _OUTPUTS:
        for name in ("write", "writev"):
            yield name, (_Comparison(0, _EQUAL, number, 0),)
    yield "tgkill", (_Comparison(0, _EQUAL, os.getpid(), 0),)  # to abort
