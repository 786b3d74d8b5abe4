"""The same work by the workers of a Dask cluster. Results come back as from a process here."""

from __future__ import annotations

import contextlib
import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from emotiond.exceptions import ServeError, SourceError
from emotiond.streamer.batch import cluster_task
from emotiond.streamer.batch.analyst import Finding, Findings
from emotiond.streamer.batch.cluster_address import ClusterOptions
from emotiond.streamer.batch.cluster_connection import GO_ON, Workers, connect, look, unfit
from emotiond.streamer.batch.content import Seen
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.parcels import Parcels
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.batch.turns import Budget, Turns
from emotiond.streamer.readers.opening import changed, open_to_read, unreadable

_MOST_AT_A_TIME = 256
"""Items under way."""
_FEWEST_TASKS = 16
"""Under way, if there are so many items: a worker that joins has something to do at once."""
_MOST_IN_A_TASK = 8
"""Short items, which are sent together."""
MOST_SHIPPED_BYTES = 2**28
"""Of one shipped recording."""
MOST_SHIPPED_AT_A_TIME_BYTES = 2**29
"""Of all: this process and the scheduler hold them until their results are there."""

_Piece: TypeAlias = "tuple[Item, Seen, bytes | None]"
"""An item, what its file is, and the content of that if it is shipped."""


