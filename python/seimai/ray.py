"""A run on a Ray cluster: one Ray Core task a shard, of one pass after the other.

Files carry everything between tasks: workers see the inputs and the output directory under the same paths, have the same version of this package
and the dictionary. What is finished is on disk, so nothing is lost with a worker, a node or the driver; started again, the same call goes on.

Ray comes with ``pip install 'seimai[ray]'`` and is imported at first use. It opens sockets, which Seimai itself never does.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from . import _core
from ._errors import Error, FingerprintMismatch, InputError, Interrupted, StorageError
from ._plan import Event, Plan, Report, Todo, Work

__all__ = ["run"]

#: Tasks that wait or run, for each that can run: enough to keep all busy, and few enough for any number of shards.
_WINDOW = 3
#: How often a shard is tried that fails for storage that does not answer as it should, or shows files late.
_ATTEMPTS = 3


def run(
    plan: Plan | str | os.PathLike[str],
    out: str | os.PathLike[str] = "out",
    *,
    address: str | None = None,
    cpus_per_task: int = 1,
    memory_per_task: str | int = "2GiB",
    cpus_per_fold: int | None = None,
    max_retries: int = 3,
    store_limit: str | int | None = None,
    patience: float = 5.0,
    on_event: Callable[[Event], object] | None = None,
) -> Report:
    """Runs a plan on a Ray cluster, with the bytes of ``plan.run(out)``.

    ``address`` is that of a cluster, or ``"auto"``; without one Ray is started on this machine, and ended again. A task has so many threads
    and so much memory; a fold, which is one task between passes, may have more threads. ``max_retries`` counts lost workers and nodes for
    each shard: an error of Seimai's own is raised as it is, and not tried again.

    ``on_event`` hears of passes and of every shard: ``pass_started``, ``shard_finished`` (with ``node``, ``seconds``), ``progress``,
    ``pass_finished``, ``note``. If it raises, the run stops; the same call goes on where it stopped.
    """
    plan = plan if isinstance(plan, Plan) else Plan.from_file(plan)
    out = Path(os.path.abspath(out))
    ray = _ray()
    tell = on_event or (lambda _event: None)
    with _cluster(ray, address), plan.work(out, threads=cpus_per_task, store_limit=store_limit, patience=patience, on_event=_notes(tell)) as work:
        task = _Task(plan, out, _core.__version__, work.fingerprint, uuid.uuid4().hex, cpus_per_task, memory_per_task, patience)
        driver = _Driver(ray, task, max_retries, cpus_per_fold or cpus_per_task, tell)
        began = time.monotonic()
        while (todo := work.todo()) is not None:
            driver.complete(todo)
        report = work.finish()
        return Report(report.out, report.manifest, driver.seconds, time.monotonic() - began, report.already_done)


def _notes(tell: Callable[[Event], object]) -> Callable[[Event], object]:
    """What the driver's own process says of passes is said of shards already."""
    return lambda event: tell(event) if event["event"] == "note" else None


def _ray() -> ModuleType:
    # Before Ray is imported: it reads this once.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as missing:
        error = InputError("Ray is not installed")
        error.hint = "pip install 'seimai[ray]'"
        raise error from missing


@contextmanager
def _cluster(ray: ModuleType, address: str | None) -> Iterator[None]:
    """Connects to a cluster, or starts one here; one that is connected already is used and stays."""
    if ray.is_initialized():
        yield
        return
    if address is None:
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    else:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    try:
        yield
    finally:
        ray.shutdown()


@dataclass(frozen=True)
class _Task:
    """What every task of a run has to know."""

    plan: Plan
    out: Path
    version: str
    fingerprint: str
    #: Of this call: a worker that has seen an earlier run in the same directory forgets it.
    call: str
    threads: int
    memory: str | int
    patience: float


@dataclass
class _Done:
    """What a task tells: nothing of the data."""

    did: bool
    node: str
    seconds: float
    notes: list[str] = field(default_factory=list)


#: The run that this worker process works on: what it has seen to be complete it need not look at again.
_joined: dict[str, Work] = {}


def _run_shard(task: _Task, pass_name: str, shard: str, threads: int) -> _Done:
    """In a worker: one shard of a pass."""
    started = time.monotonic()
    if task.version != _core.__version__:
        raise FingerprintMismatch(f"the driver has Seimai {task.version}, the worker on {socket.gethostname()} {_core.__version__}", exit_code=2)
    notes: list[str] = []
    key = f"{task.call} {threads}"
    work = _joined.get(key)
    if work is None:
        for old in _joined.values():
            old.close()
        _joined.clear()
        keep = lambda event: notes.append(str(event["note"])) if event["event"] == "note" else None  # noqa: E731
        work = task.plan.work(task.out, threads=threads, memory=task.memory, patience=task.patience, on_event=keep)
        if work.fingerprint != task.fingerprint:
            message = f"on {socket.gethostname()} plan, dictionary or lists are others than where the run was begun"
            raise FingerprintMismatch(message, exit_code=2)
        # The driver has the run, as long as it lasts.
        work._core.unlock()
        _joined[key] = work
    did = work.run_shard(pass_name, shard)
    return _Done(did, socket.gethostname(), time.monotonic() - started, [note for note in notes if not note.startswith("resuming")])


