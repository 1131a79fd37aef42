"""The same as columns.py in one pass on a GPU: Triton kernels. Imported where Triton is and something runs on a GPU.

One program writes BLOCK columns of a row; each looks its piece up among the ends of the row's pieces by bisection. Every element of
the outputs is written once, by one program: no atomics, no barriers.
"""

# mypy: ignore-errors

import torch
import triton
import triton.language as tl

BLOCK = 512
WARPS = 4


@triton.jit
def _find_piece(piece_end, first, after, column, steps):
    """The first piece of first..after that ends behind the column, or `after`."""
    low = tl.zeros_like(column) + first
    high = tl.zeros_like(column) + after
    for _ in range(steps):
        open_ = low < high
        middle = low + (high - low) // 2
        ends_before = tl.load(piece_end + middle, mask=open_, other=0).to(tl.int32) <= column
        low = tl.where(open_ & ends_before, middle + 1, low)
        high = tl.where(open_ & (ends_before == 0), middle, high)
    return low


@triton.jit
def _place(piece_end, first, after, column, inside_row, steps):
    """The piece of each column; is it one, or PAD; where it starts and ends."""
    piece = _find_piece(piece_end, first, after, column, steps)
    inside = inside_row & (piece < after)
    start = tl.load(piece_end + piece - 1, mask=inside_row & (piece > first), other=0).to(tl.int32)
    end = tl.load(piece_end + piece, mask=inside, other=0).to(tl.int32)
    return piece, inside, start, end


@triton.jit
def _store(at, inside_row, ids, label, has_label, position, segment, input_ids, labels, position_ids, segment_ids):
    tl.store(input_ids + at, ids.to(input_ids.dtype.element_ty), mask=inside_row)
    tl.store(labels + at, tl.where(has_label, label, -100).to(labels.dtype.element_ty), mask=inside_row)
    tl.store(position_ids + at, position.to(position_ids.dtype.element_ty), mask=inside_row)
    tl.store(segment_ids + at, segment.to(segment_ids.dtype.element_ty), mask=inside_row)


@triton.jit(do_not_specialize=["steps"])
def rows_kernel(
    tokens, piece_end, row_ptr, input_ids, labels, position_ids, segment_ids, sequence_length, steps,
    SHIFTED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Columns of rows of a pack: tokens rows × S, ends of pieces, first piece of each row."""
    row = tl.program_id(0)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside_row = column < sequence_length
    first = tl.load(row_ptr + row)
    after = tl.load(row_ptr + row + 1)
    piece, inside, start, end = _place(piece_end, first, after, column, inside_row, steps)
    at = row.to(tl.int64) * sequence_length + column
    ids = tl.load(tokens + at, mask=inside_row, other=0).to(tl.int32)
    if SHIFTED:
        has_label = column + 1 < end
        label = tl.load(tokens + at + 1, mask=inside_row & has_label, other=0).to(tl.int32)
    else:
        has_label = inside & (column > start)
        label = ids
    segment = tl.where(inside, piece - first + 1, 0)
    _store(at, inside_row, ids, label, has_label, column - start, segment, input_ids, labels, position_ids, segment_ids)


@triton.jit
def _document_token(values, begin, length, offset, inside, eos_id, pad_id):
    """A token of a document; behind its last one the EOS, outside of it PAD."""
    known = inside & (offset < length)
    token = tl.load(values + begin + offset, mask=known, other=0).to(tl.int32)
    return tl.where(known, token, tl.where(inside, eos_id, pad_id))


@triton.jit(do_not_specialize=["steps", "eos_id", "pad_id"])
def documents_kernel(
    values, offsets, piece_end, row_ptr, piece_document, piece_offset, input_ids, labels, position_ids, segment_ids,
    sequence_length, steps, eos_id, pad_id, SHIFTED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Columns of rows that are put together out of ragged documents: flat values, offsets as Arrow has them, and for each piece its
    document and its first token in it."""
    row = tl.program_id(0)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside_row = column < sequence_length
    first = tl.load(row_ptr + row)
    after = tl.load(row_ptr + row + 1)
    piece, inside, start, end = _place(piece_end, first, after, column, inside_row, steps)
    document = tl.load(piece_document + piece, mask=inside, other=0)
    begin = tl.load(offsets + document, mask=inside, other=0).to(tl.int64)
    length = tl.load(offsets + document + 1, mask=inside, other=0).to(tl.int64) - begin
    offset = tl.load(piece_offset + piece, mask=inside, other=0).to(tl.int64) + (column - start)
    ids = _document_token(values, begin, length, offset, inside, eos_id, pad_id)
    if SHIFTED:
        has_label = column + 1 < end
        label = _document_token(values, begin, length, offset + 1, inside & has_label, eos_id, pad_id)
    else:
        has_label = inside & (column > start)
        label = ids
    at = row.to(tl.int64) * sequence_length + column
    segment = tl.where(inside, piece - first + 1, 0)
    _store(at, inside_row, ids, label, has_label, column - start, segment, input_ids, labels, position_ids, segment_ids)


def _outputs(rows, sequence_length, dtype, device):
    names = {"input_ids": dtype, "labels": dtype, "position_ids": dtype, "segment_ids": torch.int32}
    return {name: torch.empty((rows, sequence_length), dtype=dtype, device=device) for name, dtype in names.items()}


def _grid(rows, sequence_length):
    return rows, triton.cdiv(sequence_length, BLOCK)


def expand_rows(tokens, piece_end, row_ptr, max_pieces, labels, dtype):
    """As in columns.py; no row has more pieces than `max_pieces`."""
    rows, sequence_length = tokens.shape
    out = _outputs(rows, sequence_length, dtype, tokens.device)
    rows_kernel[_grid(rows, sequence_length)](
        tokens, piece_end, row_ptr, *out.values(), sequence_length, max_pieces.bit_length(),
        SHIFTED=labels == "shifted", BLOCK=BLOCK, num_warps=WARPS,
    )  # fmt: skip
    return out


def expand_documents(
    values, offsets, piece_end, row_ptr, piece_document, piece_offset, max_pieces, sequence_length, eos_id, pad_id, labels, dtype
):
    """As in columns.py; no row has more pieces than `max_pieces`."""
    rows = row_ptr.numel() - 1
    out = _outputs(rows, sequence_length, dtype, values.device)
    documents_kernel[_grid(rows, sequence_length)](
        values, offsets, piece_end, row_ptr, piece_document, piece_offset, *out.values(), sequence_length, max_pieces.bit_length(),
        eos_id, pad_id, SHIFTED=labels == "shifted", BLOCK=BLOCK, num_warps=WARPS,
    )  # fmt: skip
    return out
