"""A run on a Ray cluster: one Ray Core task a shard, of one pass after the other.

Files carry everything between tasks: workers see the inputs and the output directory under the same paths, have the same version of this package
and the dictionary. What is finished is on disk, so nothing is lost with a worker, a node or the driver; started again, the same call goes on.

Ray comes with ``pip install 'seimai[ray]'`` and is imported at first use. It opens sockets, which Seimai itself never does.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from . import _core
from ._errors import Error, InputError, Interrupted
from ._plan import Event, Plan, Report, Todo
from ._task import Done, Task, is_tried_again, largest_first, run_shard

__all__ = ["run"]

#: Where no more than this part of a pass is left (or one shard), and none was done for so many seconds, nor for three times as long as the
#: slowest took, what is left is handed out a second time.
_REST = 0.05
_LATE = 20.0
#: Seconds between two looks at the nodes of the cluster.
_LOOK = 2.0
#: Tasks that wait or run, for each that can run: enough to keep all busy, and few enough for any number of shards.
_WINDOW = 3


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
        task = Task(plan, out, _core.__version__, work.fingerprint, uuid.uuid4().hex, cpus_per_task, memory_per_task, patience)
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


@contextlib.contextmanager
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


class _Driver:
    """Knows the cluster: starts tasks, hears of them, and sees nodes come and go."""

    def __init__(self, ray: ModuleType, task: Task, max_retries: int, cpus_per_fold: int, tell: Callable[[Event], object]) -> None:
        self.ray, self.tell, self.cpus_per_fold = ray, tell, cpus_per_fold
        self.threads, self.shared = task.threads, ray.put(task)
        memory = _bytes(task.memory)
        # An error of ours is as it is, wherever it is raised: only what is lost is tried again.
        self.remote = ray.remote(max_retries=max_retries, retry_exceptions=False, memory=memory)(run_shard)
        self.seconds: dict[str, float] = {}
        self.nodes, self.looked = self._alive(), time.monotonic()

    def complete(self, todo: Todo) -> None:
        """Has everything done that a pass lacks, the largest shards first."""
        started, name = time.monotonic(), todo.pass_name
        total = sum(todo.shards.values())
        self.tell({"event": "pass_started", "pass": name, "quantity": "size", "total": total, "shards": todo.missing, "of": todo.total})
        _Pass(self, todo).complete()
        seconds = time.monotonic() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.tell({"event": "pass_finished", "pass": name, "seconds": seconds})

    def start(self, pass_name: str, shard: str, threads: int) -> Any:
        """A task for a shard."""
        return self.remote.options(num_cpus=threads).remote(self.shared, pass_name, shard, threads)

    def slots(self, threads: int) -> int:
        """Tasks of so many threads that can run at once."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)) // threads)

    def outcome(self, reference: Any, name: str, shard: str, attempt: int) -> Done | None:
        """What a task came to; ``None`` if it is to be tried again."""
        try:
            done: Done = self.ray.get(reference)
            return done
        except self.ray.exceptions.RayTaskError as failed:
            cause = failed.cause
            if is_tried_again(cause, attempt):
                self.tell({"event": "note", "note": f"{name}, shard {shard}: {cause}; it is tried again"})
                return None
            if isinstance(cause, BaseException):
                raise cause from None
            raise Error(f"{name}, shard {shard}: {failed}") from failed
        except self.ray.exceptions.RayError as lost:
            error = Error(f"{name}, shard {shard}: its workers were lost too often: {str(lost).splitlines()[0]}")
            error.hint = "what is finished is kept: start the same run again"
            raise error from lost

    def _alive(self) -> dict[str, str]:
        return {node["NodeID"]: f"{node['NodeManagerHostname']} ({node['NodeID'][:8]})" for node in self.ray.nodes() if node["Alive"]}

    def look_at_nodes(self) -> None:
        """Says which nodes were lost, or came."""
        if time.monotonic() - self.looked < _LOOK:
            return
        alive, before = self._alive(), self.nodes
        self.nodes, self.looked = alive, time.monotonic()
        for node in sorted(before.keys() - alive.keys()):
            self.tell({"event": "note", "note": f"node {before[node]} is lost: its shards are done again by others"})
        for node in sorted(alive.keys() - before.keys()):
            self.tell({"event": "note", "note": f"node {alive[node]} has come"})


