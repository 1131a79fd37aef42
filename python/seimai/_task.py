"""What an engine sends to a worker: one shard of a pass of a run that many processes share. Nothing here knows which engine it is."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import _core
from ._errors import FingerprintMismatch, StorageError
from ._plan import Plan, Work

#: How often a shard is tried that fails for storage that does not answer as it should, or shows files late.
ATTEMPTS = 3


@dataclass(frozen=True)
class Task:
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
class Done:
    """What a task tells: nothing of the data."""

    did: bool
    node: str
    seconds: float
    notes: list[str] = field(default_factory=list)


#: The run that this worker process works on: what it has seen to be complete it need not look at again.
_joined: dict[str, Work] = {}


def run_shard(task: Task, pass_name: str, shard: str, threads: int) -> Done:
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
    return Done(did, socket.gethostname(), time.monotonic() - started, [note for note in notes if not note.startswith("resuming")])


def is_tried_again(error: BaseException, attempt: int) -> bool:
    """Full disks and quotas end with 4; other faults of storage may be a network file system that was away, or shows new files late."""
    return isinstance(error, StorageError) and error.exit_code == 1 and attempt < ATTEMPTS


def largest_first(shards: dict[str, int]) -> list[str]:
    """Shards in the order in which they are handed out: the longest does not begin last."""
    return sorted(shards, key=lambda shard: (-shards[shard], shard))

