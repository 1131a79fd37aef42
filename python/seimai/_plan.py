"""Plans, and runs of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _core
from ._options import settings
from ._stages import Stage

#: What ``on_event`` is called with: ``event`` is pass_started, progress, pass_finished or note.
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What a finished run tells."""

    #: The output directory.
    out: Path
    #: The manifest of the output (docs/formats/run.md).
    manifest: dict[str, Any]
    #: Seconds of each pass in this attempt; passes that were finished before are missing.
    seconds: dict[str, float]
    #: Wall-clock seconds of this attempt.
    wall: float
    #: The run had finished before: nothing was done.
    already_done: bool

    @property
    def totals(self) -> dict[str, int]:
        """Documents read, kept, rejected and quarantined, tokens, bytes."""
        return dict(self.manifest["totals"])

    @property
    def exit_code(self) -> int:
        """What ``seimai run`` would end with: 3 if some records could not be read, else 0."""
        return 3 if self.manifest["totals"]["quarantined"] else 0


@dataclass(frozen=True, slots=True)
class Todo:
    """The first pass of a run that is not complete."""

    #: Its name: frame, annotate, judge, dedup, …
    pass_name: str
    #: The shards that are missing: what each is called, and how much of the pass it is.
    shards: dict[str, int]
    #: Shards of the pass, those that are done among them.
    total: int

    @property
    def missing(self) -> int:
        """How many shards are missing."""
        return len(self.shards)


class Work:
    """One of several processes that work on a run, on any machines that see its directory.

    Nothing is agreed on between them: a shard that two have done is the same file twice, and ``run_shard`` may be called anywhere, in any
    order, as often as one likes. What a process has seen to be complete it does not look at again.
    """

    __slots__ = ("_core", "_on_event", "_out")

    def __init__(self, core: _core.Joint, out: Path, on_event: Callable[[Event], object] | None) -> None:
        self._core, self._out, self._on_event = core, out, on_event

    @property
    def fingerprint(self) -> str:
        """That of the plan (:attr:`Plan.fingerprint`); empty for a run that had finished."""
        return self._core.fingerprint

    def todo(self) -> Todo | None:
        """The first pass that is not complete and what it lacks; ``None`` when only :meth:`finish` is left."""
        lacking = self._core.look(on_event=self._on_event)
        return None if lacking is None else Todo(lacking[0], dict(lacking[1]), lacking[2])

    def run_shard(self, pass_name: str, shard: str) -> bool:
        """Works on a shard of a pass and commits it; ``False`` if that was done before. All passes in front of it are complete."""
        return self._core.run_unit(pass_name, shard, on_event=self._on_event)

    def finish(self) -> Report:
        """Writes the manifest and ``_SUCCESS``, once no pass lacks anything, and leaves."""
        return Report(out=self._out, **json.loads(self._core.finish(on_event=self._on_event)))

    def close(self) -> None:
        """Leaves the run as far as it has come. Others, and later calls, go on with it."""
        self._core.leave()

    def __enter__(self) -> Work:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<seimai.Work {self._out}>"