class Cluster:
    """As a context manager, it connects, looks at the workers, and leaves.

    Args:
        options: where it is; see :func:`checked`.
        settings: what decides the results.
        sha256: of the model.
        depends_on: what results depend on here, from :func:`about`. Each worker has to agree.
        most: items that may be under way, of all that there are.
    """

    def __init__(
        self,
        options: ClusterOptions,
        settings: Settings,
        sha256: str,
        depends_on: Mapping[str, str],
        most: int,
    ) -> None:
        self._options = options
        self.most = min(most, _MOST_AT_A_TIME)
        """How many items are under way at a time."""
        model = settings.model
        if model is not None and Path(model).exists():  # workers have another current folder
            settings = replace(settings, model=str(Path(model).absolute()))
        self._settings = settings
        self._sha256 = sha256
        self._depends_on = depends_on
        self._turns = Turns()
        self._shipments = Budget(MOST_SHIPPED_AT_A_TIME_BYTES)
        self._numbers = itertools.count()
        self._run = f"emotiond-{uuid.uuid4().hex}"
        self._is_lost = False
        self.line = ""
        """What is sent, to whom, and who could read it, in one line."""

    def __enter__(self) -> Cluster:
        """Connect.

        Raises:
            ConfigError: a package or certificate is missing, or others could listen.
            ServeError: there is no scheduler, no worker, or one that does not agree.
        """
        self._connection = connect(self._options)
        try:
            found = look(self._connection, self._options, self._settings, self._depends_on)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        share = self.most // max(2 * found.threads, _FEWEST_TASKS)
        self._parcels = Parcels(self._send, min(max(1, share), _MOST_IN_A_TASK))
        self.line = _line(self._options, found)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_lost = True
        self._connection.close()

    def hire(self) -> Place:
        """Return a place in the cluster for a thread."""
        return Place(self._analyze)

    def _analyze(self, item: Item, seen: Seen) -> Findings:
        """Analyze an item in the cluster.

        Dask gives up a task when so many workers have ended while they held it, and counts the
        tasks beside the guilty one as well. So each of them is given once more, alone.
        """
        with self._turns.shared():
            found = self._submit(item, seen)
        if found is not None:
            return found
        with self._turns.alone():
            found = self._submit(item, seen)
        if found is not None:
            return found
        raise SourceError(
            f"{item.file}: each worker of the cluster that analyzed it has ended",
            "See the log of the workers, or analyze it here, without --dask",
        )

    def _submit(self, item: Item, seen: Seen) -> Findings | None:
        """Return what a worker finds; None if too many ended."""
        with self._shipment(item, seen) as sound:
            answer = self._parcels.deliver((item, seen, sound), seen.state.size_bytes)
        if answer is None:
            return None
        kind, content = answer
        if kind == cluster_task.REFUSED:
            raise SourceError(*content)
        if kind == cluster_task.UNFIT:
            problem, remedy = content
            raise ServeError(f"a worker of the cluster: {problem}", f"{remedy}; {GO_ON}")
        return tuple(Finding(values, events) for values, events in content)

    def _send(self, pieces: Sequence[_Piece]) -> Sequence[cluster_task.Answer | None]:
        """Have some items analyzed in one task. No answers come if too many workers ended."""
        items = [
            (astuple(replace(item, file=str(Path(item.file).absolute()))), item.file, seen.sha256)
            for item, seen, _ in pieces
        ]
        request = {
            "settings": self._settings.to_json(),
            "sha256": self._sha256,
            "about": self._depends_on,
            "items": items,
        }
        try:
            if self._is_lost:
                raise self._connection.gone(None)
            future = self._connection.client.submit(
                cluster_task.analyze,
                json.dumps(request).encode(),
                *(sound for _, _, sound in pieces),
                key=(self._run, next(self._numbers)),
                pure=False,
            )
            answers: Sequence[cluster_task.Answer] = future.result()
        except self._connection.dask.KilledWorker:
            return [None] * len(pieces)
        except self._connection.losses:
            self._is_lost = True
            raise self._connection.gone(None) from None
        except ServeError:
            raise
        except Exception as error:  # what a worker raises before our code begins there
            raise unfit("a worker of the cluster", error) from None
        if len(answers) != len(pieces):  # it has joined after the look at the workers
            raise ServeError(
                "a worker of the cluster answers as another version does",
                f"Install this version of emotiond there; {GO_ON}",
            )
        return answers

    @contextlib.contextmanager
    def _shipment(self, item: Item, seen: Seen) -> Iterator[bytes | None]:
        """Give the content of a file that is sent. Few are under way: the scheduler holds them."""
        if not self._options.ships:
            yield None
            return
        try:
            with open_to_read(item.file, seen.state) as file:
                size_bytes = seen.state.size_bytes
                if size_bytes > MOST_SHIPPED_BYTES:
                    raise SourceError(
                        f"{item.file}: it is too large for --ship, which sends "
                        f"{MOST_SHIPPED_BYTES // 2**20} MiB at most",
                        "Put it where workers can read it, or analyze it here, without --dask",
                    )
                taken = self._shipments.taken(size_bytes)
                with contextlib.ExitStack() as stack:
                    stack.enter_context(taken)
                    sound = file.read(size_bytes)
                    if len(sound) != size_bytes:
                        raise changed(item.file)
                    held = stack.pop_all()
        except OSError as error:
            raise unreadable(item.file, error) from None
        with held:
            yield sound


def _line(options: ClusterOptions, found: Workers) -> str:
    """Say what is sent, to whom, and who could read it."""
    what = "the recordings, with all voices," if options.ships else "paths of recordings"
    who = (
        "encrypted; whoever has a certificate of the cluster can read them"
        if options.is_encrypted
        else f"not encrypted; whoever reaches {options.address} can read them"
    )
    workers = f"{found.count} worker{'s' * (found.count > 1)}"
    return f"emotiond: sends {what} to {options.address}, for {workers}: {who}."


class Place:
    """A place in a cluster. It is a :class:`Hand`."""

    def __init__(self, analyze: Callable[[Item, Seen], Findings]) -> None:
        self._analyze = analyze

    def analyze(self, item: Item, on_progress: Callable[[float], object], seen: Seen) -> Findings:
        """Analyze an item; progress is told at its end.

        Raises:
            SourceError: the file cannot be read there, or ends the workers that try.
            ServeError: the scheduler is gone, or a worker does not agree.
        """
        findings = self._analyze(item, seen)
        on_progress(sum(finding.values["duration"] for finding in findings))
        return findings

    def close(self) -> None:
        """Nothing belongs to it."""
