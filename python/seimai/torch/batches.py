"""Batches as dictionaries of tensors, out of what the native side fills."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch

from seimai import _core
from seimai.torch.columns import check_labels

COLUMNS = ("input_ids", "labels", "position_ids", "segment_ids")
"""What a batch can hold beside `cu_seqlens`, which is always there."""

_DTYPES = {"uint16": torch.uint16, "int32": torch.int32, "int64": torch.int64}


def check_columns(columns: Iterable[str]) -> list[str]:
    """The chosen columns; unknown names are refused."""
    chosen = list(columns)
    unknown = [name for name in chosen if name not in COLUMNS]
    if unknown:
        raise ValueError(f"columns: {unknown[0]!r} is none of {', '.join(COLUMNS)}")
    return chosen


def dtype_name(dtype: torch.dtype) -> str:
    """int32 or int64."""
    if dtype not in (torch.int32, torch.int64):
        raise ValueError(f"dtype: torch.int64 or torch.int32, not {dtype}")
    return str(dtype).removeprefix("torch.")


def reader(pack: Any, columns: Iterable[str], labels: str, dtype: torch.dtype) -> Any:
    """Reads rows of a pack into columns."""
    check_labels(labels)
    return _core.PackedReader(pack, check_columns(columns), labels, dtype_name(dtype))


def raw_reader(pack: Any) -> Any:
    """Reads rows of a pack as they stand there: what columns are made of on a device."""
    return _core.PackedReader(pack, ["tokens"], "shifted", "int64")


def tensors(batch: Any) -> dict[str, torch.Tensor]:
    """The arrays of a filled batch as tensors over its memory, which comes back to the native side when the last of them is gone."""
    arrays = {}
    for name, dtype, offset, items in batch.arrays:
        if items == 0:
            arrays[name] = torch.zeros(0, dtype=_DTYPES[dtype])
        else:
            arrays[name] = torch.frombuffer(batch, dtype=_DTYPES[dtype], count=items, offset=offset)
    return arrays


class WorkerBatch:
    """A batch in a worker of a DataLoader. What goes to the other process are the tokens as they stand in the pack, a quarter of `input_ids`
    alone; the columns are made there, where it arrives as a dictionary. A worker that wants them has them by name, too."""

    def __init__(
        self, batch: Any, sequence_length: int, columns: Sequence[str], labels: str, dtype: torch.dtype, consumed: int | None = None
    ) -> None:
        view, arrays = memoryview(batch), {name: (kind, start, items) for name, kind, start, items in batch.arrays}
        size = {"uint16": 2, "int32": 4, "int64": 8}
        raw = []
        for name in ("tokens", "row_ptr", "piece_end", "rows"):
            kind, start, items = arrays[name]
            raw.append(bytes(view[start : start + items * size[kind]]))
        self.consumed = consumed
        self._of = (sequence_length, arrays["tokens"][0], tuple(columns), labels, dtype_name(dtype), *raw, self.consumed)

    def __reduce__(self) -> tuple[Any, ...]:
        return expanded, self._of

    @functools.cached_property
    def _columns(self) -> dict[str, Any]:
        return expanded(*self._of)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def keys(self) -> Iterable[str]:
        return self._columns.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        return self._columns.items()


@functools.lru_cache(maxsize=8)
def _expander(sequence_length: int, token_dtype: str, columns: tuple[str, ...], labels: str, dtype: str) -> Any:
    return _core.RawExpander(sequence_length, token_dtype, columns, labels, dtype)


def expanded(
    sequence_length: int,
    token_dtype: str,
    columns: tuple[str, ...],
    labels: str,
    dtype: str,
    tokens: bytes,
    row_ptr: bytes,
    piece_end: bytes,
    rows: bytes,
    consumed: int | None,
) -> dict[str, Any]:
    """What a `WorkerBatch` is in the process that it was sent to."""
    batch = _expander(sequence_length, token_dtype, columns, labels, dtype).expand(tokens, row_ptr, piece_end, rows)
    return columns_of(batch, sequence_length) | ({} if consumed is None else {"consumed": consumed})


def columns_of(batch: Any, sequence_length: int) -> dict[str, Any]:
    """A filled batch: columns [rows, S], `cu_seqlens` (int32), `max_seqlen` (int), `rows` (of the pack)."""
    arrays: dict[str, Any] = tensors(batch)
    for name, array in arrays.items():
        if name not in ("cu_seqlens", "rows"):
            arrays[name] = array.view(-1, sequence_length)
    arrays["max_seqlen"] = batch.max_seqlen
    return arrays


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Joins items of a `PackDataset` (single rows, or batches) into one batch: `collate_fn` for a DataLoader that groups them itself."""
    if not rows:
        raise ValueError("collate: there is no row")
    batch: dict[str, Any] = {}
    for name in rows[0]:
        if name == "max_seqlen":
            batch[name] = max(row[name] for row in rows)
        elif name == "cu_seqlens":
            # Each begins with 0 and ends with its number of tokens.
            ends, start = [torch.zeros(1, dtype=torch.int32)], 0
            for row in rows:
                ends.append(row[name][1:] + start)
                start += int(row[name][-1])
            batch[name] = torch.cat(ends)
        else:
            batch[name] = torch.cat([row[name] for row in rows])
    return batch
