"""A batch out of ragged rows, in plain torch: the reference of the kernels, and what runs where they cannot.

What follows from the ends of a row's pieces stands in docs/formats/pack.md, under *Reading*.
"""

from __future__ import annotations

import torch

IGNORED = -100
"""The label of a token that is not to be predicted."""

LABELS = ("shifted", "unshifted")


def check_labels(labels: str) -> None:
    """Refuses a rule for labels that does not exist."""
    if labels not in LABELS:
        raise ValueError(f"labels: {labels!r} is neither 'shifted' (a loss of your own) nor 'unshifted' (a model that shifts by itself)")


def find_pieces(piece_end: torch.Tensor, row_ptr: torch.Tensor, sequence_length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For each column of each row: index of its piece, its start, its end; where there is none (PAD), the index is that of the next
    row's first piece, the start that of the PAD, and the end 0."""
    rows = row_ptr.numel() - 1
    ends, row_ptr = piece_end.to(torch.int64), row_ptr.to(torch.int64)
    first, after = row_ptr[:-1, None], row_ptr[1:, None]
    row = torch.repeat_interleave(torch.arange(rows, device=ends.device), row_ptr.diff(), output_size=ends.numel())
    # Over the flattened batch ends rise strictly, since no piece leaves its row.
    column = torch.arange(rows * sequence_length, device=ends.device)
    piece = torch.searchsorted(ends + row * sequence_length, column, right=True).view(rows, sequence_length)
    around = torch.nn.functional.pad(ends, (1, 1))
    start = torch.where(piece > first, around[piece], 0)
    end = torch.where(piece < after, around[piece + 1], 0)
    return piece, start, end


def expand_rows(tokens: torch.Tensor, piece_end: torch.Tensor, row_ptr: torch.Tensor, labels: str, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Columns of rows of a pack."""
    piece, start, end = find_pieces(piece_end, row_ptr, tokens.shape[1])
    return _columns(tokens.to(dtype), piece, start, end, row_ptr, labels)


def expand_documents(
    values: torch.Tensor,
    offsets: torch.Tensor,
    piece_end: torch.Tensor,
    row_ptr: torch.Tensor,
    piece_document: torch.Tensor,
    piece_offset: torch.Tensor,
    sequence_length: int,
    eos_id: int,
    pad_id: int,
    labels: str,
    dtype: torch.dtype,
) -> dict[str, torch.Tensor]:
    """Columns of rows that are put together out of ragged documents."""
    piece, start, end = find_pieces(piece_end, row_ptr, sequence_length)
    inside = end > 0
    column = torch.arange(sequence_length, device=values.device)
    # An index behind the last piece stands for PAD; what is looked up there is not used.
    document = torch.nn.functional.pad(piece_document.to(torch.int64), (0, 1))[piece]
    offset = torch.nn.functional.pad(piece_offset.to(torch.int64), (0, 1))[piece] + column - start
    begin = offsets.to(torch.int64)
    length = begin.diff()[document] if begin.numel() > 1 else torch.zeros_like(document)
    known = inside & (offset < length)
    index = torch.where(known, begin[document] + offset, 0)
    ids = torch.nn.functional.pad(values, (0, 1))[index].to(dtype)
    ids = torch.where(known, ids, torch.where(inside, eos_id, pad_id).to(dtype))
    return _columns(ids, piece, start, end, row_ptr, labels)


def _columns(
    ids: torch.Tensor, piece: torch.Tensor, start: torch.Tensor, end: torch.Tensor, row_ptr: torch.Tensor, labels: str
) -> dict[str, torch.Tensor]:
    column = torch.arange(ids.shape[1], device=ids.device)
    inside = end > 0
    if labels == "shifted":
        label, has_label = ids.roll(-1, 1), column + 1 < end
    else:
        label, has_label = ids, inside & (column > start)
    first = row_ptr[:-1, None].to(torch.int64)
    return {
        "input_ids": ids,
        "labels": torch.where(has_label, label, IGNORED),
        "position_ids": (column - start).to(ids.dtype),
        "segment_ids": torch.where(inside, piece - first + 1, 0).to(torch.int32),
    }
