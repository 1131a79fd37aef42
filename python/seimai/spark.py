"""Spark: stages on data frames, and a run whose shards are Spark tasks.

``apply`` puts the columns of stages beside those of a data frame, by ``mapInArrow``. ``run`` is ``seimai.ray.run`` on the cluster that a site has
already: files carry everything, and Spark hands out names of shards.

Spark comes with ``pip install 'seimai[spark]'`` and needs Java; it is imported at first use. It opens sockets, which Seimai itself never does.
"""

from __future__ import annotations

import importlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import _core
from ._errors import Error, InputError
from ._plan import Event, Plan, Report, Todo
from ._stages import Stage
from ._task import ATTEMPTS, Done, Task, is_tried_again, largest_first, run_shard

__all__ = ["apply", "run"]


def apply(frame: Any, *stages: Stage) -> Any:
    """A Spark data frame with the columns of stages, one after the other: ``apply(frame, seimai.stage("keigo"))``.

    The frame has a column ``text``; its other columns are passed on. Spark has no unsigned numbers and no lists of a fixed length: 8 to 32
    bits become the next larger signed number, 64 bits ``bigint``, and lists lists. Values are those of the stage, row for row.
    """
    _pyspark()
    sample = frame.limit(0).toArrow()
    for stage in stages:
        sample = stage(sample)
    schema = frame.sparkSession.createDataFrame(_of_no_rows(_plain_table(sample).schema)).schema
    return frame.mapInArrow(_Apply(stages), schema)


class _Apply:
    """What runs in a Python worker: batches through stages."""

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self.stages = stages

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for batch in batches:
            for stage in self.stages:
                batch = stage(batch)
            yield from _plain_table(pyarrow.Table.from_batches([batch])).to_batches()


def _of_no_rows(schema: Any) -> Any:
    """A table of a schema. Its columns have a chunk each: of none, Spark 4.3 cannot tell the type of a nested one."""
    import pyarrow

    return pyarrow.table([pyarrow.array([], field.type) for field in schema], schema=schema)


def _plain_table(table: Any) -> Any:
    """The table in types that Spark has."""
    import pyarrow

    return table.cast(pyarrow.schema([_plain_field(field) for field in table.schema]))


def _plain_field(field: Any) -> Any:
    # That a column holds no null is dropped: Spark takes batches of a plain schema without a remark on it.
    return field.with_type(_plain_type(field.type)).with_nullable(True).remove_metadata()


def _plain_type(kind: Any) -> Any:
    import pyarrow
    from pyarrow import types

    if types.is_unsigned_integer(kind):
        return {8: pyarrow.int16(), 16: pyarrow.int32()}.get(kind.bit_width, pyarrow.int64())
    if types.is_struct(kind):
        return pyarrow.struct([_plain_field(kind.field(at)) for at in range(kind.num_fields)])
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pyarrow.list_(_plain_field(kind.value_field))
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pyarrow.string()
    return kind


def run(
    plan: Plan | str | os.PathLike[str],
    out: str | os.PathLike[str] = "out",
    *,
    spark: Any = None,
    threads_per_task: int = 1,
    memory_per_task: str | int = "2GiB",
    threads_per_fold: int | None = None,
    store_limit: str | int | None = None,
    patience: float = 5.0,
    on_event: Callable[[Event], object] | None = None,
) -> Report:
    """Runs a plan on a Spark cluster, with the bytes of ``plan.run(out)``.

    ``spark`` is a ``SparkSession`` (the active one, else a new one), with a ``sparkContext``: not one of Spark Connect. A task has so many
    threads and so much memory, to be granted by ``spark.task.cpus`` and ``spark.executor.memoryOverhead``; a fold, which is one task between
    passes, may have more threads. Lost tasks are tried again as ``spark.task.maxFailures`` says. An error of Seimai's own is raised as it is.

    ``on_event`` hears ``pass_started``, ``shard_finished`` (with ``node``, ``seconds``; told when the pass is over), ``pass_finished``, ``note``.
    """
    plan = plan if isinstance(plan, Plan) else Plan.from_file(plan)
    out = Path(os.path.abspath(out))
    context = _context(spark)
    tell = on_event or (lambda _event: None)
    notes = lambda event: tell(event) if event["event"] == "note" else None  # noqa: E731
    with plan.work(out, threads=threads_per_task, store_limit=store_limit, patience=patience, on_event=notes) as work:
        task = Task(plan, out, _core.__version__, work.fingerprint, uuid.uuid4().hex, threads_per_task, memory_per_task, patience)
        seconds: dict[str, float] = {}
        began = time.monotonic()
        while (todo := work.todo()) is not None:
            started = time.monotonic()
            _complete(context, task, todo, threads_per_fold or threads_per_task, tell)
            seconds[todo.pass_name] = seconds.get(todo.pass_name, 0.0) + time.monotonic() - started
        report = work.finish()
        return Report(report.out, report.manifest, seconds, time.monotonic() - began, report.already_done)


class _Shard:
    """What runs in a Python worker: a shard of a pass. What was raised comes back as it is, and Spark does not try it again."""

    def __init__(self, task: Task, pass_name: str, threads: int) -> None:
        self.task, self.pass_name, self.threads = task, pass_name, threads

    def __call__(self, shard: str) -> tuple[str, Done | Error]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return shard, run_shard(self.task, self.pass_name, shard, self.threads)
            except Error as error:
                if not is_tried_again(error, attempt):
                    return shard, error
                time.sleep(attempt)
        raise AssertionError("the last attempt returns")


def _complete(context: Any, task: Task, todo: Todo, threads_of_fold: int, tell: Callable[[Event], object]) -> None:
    """Has everything done that a pass lacks: a Spark task for each shard."""
    started, name = time.monotonic(), todo.pass_name
    shards = largest_first(todo.shards)
    tell({"event": "pass_started", "pass": name, "quantity": "size", "total": sum(todo.shards.values()), "shards": todo.missing, "of": todo.total})
    do = _Shard(task, name, threads_of_fold if todo.total == 1 else task.threads)
    failed = None
    for shard, outcome in context.parallelize(shards, len(shards)).map(do).collect():
        if isinstance(outcome, Error):
            failed = failed or outcome
            continue
        for note in outcome.notes:
            tell({"event": "note", "note": f"{outcome.node}: {note}"})
        tell({"event": "shard_finished", "pass": name, "shard": shard, "node": outcome.node, "seconds": outcome.seconds, "did": outcome.did})
    if failed is not None:
        raise failed
    tell({"event": "pass_finished", "pass": name, "seconds": time.monotonic() - started})


def _pyspark() -> Any:
    try:
        return importlib.import_module("pyspark.sql")
    except ModuleNotFoundError as missing:
        error = InputError("Spark is not installed")
        error.hint = "pip install 'seimai[spark]'"
        raise error from missing


def _context(spark: Any) -> Any:
    session = spark or _pyspark().SparkSession.builder.getOrCreate()
    try:
        return session.sparkContext
    except Exception as missing:  # pyspark raises an error of its own class
        error = InputError("this Spark session has no sparkContext: over Spark Connect no tasks can be handed out")
        error.hint = "give a session of a classic cluster, for instance SparkSession.builder.master('spark://…').getOrCreate()"
        raise error from missing