class Plan:
    """What a run shall do, checked whole. Immutable; can be pickled."""

    __slots__ = ("_core",)

    def __init__(self, core: _core.Plan) -> None:
        self._core = core

    @classmethod
    def from_toml(cls, text: str, *, base: str | os.PathLike[str] | None = None, name: str = "plan") -> Plan:
        """From TOML; relative paths in it start at ``base`` (the current directory), ``name`` stands for the file in messages."""
        return cls(_core.Plan(text, [], os.fspath(base) if base is not None else os.getcwd(), name))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Plan:
        """From a plan file; relative paths in it start at its directory."""
        return cls(_core.Plan.read(path, []))

    def set(self, changes: Mapping[str, Any] | None = None, /, **keys: Any) -> Plan:
        """Another plan, with some keys changed: ``plan.set({"tokenizer.vocab_size": 8000})``, ``plan.set(quality={"preset": "legal"})``."""
        changes = {**(changes or {}), **_dotted(keys)}
        core = self._core
        return Plan(_core.Plan(core.text, [*core.settings, *settings(changes)], core.base, core.file))

    @property
    def fingerprint(self) -> str:
        """Hash of everything but the inputs that the output depends on: settings, dictionary, versions."""
        return self._core.fingerprint()

    def to_toml(self) -> str:
        """Every key with its value."""
        return self._core.to_toml()

    def explain(self) -> str:
        """Every threshold with its reason, the policies, and what becomes of personal data."""
        return self._core.explain()

    def check(self) -> list[tuple[str, int]]:
        """Checks everything without working: inputs, dictionary, stages. Gives the inputs and their sizes in bytes."""
        return self._core.check()

    def stage(self, name: str) -> Stage:
        """A stage with the settings of this plan."""
        return Stage(_core.Stage(name, self._core.to_toml(), self._core.base))

    def run(
        self,
        out: str | os.PathLike[str] = "out",
        *,
        threads: int | None = None,
        memory: str | int | None = None,
        fresh: bool = False,
        store_limit: str | int | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> Report:
        """What ``seimai run`` does: the whole way, resumed by itself, with the same bytes.

        ``on_event`` is called on this thread, now and then; if it raises, the run stops. Ctrl-C raises KeyboardInterrupt. Either way the
        same call goes on where it stopped.
        """
        threads = _threads(threads)
        said = self._core.run(
            out, threads=threads, memory=_size(memory), fresh=fresh, store_limit=_size(store_limit), on_event=on_event
        )
        return Report(out=Path(out), **json.loads(said))

    def work(
        self,
        out: str | os.PathLike[str] = "out",
        *,
        threads: int | None = 1,
        memory: str | int | None = None,
        store_limit: str | int | None = None,
        patience: float = 5.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> Work:
        """Begins a run as one of several processes, or joins those that work on it; see :class:`Work`.

        ``patience``: seconds for which it looks again for what others have finished; network file systems show new files late.
        """
        core = _core.Joint(
            self._core,
            out,
            threads=_threads(threads),
            memory=_size(memory),
            fresh=False,
            store_limit=_size(store_limit),
            patience=patience,
            on_event=on_event,
        )
        return Work(core, Path(out), on_event)

    def run_shard(self, pass_name: str, shard: str, out: str | os.PathLike[str] = "out", **how: Any) -> bool:
        """:meth:`Work.run_shard` for one shard; who works on several calls :meth:`work` once."""
        with self.work(out, **how) as work:
            return work.run_shard(pass_name, shard)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and (self.to_toml(), self._core.base) == (other.to_toml(), other._core.base)

    def __hash__(self) -> int:
        return hash(self.to_toml())

    def __repr__(self) -> str:
        return f"<seimai.Plan {self._core.file}>"

    def __reduce__(self) -> tuple[Any, ...]:
        core = self._core
        return (_restored, (core.text, core.settings, core.base, core.file))


def _restored(text: str, changes: list[str], base: Path, file: Path) -> Plan:
    return Plan(_core.Plan(text, changes, base, file))


def _dotted(keys: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in keys.items():
        found.update(_dotted(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value})
    return found


def _threads(threads: int | None) -> int:
    """As many as the cores that this process may use, unless said otherwise."""
    if threads is None:
        return len(os.sched_getaffinity(0))
    if threads < 1:
        raise ValueError(f"threads={threads}: at least one is needed")
    return threads


def _size(size: str | int | None) -> str | None:
    return None if size is None else str(size)


def run(
    plan: Plan | str | os.PathLike[str],
    out: str | os.PathLike[str] = "out",
    *,
    set: Mapping[str, Any] | None = None,
    threads: int | None = None,
    memory: str | int | None = None,
    fresh: bool = False,
    store_limit: str | int | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Report:
    """Runs a plan, or a plan file, with some keys changed; see :meth:`Plan.run`."""
    plan = plan if isinstance(plan, Plan) else Plan.from_file(plan)
    plan = plan.set(set) if set else plan
    return plan.run(out, threads=threads, memory=memory, fresh=fresh, store_limit=store_limit, on_event=on_event)
