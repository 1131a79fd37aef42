"""Duplicates among rows."""

from __future__ import annotations

import os
import sys
from typing import Any

from . import _core
from ._options import fragment


def dedup(
    data: Any,
    *,
    exact: bool = True,
    near: float | bool = 0.8,
    keep: str = "first",
    threads: int | None = None,
    memory: int = 1 << 30,
    normalize: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Which rows repeat others: a row for each row of ``data``, in their order, as ``seimai dedup`` finds them in files.

    ``data`` is Arrow data of any library with a column ``text``, or an iterable of ``str``. The columns of the result are ``kept`` (does it
    stay?), ``duplicate_of`` (if not, the number of the row that stays, from 0), ``kind`` (``exact``, ``near``), ``jaccard`` (their similarity,
    computed exactly) and ``dup_size`` (of a row that stays, 1 + the rows that it stands for; else 0). So ``table.filter(seimai.dedup(table)["kept"])``
    is the table without duplicates. A pyarrow Table or RecordBatch gives a pyarrow RecordBatch, anything else a :class:`seimai.Batch`.

    ``near`` is the least Jaccard similarity of character 5-grams, or ``False``; ``keep`` says which row stays: ``"first"``, ``"longest"`` or by
    ``"quality"`` the soundest. Further options are keys of ``[dedup]``, ``normalize`` those of ``[normalize]``. ``memory`` is in bytes, besides the
    rows; what is more goes to a temporary directory. Missing and empty texts are no duplicates.
    """
    plan = fragment(dedup={"exact": exact, "near": near, "keep": keep, **options}, normalize=normalize or {})
    found = _core.dedup(data, plan, threads or len(os.sched_getaffinity(0)), memory)
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(data, (pyarrow.RecordBatch, pyarrow.Table)):
        return pyarrow.record_batch(found)
    return found
