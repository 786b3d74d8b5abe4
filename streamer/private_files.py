"""Files for this user alone: what the daemon writes about a voice, tokens and keys."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_MOST_LINKS = 40
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def leave_no_core() -> None:
    """Let no crash of this process, nor of its children, write their memory into a file.

    It holds the last seconds of sound, and the token.
    """
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def create_private(path: Path) -> int:
    """Create a file that only this user can read and write. Returns its descriptor, for writing.

    Raises:
        FileExistsError: a file or a link of that name exists.
        OSError: the file cannot be created.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)


def open_private(path: Path) -> int:
    """Open a file for reading, after taking its rights from other users.

    Returns:
        The descriptor.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it is a link, no regular file, or another user's; or it cannot be opened.
    """
    try:
        # O_NONBLOCK: a pipe is refused instead of waited for.
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link") from None
        raise
    try:
        about = os.fstat(descriptor)
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if os.name == "posix":
            if about.st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "it belongs to another user")
            if about.st_mode & _OF_OTHERS:
                os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, in place of one of the same name.

    There is never half a file, and a link is replaced, not followed.

    Raises:
        OSError: the file cannot be written. One of the same name is as it was.
    """
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent)  # with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(unfinished).unlink()
        raise


def make_private_folder(path: Path) -> None:
    """Make a folder that only this user can enter, with its parents. One that exists becomes so.

    Raises:
        OSError: the folder cannot be made, or belongs to another user.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix":
        about = path.stat()
        if about.st_uid != os.geteuid():  # root could go on, in a folder that is not root's
            raise PermissionError(errno.EPERM, "it belongs to another user")
        if about.st_mode & _OF_OTHERS:
            path.chmod(0o700)


def check_links(path: Path) -> None:
    """Refuse links to a token or a key that neither this user nor root has made.

    The folders on the way count, too. Other links are followed: tools that renew keys make them.

    Raises:
        PermissionError: there is such a link.
    """
    here = Path(path.anchor)
    ahead = [*reversed(path.parts[bool(path.anchor) :])] if os.name == "posix" else []
    links = 0
    while ahead:
        place = here / ahead.pop()
        try:
            about = place.lstat()
            if not stat.S_ISLNK(about.st_mode):
                here = place
                continue
            target = place.readlink()
        except (OSError, ValueError):  # whatever opens the file will report it
            return
        if about.st_uid not in (os.geteuid(), 0):
            raise PermissionError(errno.EPERM, "it is a link that another user has made")
        links += 1
        if links > _MOST_LINKS:
            return
        here = Path(target.anchor) if target.anchor else here
        ahead += reversed(target.parts[bool(target.anchor) :])


def check_neighbours(path: Path, suffixes: Sequence[str]) -> None:
    """Refuse a file beside which other users can put the files that go with it.

    Args:
        path: the file. SQLite, for instance, reads and writes a journal beside it, whoever has
            made that.
        suffixes: what the names of such files end with, after the whole name of the file.

    Raises:
        OSError: every user can make files in its folder, the folder or such a file is another
            user's, or such a file is a link or no regular file.
    """
    if os.name != "posix":
        return
    folder = path.parent.stat()
    if folder.st_mode & stat.S_IWOTH:
        raise PermissionError(errno.EPERM, "every user can make files in its folder")
    if folder.st_uid not in (os.geteuid(), 0):
        raise PermissionError(errno.EPERM, "its folder belongs to another user")
    for suffix in suffixes:
        beside = path.with_name(path.name + suffix)
        try:
            about = beside.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, f"{beside.name} beside it is no regular file")
        if about.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, f"{beside.name} beside it belongs to another user")


def others_can_read(about: os.stat_result) -> bool:
    """Return whether other users can read a token or a key, and its owner could change that.

    A file of another user, such as root, that this user reads through a group, is as it has to be.
    """
    if os.name != "posix":
        return False
    if about.st_uid == os.geteuid():
        return bool(about.st_mode & (stat.S_IRGRP | stat.S_IROTH))
    return bool(about.st_mode & stat.S_IROTH)
