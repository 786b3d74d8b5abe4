"""Runs the steps of a Dockerfile where no image can be built: in bare roots, one for each stage."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

KNOWN = {
    "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER",
    "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT",
}  # fmt: skip


class Root(Protocol):
    """A bare root in which commands run."""

    folder: Path

    def run(self, command: str) -> float: ...


@dataclass
class Stage:
    """A stage: its root as it is after the steps so far, and what a container of it would have."""

    root: Root
    variables: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"
    volume: str = ""
    entrypoint: Sequence[str] = ()
    health_check: Sequence[str] = ()

    def command(self, words: Sequence[str], **variables: str) -> str:
        """Return the shell command that runs a program as a container of this stage would."""
        # The PATH of the root stands for what the base image has.
        path = self.variables.get("PATH", "$PATH")
        values = {**self.variables, **variables}
        given = [f"{name}={shlex.quote(value)}" for name, value in values.items() if name != "PATH"]
        as_user = f"setpriv --reuid {self.user} --regid {self.user} --init-groups --no-new-privs"
        return (
            # As with 'docker run --read-only': all but the volume is only to be read.
            f"mount -t tmpfs -o uid={self.user},mode=700 volume {self.volume} && "
            "mount -o remount,bind,ro / && "
            f"cd {self.folder} && exec env {' '.join(given)} PATH={path} {as_user} "
            f"{shlex.join(words)}"
        )


def read_steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction with the rest of its line.

    Raises:
        ValueError: an instruction is not known here.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            instruction, _, rest = line.strip().partition(" ")
            if instruction not in KNOWN:
                raise ValueError(f"the Dockerfile has {instruction}, which is not known here")
            yield instruction, rest.strip()


def build(context: Path, new_root: Callable[[str], Root]) -> Stage:
    """Run all steps of the Dockerfile in a folder, and return the last stage.

    Args:
        context: the folder, with ``Dockerfile`` and ``.dockerignore``.
        new_root: makes a bare root for a stage of this name.
    """
    stages: dict[str, Stage] = {}
    for instruction, rest in read_steps((context / "Dockerfile").read_text("utf-8")):
        if instruction == "FROM":
            name = rest.partition(" AS ")[2] or "last"
            stage = stages[name] = Stage(new_root(name))
        elif instruction == "RUN":
            stage.root.run(f"cd {stage.folder} && {rest}")
        elif instruction == "COPY":
            _copy(context, stages, stage, rest)
        elif instruction == "WORKDIR":
            stage.folder = rest
            (stage.root.folder / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction == "ENV":
            stage.variables |= dict(word.split("=", 1) for word in shlex.split(rest))
        elif instruction == "VOLUME":
            stage.volume = rest
        elif instruction == "USER":
            stage.user = rest
        elif instruction == "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
        elif instruction == "HEALTHCHECK":
            stage.health_check = json.loads(rest[rest.index("[") :])
    return stage


def _copy(context: Path, stages: Mapping[str, Stage], stage: Stage, rest: str) -> None:
    *options, source, target = rest.split()
    where = stage.root.folder / stage.folder.lstrip("/") / target
    if target.startswith("/"):
        where = stage.root.folder / target.lstrip("/")
    if options:
        (name,) = re.findall(r"--from=(\w+)", " ".join(options))
        found = stages[name].root.folder / source.lstrip("/")
        shutil.copytree(found, where, symlinks=True, dirs_exist_ok=True)
        return
    for path in sent(context) if source == "." else [source]:
        goal = where / path if source == "." else where
        goal.parent.mkdir(parents=True, exist_ok=True)
        if (context / path).is_dir():
            shutil.copytree(context / path, goal, dirs_exist_ok=True)
        else:
            shutil.copy(context / path, goal)


def sent(context: Path) -> Sequence[str]:
    """Return what ``.dockerignore`` lets in: it leaves out all, and names what comes back."""
    lines = (context / ".dockerignore").read_text("utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    if patterns[0] != "*":
        raise ValueError(".dockerignore begins with '*': an image holds what it names, and no more")
    return [pattern[1:] for pattern in patterns if pattern.startswith("!")]
