"""Packed batches out of ragged rows, on the device where those lie: rows of packs, or documents of token shards.

On a GPU with Triton one kernel makes all columns in one pass; elsewhere the same is done in plain torch.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import torch

from seimai import _core
from seimai.torch import columns

Columns = dict[str, torch.Tensor]


@functools.cache
def _has_triton() -> bool:
    try:
        import triton  # noqa: F401
    except ImportError:
        return False
    return True


def _fits(name: str, tensor: torch.Tensor, dimensions: int, dtypes: Sequence[torch.dtype], device: torch.device) -> None:
    if tensor.dim() != dimensions or tensor.dtype not in dtypes or tensor.device != device or not tensor.is_contiguous():
        wanted = " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
        raise ValueError(
            f"{name}: a contiguous {wanted} tensor of {dimensions} dimension(s) on {device} is needed, "
            f"not {str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)} on {tensor.device}"
        )


def _small(rows: int, sequence_length: int) -> None:
    if rows * sequence_length >= 1 << 31:
        raise ValueError(f"a batch of {rows} rows of {sequence_length} tokens is too large: cu_seqlens is int32")


def expand_rows(
    tokens: torch.Tensor,
    piece_end: torch.Tensor,
    row_ptr: torch.Tensor,
    *,
    labels: str = "shifted",
    dtype: torch.dtype = torch.int64,
    max_pieces: int | None = None,
) -> Columns:
    """`input_ids`, `labels`, `position_ids` (of `dtype`) and `segment_ids` (int32), each [rows, S], of rows of a pack.

    `tokens` is uint16 or int32 [rows, S]; `row_ptr`, int32 [rows + 1], says which of `piece_end`, int32 or uint16, are the ends of the
    pieces of each row, as a pack has them. No row has more than `max_pieces` pieces; without it, a kernel looks longer. The content of
    the three is not checked: on a GPU that would have to wait for it."""
    columns.check_labels(labels)
    device = tokens.device
    _fits("tokens", tokens, 2, (torch.uint16, torch.int32), device)
    _fits("piece_end", piece_end, 1, (torch.int32, torch.uint16), device)
    _fits("row_ptr", row_ptr, 1, (torch.int32,), device)
    rows, sequence_length = tokens.shape
    if row_ptr.numel() != rows + 1:
        raise ValueError(f"row_ptr: {rows} rows need {rows + 1} entries, not {row_ptr.numel()}")
    _small(rows, sequence_length)
    if tokens.numel() > 0 and tokens.is_cuda and _has_triton():
        from seimai.torch import kernels

        return kernels.expand_rows(tokens, piece_end, row_ptr, piece_end.numel() if max_pieces is None else max_pieces, labels, dtype)
    return columns.expand_rows(tokens, piece_end, row_ptr, labels, dtype)


@dataclasses.dataclass(frozen=True, eq=False)
class RowPlan:
    """Which piece of which document stands where: what a pack's index holds, for documents that are in memory.

    Row r has the pieces row_ptr[r] … row_ptr[r + 1] − 1; piece p ends behind column piece_end[p] − 1 and begins with token
    piece_offset[p] of document piece_document[p]; a document's last token is the EOS, which the documents themselves do not hold."""

    sequence_length: int
    row_ptr: torch.Tensor
    piece_end: torch.Tensor
    piece_document: torch.Tensor
    piece_offset: torch.Tensor
    cu_seqlens: torch.Tensor
    """int32, on the CPU: cumulative lengths of the segments of all rows, PAD of a row being one."""
    max_seqlen: int
    """Of the longest segment."""
    max_pieces: int
    """Of the row that has most."""

    def __len__(self) -> int:
        return self.row_ptr.numel() - 1

    def rows(self, rows: Sequence[int] | slice) -> RowPlan:
        """The plan of some of the rows. Only before `to`: the plan has to lie on the CPU."""
        row_ptr = self.row_ptr.to(torch.int64)
        chosen = torch.arange(len(self))[rows] if isinstance(rows, slice) else torch.arange(len(self))[torch.tensor(list(rows), dtype=torch.int64)]
        first, counts = row_ptr[:-1][chosen], row_ptr.diff()[chosen]
        after = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
        pieces = torch.arange(int(after[-1])) + torch.repeat_interleave(first - after[:-1], counts)
        return _plan(self.sequence_length, after, self.piece_end[pieces], self.piece_document[pieces], self.piece_offset[pieces])

    def to(self, device: torch.device | str, non_blocking: bool = False) -> RowPlan:
        """The plan with what a kernel reads on another device; `cu_seqlens` stays."""
        names = ("row_ptr", "piece_end", "piece_document", "piece_offset")
        moved = {name: getattr(self, name).to(device, non_blocking=non_blocking) for name in names}
        return dataclasses.replace(self, **moved)


