"""What stands in for programs while a block of shell commands of docs/ runs.

``emotiond`` is the real one, with this machine's means: free ports, the demo for a microphone, the
small model. A daemon runs on until the block has ended. ``pip`` finds its packages installed.
What a bare machine may lack, or must not do in a test, does little.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from packaging.requirements import Requirement

from tests.support.daemon import COMMAND, DEMO, PATIENCE_SECONDS
from tests.support.free_port import free_port

ROOT = Path(__file__).parents[2]
SIMPLE = {
    "openssl": f"#!{sys.executable}\nimport secrets; print(secrets.token_hex(32))\n",
    # What would change this machine, or download: a block that needs these runs elsewhere, or not.
    **dict.fromkeys(("apt-get", "docker", "npm", "npx", "sudo"), "#!/bin/sh\nexit 1\n"),
    "systemctl": "#!/bin/sh\nexit 0\n",
    "logger": '#!/bin/sh\necho "$@"\n',
    "python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
}
_ADDRESS = re.compile(r"(?P<host>127\.0\.0\.1|0\.0\.0\.0|192\.168\.1\.\d+):(?P<port>\d+)")
_STATE = "BLOCK_STATE"
"""The variable with the file that remembers ports and daemons from one command to the next."""


def install(folder: Path) -> Path:
    """Put the programs into a folder, for ``PATH``."""
    programs = folder / "programs"
    programs.mkdir()
    texts = dict(SIMPLE)
    for name in ("emotiond", "pip"):
        texts[name] = (
            f"#!{sys.executable}\nimport sys; sys.path.insert(0, {os.fspath(ROOT)!r})\n"
            f"from tests.support import block_programs; sys.exit(block_programs.{name}())\n"
        )
    for name, text in texts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return programs


def run_block(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run commands in a folder, and end the daemons that they have started.

    Raises:
        AssertionError: a daemon has printed a traceback, or does not end.
    """
    state = folder / "state.json"
    state.write_text('{"ports": {}, "daemons": []}')
    (folder / "block.sh").write_text(f"{text}\nwait\n")
    home = {"HOME": os.fspath(folder), "XDG_DATA_HOME": os.fspath(folder / "data")}
    path = f"{install(folder)}{os.pathsep}{os.environ['PATH']}"
    shell = subprocess.Popen(
        ["bash", "-eu", "block.sh", "living room"],
        cwd=folder,
        env={**os.environ, **home, "PATH": path, _STATE: os.fspath(state), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, errors = shell.communicate("password\n", timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(shell.args, shell.returncode, printed, errors)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        raise
    finally:
        for number, log in json.loads(state.read_text())["daemons"]:
            with contextlib.suppress(psutil.NoSuchProcess):  # it has not started
                daemon = psutil.Process(number)
                daemon.terminate()
                daemon.wait(PATIENCE_SECONDS)
            assert "Traceback" not in Path(log).read_text()


def emotiond() -> int:
    """Run a command; return its exit status."""
    given = sys.argv[1:]
    command = given[0] if given and not given[0].startswith("-") else "run"
    if command == "run":
        return _daemon(given)
    if command == "watch":
        return _watch(given)
    if command == "enroll" and "--source" not in given:
        given += ["--source", "recording.wav"]
    status = subprocess.run([*COMMAND, *given], check=False).returncode
    return 0 if command == "doctor" else status  # this machine may have no microphone


def pip() -> int:
    """Say whether the packages to install are here; return the exit status."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for wanted in sys.argv[2:]:
        ours = re.fullmatch(r"\.(?:\[([\w,]+)\])?", wanted)
        if ours is None:
            requirement = Requirement(wanted)
            if version(requirement.name) not in requirement.specifier:
                return 1
        elif not {*(ours[1] or "all").split(",")} <= {*setup["options.extras_require"]}:
            return 1
    return 0


def _daemon(given: list[str]) -> int:
    """Start a daemon, and return when it listens."""
    with _kept() as state:
        process, log = _started(given, state)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "listening to" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            print(log.read_text(), file=sys.stderr)
            return 1
        time.sleep(0.02)  # a file has no event for this
    return 0


@contextlib.contextmanager
def _kept() -> Iterator[dict[str, Any]]:
    """Give what the block remembers, to one command at a time, and keep what becomes of it."""
    with Path(os.environ[_STATE]).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state = json.load(file)
        yield state
        file.seek(0)
        file.truncate()
        json.dump(state, file)


def _started(given: list[str], state: dict[str, Any]) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a daemon, and return it with its log."""
    arguments = [_as_here(argument, state["ports"]) for argument in given]
    if "--port" in arguments:
        index = arguments.index("--port") + 1
        arguments[index] = _port(arguments[index], state["ports"])
    else:
        arguments += ["--port", _port("8765", state["ports"])]
    if not {"--zmq", "--token-file"} & {*arguments}:
        arguments += ["--zmq", "tcp://127.0.0.1:*"]
    if "--source" not in arguments:
        arguments += ["--source", f"mic={DEMO}"]
    if not {"--model", "--profile"} & {*arguments}:
        arguments += ["--model", "lite"]
    log = Path(os.environ[_STATE]).with_name(f"daemon-{len(state['daemons'])}.log")
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    state["daemons"].append([process.pid, os.fspath(log)])
    return process, log


def _watch(given: list[str]) -> int:
    """Watch the daemon of this block until it has said something."""
    ports = json.loads(Path(os.environ[_STATE]).read_text())["ports"]
    arguments = [_as_here(argument, ports) for argument in given]
    if not any(_ADDRESS.fullmatch(argument) for argument in arguments):
        arguments.insert(1, f"127.0.0.1:{ports['8765']}")
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    return 0 if line else 1


def _as_here(argument: str, ports: dict[str, str]) -> str:
    """Return an argument with what this machine has."""
    argument = re.sub(r"^(\w+=)?mic$", lambda found: f"{found[1] or 'mic='}{DEMO}", argument)
    argument = argument.replace("/home/ann", os.environ["HOME"])
    return _ADDRESS.sub(
        lambda found: (
            re.sub("^192.*", "127.0.0.1", found["host"]) + ":" + _port(found["port"], ports)
        ),
        argument,
    )


def _port(asked: str, ports: dict[str, Any]) -> str:
    """Return the port that stands for another one."""
    port: str = ports.setdefault(asked, str(free_port()))
    return port
