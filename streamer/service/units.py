"""The text of systemd's units, for a user and for the whole machine.

The user's unit runs where PipeWire and PulseAudio live, with the user's own files. The system's
unit runs without a user who has logged in: it has ALSA alone, an account of its own that lasts as
long as the service (``DynamicUser``), and no home folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import ServiceError

NAME = "emotiond.service"

_COMMON = """\
[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
# The daemon's event loop says every second that it turns. A loop that has stalled is started anew.
WatchdogSec=20
WatchdogSignal=SIGKILL
Restart=on-failure
RestartSec=5
TimeoutStopSec=10
UMask=0077
# No core file: it would hold sound.
LimitCORE=0
# MemoryDenyWriteExecute is left out: the callbacks of sounddevice and soundfile need such memory.

NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
"""
_OF_SYSTEM = """\

# An account without rights, which may open sound cards and nothing else of /dev.
DynamicUser=yes
SupplementaryGroups=audio
DevicePolicy=closed
DeviceAllow=char-alsa rw
StateDirectory=emotiond
StateDirectoryMode=0700
Environment=XDG_DATA_HOME=%S/emotiond XDG_CACHE_HOME=%S/emotiond/cache HOME=%S/emotiond
CapabilityBoundingSet=
AmbientCapabilities=
KeyringMode=private
PrivateIPC=yes
PrivateTmp=yes
ProcSubset=all
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome={protect_home}
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictRealtime=yes
"""


@dataclass(frozen=True)
class Service:
    """What one unit runs."""

    command: tuple[str, ...]
    """The program, an absolute path, and its arguments."""
    is_of_system: bool
    """Whether it runs for the machine, not for a user."""


def unit_text(service: Service) -> str:
    """Return the unit.

    Raises:
        ServiceError: no unit can name the program or an argument.
    """
    command = " ".join(quoted(word) for word in service.command)
    if service.is_of_system:
        wanted_by, after = "multi-user.target", "sound.target network.target"
    else:
        wanted_by, after = "default.target", "pipewire.service pulseaudio.service"
    protect_home = "read-only" if _is_in_home(service.command[0]) else "yes"
    return (
        "[Unit]\n"
        "Description=emotiond, which hears emotion in a voice\n"
        f"After={after}\n\n"
        + _COMMON.format(command=command)
        + (_OF_SYSTEM.format(protect_home=protect_home) if service.is_of_system else "")
        + f"\n[Install]\nWantedBy={wanted_by}\n"
    )


def quoted(word: str) -> str:
    """Return a word of a command line as systemd reads it back, by ``systemd.service(5)``.

    Raises:
        ServiceError: it would end the line, or UTF-8 cannot hold it.
    """
    if not word.isprintable():
        raise ServiceError(f"no unit can name {word}", "Give it a name of printable characters")
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(plain, written)
    return f'"{word}"' if not word or any(char in word for char in " \t'\"\\;") else word


def _is_in_home(program: str) -> bool:
    return Path(program).parts[:2] in (("/", "home"), ("/", "root"))