class _Pass:
    """The shards of one pass, from the first that is handed out to the last that is done."""

    def __init__(self, driver: _Driver, todo: Todo) -> None:
        self.driver, self.name, self.sizes = driver, todo.pass_name, todo.shards
        self.threads = driver.cpus_per_fold if todo.total == 1 else driver.threads
        self.waiting = largest_first(todo.shards)[::-1]
        self.running: dict[Any, str] = {}
        self.attempts: dict[str, int] = {}
        self.done: set[str] = set()
        self.done_size = 0
        self.twice: set[str] = set()
        #: Seconds of the slowest shard so far, and when the last one was done.
        self.slowest, self.last = 0.0, time.monotonic()

    def complete(self) -> None:
        """Hands shards out until all are done."""
        ray = self.driver.ray
        try:
            while len(self.done) < len(self.sizes):
                self._hand_out()
                ready, _ = ray.wait(list(self.running), num_returns=1, timeout=1.0)
                self.driver.look_at_nodes()
                for reference in ready:
                    self._take(reference)
        finally:
            # What is done already by another holds a place that others want; the rest may end by itself.
            for reference, shard in self.running.items():
                ray.cancel(reference, force=shard in self.done)

    def _hand_out(self) -> None:
        slots = self.driver.slots(self.threads)
        while self.waiting and len(self.running) < max(2, _WINDOW * slots):
            shard = self.waiting.pop()
            self.attempts[shard] = self.attempts.get(shard, 0) + 1
            self.running[self.driver.start(self.name, shard, self.threads)] = shard
        # A shard may be done twice, even at once: the files are the same.
        late = time.monotonic() - self.last > max(_LATE, 3 * self.slowest)
        few = len(self.sizes) - len(self.done) <= max(1, _REST * len(self.sizes))
        if late and few and not self.waiting and len(self.running) < slots:
            for shard in sorted(set(self.running.values()) - self.twice):
                self.driver.tell({"event": "note", "note": f"{self.name}, shard {shard} takes long: a second worker begins with it"})
                self.twice.add(shard)
                self.running[self.driver.start(self.name, shard, self.threads)] = shard

    def _take(self, reference: Any) -> None:
        shard = self.running.pop(reference)
        if shard in self.done:
            return
        outcome = self.driver.outcome(reference, self.name, shard, self.attempts[shard])
        if outcome is None:
            self.waiting.append(shard)
            return
        self.done.add(shard)
        self.done_size += self.sizes[shard]
        self.slowest, self.last = max(self.slowest, outcome.seconds), time.monotonic()
        tell = self.driver.tell
        for note in outcome.notes:
            tell({"event": "note", "note": f"{outcome.node}: {note}"})
        tell({"event": "shard_finished", "pass": self.name, "shard": shard, "node": outcome.node, "seconds": outcome.seconds, "did": outcome.did})
        tell({"event": "progress", "pass": self.name, "done": self.done_size, "documents": 0, "bytes": 0})


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
        with contextlib.redirect_stdout(_Remarks()):
            report = run(
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
    if not report.already_done:
        arguments += ["--done-by", f"Ray in {report.wall:.1f} s"]
    return _core.command_line(arguments)


class _Remarks(io.TextIOBase):
    """Takes what Ray writes to standard output, where data goes: the first sentence of each remark, once, on standard error."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def write(self, text: str) -> int:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        for line in re.findall(r"^\((?:raylet|autoscaler)[^)]*\) (.+)", plain, re.M):
            remark = line.split(". ")[0][:200]
            # Ids and counts differ from one to the next.
            kind = re.sub(r"[0-9a-f]{8,}|\d+", "", remark)
            if kind not in self._said:
                self._said.add(kind)
                sys.stderr.write(f"Ray says: {remark}\n")
        return len(text)


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