def _plan(
    sequence_length: int, row_ptr: torch.Tensor, piece_end: torch.Tensor, piece_document: torch.Tensor, piece_offset: torch.Tensor
) -> RowPlan:
    rows = row_ptr.numel() - 1
    _small(rows, sequence_length)
    counts = row_ptr.diff()
    row = torch.repeat_interleave(torch.arange(rows), counts)
    around = torch.nn.functional.pad(piece_end.to(torch.int64), (1, 0))
    padded = torch.where(counts > 0, around[row_ptr[1:]], 0) < sequence_length
    pads_before = torch.nn.functional.pad(padded.cumsum(0), (1, 0))
    cumulative = torch.zeros(piece_end.numel() + int(padded.sum()) + 1, dtype=torch.int32)
    cumulative[torch.arange(piece_end.numel()) + pads_before[row] + 1] = (piece_end + row * sequence_length).to(torch.int32)
    cumulative[(row_ptr[1:] + pads_before[1:])[padded]] = ((torch.arange(rows) + 1) * sequence_length).to(torch.int32)[padded]
    return RowPlan(
        sequence_length,
        row_ptr.to(torch.int32),
        piece_end.to(torch.int32),
        piece_document.to(torch.int32),
        piece_offset.to(torch.int32),
        cumulative,
        int(cumulative.diff().max()) if rows else 0,
        int(counts.max()) if rows else 0,
    )


def plan_rows(lengths: Sequence[int] | torch.Tensor, sequence_length: int) -> RowPlan:
    """Packs documents of so many tokens, each followed by one EOS, into rows by exact best-fit decreasing, as packs are made: a document
    is cut only where it is longer than a row, and one without tokens has no piece."""
    lengths = torch.as_tensor(lengths, dtype=torch.int64, device="cpu")
    row_ptr, *pieces = _core.plan_rows(lengths.tolist(), sequence_length)
    end, document, offset = (torch.frombuffer(bytearray(piece), dtype=torch.int32) if piece else torch.zeros(0, dtype=torch.int32) for piece in pieces)
    return _plan(sequence_length, torch.frombuffer(bytearray(row_ptr), dtype=torch.int32).to(torch.int64), end, document, offset)


def expand_documents(
    values: torch.Tensor,
    offsets: torch.Tensor,
    plan: RowPlan,
    *,
    eos_id: int,
    pad_id: int,
    labels: str = "shifted",
    dtype: torch.dtype = torch.int64,
) -> Columns:
    """The same columns as `expand_rows`, put together out of ragged documents: document d is values[offsets[d]:offsets[d + 1]], as an
    Arrow list array has them, and `plan`, of their lengths, lies on the device of the documents."""
    columns.check_labels(labels)
    device = values.device
    _fits("values", values, 1, (torch.int32, torch.uint16), device)
    _fits("offsets", offsets, 1, (torch.int32, torch.int64), device)
    _fits("the plan", plan.row_ptr, 1, (torch.int32,), device)
    index = (plan.piece_end, plan.row_ptr, plan.piece_document, plan.piece_offset)
    if len(plan) > 0 and values.is_cuda and _has_triton():
        from seimai.torch import kernels

        return kernels.expand_documents(
            values, offsets, *index, plan.max_pieces, plan.sequence_length, eos_id, pad_id, labels, dtype
        )
    return columns.expand_documents(values, offsets, *index, plan.sequence_length, eos_id, pad_id, labels, dtype)