class _Driver:
    """Hands shards out, and hears of them."""

    def __init__(self, ray: ModuleType, task: _Task, max_retries: int, cpus_per_fold: int, tell: Callable[[Event], object]) -> None:
        self.ray, self.tell, self.cpus_per_fold = ray, tell, cpus_per_fold
        self.threads, self.shared = task.threads, ray.put(task)
        memory = _bytes(task.memory)
        # An error of ours is as it is, wherever it is raised: only what is lost is tried again.
        self.remote = ray.remote(max_retries=max_retries, retry_exceptions=False, memory=memory)(_run_shard)
        self.seconds: dict[str, float] = {}

    def complete(self, todo: Todo) -> None:
        """Has everything done that a pass lacks, the largest shards first."""
        started, name = time.monotonic(), todo.pass_name
        total, done = sum(todo.shards.values()), 0
        self.tell({"event": "pass_started", "pass": name, "quantity": "size", "total": total, "shards": todo.missing, "of": todo.total})
        waiting = sorted(todo.shards, key=lambda shard: (todo.shards[shard], shard))
        threads = self.cpus_per_fold if todo.total == 1 else self.threads
        running: dict[Any, str] = {}
        attempts: dict[str, int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self._window(threads):
                    shard = waiting.pop()
                    attempts[shard] = attempts.get(shard, 0) + 1
                    running[self.remote.options(num_cpus=threads).remote(self.shared, name, shard, threads)] = shard
                ready, _ = self.ray.wait(list(running), num_returns=1, timeout=1.0)
                for reference in ready:
                    shard = running.pop(reference)
                    outcome = self._outcome(reference, name, shard, attempts[shard])
                    if outcome is None:
                        waiting.append(shard)
                        continue
                    for note in outcome.notes:
                        self.tell({"event": "note", "note": f"{outcome.node}: {note}"})
                    done += todo.shards[shard]
                    self.tell(
                        {"event": "shard_finished", "pass": name, "shard": shard, "node": outcome.node, "seconds": outcome.seconds, "did": outcome.did}
                    )
                    self.tell({"event": "progress", "pass": name, "done": done, "documents": 0, "bytes": 0})
        except BaseException:
            for reference in running:
                self.ray.cancel(reference, force=False)
            raise
        seconds = time.monotonic() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.tell({"event": "pass_finished", "pass": name, "seconds": seconds})

    def _window(self, threads: int) -> int:
        slots = int(self.ray.cluster_resources().get("CPU", 1)) // threads
        return max(2, _WINDOW * slots)

    def _outcome(self, reference: Any, name: str, shard: str, attempt: int) -> _Done | None:
        """What a task came to; ``None`` if it is to be tried again."""
        try:
            done: _Done = self.ray.get(reference)
            return done
        except self.ray.exceptions.RayTaskError as failed:
            cause = failed.cause
            # Full disks and quotas end with 4; the rest may be a network file system that was away, or shows new files late.
            if isinstance(cause, StorageError) and cause.exit_code == 1 and attempt < _ATTEMPTS:
                self.tell({"event": "note", "note": f"{name}, shard {shard}: {cause}; it is tried again"})
                return None
            if isinstance(cause, BaseException):
                raise cause from None
            raise Error(f"{name}, shard {shard}: {failed}") from failed
        except self.ray.exceptions.RayError as lost:
            error = Error(f"{name}, shard {shard}: its workers were lost too often: {str(lost).splitlines()[0]}")
            error.hint = "what is finished is kept: start the same run again"
            raise error from lost


def _bytes(size: str | int) -> int:
    return size if isinstance(size, int) else _core.parse_size(size)


def command(request: dict[str, Any]) -> int:
    """``seimai run --engine ray``: the run, and what the command line says at its end."""
    arguments = ["seimai", "run", os.fspath(request["plan"]), "--out", os.fspath(request["out"])]
    arguments += [word for setting in request["settings"] for word in ("--set", setting)]
    arguments += ["--quiet"] if request["quiet"] else ["--progress", "json"] if request["json"] else []
    try:
        if request["fresh"]:
            error = InputError("--fresh: workers share the output directory, and none of them removes it")
            error.hint = "start over with `seimai run --fresh` alone, or remove the directory"
            raise error
        plan = Plan(_core.Plan.read(request["plan"], request["settings"]))
        run(
            plan,
            request["out"],
            address=request["address"],
            cpus_per_task=request["threads"] or 1,
            memory_per_task=request["memory"] or "2GiB",
            store_limit=request["store_limit"],
            on_event=None if request["quiet"] else _json_line if request["json"] else _line,
        )
    except Error as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"error: {Interrupted('interrupted by SIGINT; run the same command again to resume')}\n")
        return 130
    # It is finished: the command line says what it has come to.
    return _core.command_line(arguments)


def _json_line(event: Event) -> None:
    import json

    sys.stderr.write(json.dumps(dict(event), ensure_ascii=False) + "\n")


def _line(event: Event) -> None:
    """A line for each pass and note."""
    if event["event"] == "pass_started":
        sys.stderr.write(f"{event['pass']}: {event['shards']} of {event['of']} shards to do\n")
    elif event["event"] == "pass_finished":
        sys.stderr.write(f"{event['pass']}: done in {event['seconds']:.1f} s\n")
    elif event["event"] == "note":
        sys.stderr.write(f"{event['note']}\n")
