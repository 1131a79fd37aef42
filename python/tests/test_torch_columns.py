"""Columns of a batch: the native side, plain torch and the Triton kernels against a loop over columns."""

from __future__ import annotations

import os
import random

import pytest

torch = pytest.importorskip("torch", reason="seimai.torch needs torch")
# Triton runs its kernels in an interpreter where there is no GPU; this has to be said before they are imported.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

import numpy as np  # noqa: E402
import seimai.torch  # noqa: E402
from seimai.torch import columns  # noqa: E402

import torch_packs as packs  # noqa: E402

pytestmark = pytest.mark.torch
NAMES = ("input_ids", "labels", "position_ids", "segment_ids")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture(scope="module")
def kernels():
    pytest.importorskip("triton", reason="the kernels need triton")
    from seimai.torch import kernels

    return kernels


def assert_columns(found, rows, labels, dtype=torch.int64):
    for at, (ends, tokens) in enumerate(rows):
        for name, wanted in packs.wanted_columns(tokens, ends, labels).items():
            assert found[name][at].tolist() == wanted, (name, at, ends[:5])
    assert {name: found[name].dtype for name in NAMES} == dict.fromkeys(NAMES, dtype) | {"segment_ids": torch.int32}


def as_tensors(rows, dtype):
    tokens = torch.from_numpy(np.array([tokens for _, tokens in rows], dtype))
    ends = torch.tensor([end for ends, _ in rows for end in ends], dtype=torch.int32)
    row_ptr = torch.tensor(np.cumsum([0] + [len(ends) for ends, _ in rows]), dtype=torch.int32)
    return tokens.to(DEVICE), ends.to(DEVICE), row_ptr.to(DEVICE)


@pytest.mark.parametrize("labels", ["shifted", "unshifted"])
@pytest.mark.parametrize("dtype", ["uint16", "int32"])
@pytest.mark.parametrize("length", [1, 2, 3, 301, 512])
def test_native_columns(tmp_path, length, dtype, labels):
    rows = packs.hard_rows(length) + packs.some_rows(20, length)
    path = packs.write_pack(tmp_path / "pack", rows, length, dtype=dtype, part_rows=7)
    for ids in (torch.int64, torch.int32):
        dataset = seimai.torch.PackDataset(path, labels=labels, dtype=ids)
        batch = dataset[range(len(dataset))]
        assert_columns(batch, rows, labels, ids)
        assert batch["cu_seqlens"].tolist() == packs.wanted_cu_seqlens(rows, length)
        assert batch["cu_seqlens"].dtype == torch.int32
        assert batch["max_seqlen"] == int(batch["cu_seqlens"].diff().max()) and isinstance(batch["max_seqlen"], int)
        assert batch["rows"].tolist() == list(range(len(rows)))


@pytest.mark.parametrize("labels", ["shifted", "unshifted"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
@pytest.mark.parametrize("length", [1, 2, 1000, 1024, 2050])
def test_rows_in_plain_torch_and_in_the_kernel(kernels, length, dtype, labels):
    rows = packs.hard_rows(length) if length > 2 else packs.hard_rows(length) + packs.some_rows(9, length)
    # A loop over 2,050 columns of every row takes long: the kernel covers all rows, the loop some.
    tensors = as_tensors(rows, dtype)
    most = max(len(ends) for ends, _ in rows)
    reference = columns.expand_rows(*tensors, labels, torch.int64)
    few = [0, 1, 2, 3, 7, 8]
    assert_columns({name: reference[name][few] for name in NAMES}, [rows[i] for i in few], labels)
    for found in (kernels.expand_rows(*tensors, most, labels, torch.int64), seimai.torch.expand_rows(*tensors, labels=labels)):
        for name in NAMES:
            assert torch.equal(found[name], reference[name]), name
            assert found[name].dtype == reference[name].dtype


def test_kernel_of_narrow_columns_and_a_loose_bound_of_pieces(kernels):
    rows = packs.some_rows(5, 70)
    tensors = as_tensors(rows, np.uint16)
    assert_columns(kernels.expand_rows(*tensors, 10_000, "shifted", torch.int32), rows, "shifted", torch.int32)


def no_pieces(rows, length):
    return [([], [packs.PAD] * length)] * rows


@pytest.mark.parametrize("length", [1, 64])
def test_a_batch_of_padding(kernels, length):
    rows = no_pieces(3, length)
    tensors = as_tensors(rows, np.int32)
    assert_columns(kernels.expand_rows(*tensors, 0, "shifted", torch.int64), rows, "shifted")
    assert_columns(columns.expand_rows(*tensors, "unshifted", torch.int64), rows, "unshifted")


def documents_of(lengths, seed=0, slack=5):
    """Flat values with foreign ones around, as a slice of an Arrow array has them, and offsets."""
    draw = random.Random(seed)
    documents = [[draw.choice((packs.PAD, packs.EOS, draw.randrange(60000))) for _ in range(n)] for n in lengths]
    values = [7] * slack + [token for document in documents for token in document] + [9] * slack
    return documents, torch.tensor(values, dtype=torch.int32), torch.tensor(np.cumsum([slack, *lengths]))


def rows_of(documents, plan):
    """The rows that a plan puts together, document by document."""
    rows = []
    for row in range(len(plan)):
        ends, tokens = [], []
        for piece in range(int(plan.row_ptr[row]), int(plan.row_ptr[row + 1])):
            document = documents[int(plan.piece_document[piece])] + [packs.EOS]
            offset, length = int(plan.piece_offset[piece]), int(plan.piece_end[piece]) - len(tokens)
            assert offset + length <= len(document)
            tokens += document[offset : offset + length]
            ends.append(len(tokens))
        rows.append((ends, tokens + [packs.PAD] * (plan.sequence_length - len(tokens))))
    return rows


def hard_lengths(s):
    return [0, 1, s - 2 if s > 1 else 0, s - 1, s, s + 1, 2 * s - 1, 2 * s, 5 * s + 3, 0, *([1] * 300), 0]


@pytest.mark.parametrize("length", [1, 2, 64, 700])
def test_a_plan_packs_every_token_once(length):
    documents, _, _ = documents_of(hard_lengths(length))
    plan = seimai.torch.plan_rows([len(document) for document in documents], length)
    pieces = sorted(
        (int(document), int(offset), int(end) - start)
        for row in range(len(plan))
        for document, offset, end, start in zip(
            *(tensor[plan.row_ptr[row] : plan.row_ptr[row + 1]] for tensor in (plan.piece_document, plan.piece_offset, plan.piece_end)),
            [0, *plan.piece_end[plan.row_ptr[row] : plan.row_ptr[row + 1]].tolist()],
            strict=False,
        )
    )
    for number, document in enumerate(documents):
        mine = [(offset, n) for piece, offset, n in pieces if piece == number]
        assert sum(n for _, n in mine) == (len(document) + 1 if document else 0)
        assert len(mine) == (-(-(len(document) + 1) // length) if document else 0), "cut only where it is longer than a row"
    rows = rows_of(documents, plan)
    assert plan.cu_seqlens.tolist() == packs.wanted_cu_seqlens(rows, length)
    assert plan.max_seqlen == max(plan.cu_seqlens.diff().tolist()) and plan.max_pieces == max(len(ends) for ends, _ in rows)
    some = plan.rows([len(plan) - 1, 0, 1, 0])
    chosen = [rows[i] for i in (-1, 0, 1, 0)]
    assert rows_of(documents, some) == chosen and some.cu_seqlens.tolist() == packs.wanted_cu_seqlens(chosen, length)
    assert rows_of(documents, plan.rows(slice(1, 3))) == rows[1:3]


@pytest.mark.parametrize("labels", ["shifted", "unshifted"])
@pytest.mark.parametrize(("value_type", "offset_type"), [(torch.int32, torch.int32), (torch.int32, torch.int64), (torch.uint16, torch.int32)])
@pytest.mark.parametrize("length", [1, 2, 300, 1025])
def test_documents_in_plain_torch_and_in_the_kernel(kernels, length, value_type, offset_type, labels):
    documents, values, offsets = documents_of(hard_lengths(length))
    plan = seimai.torch.plan_rows([len(document) for document in documents], length)
    if len(plan) > 12:
        plan = plan.rows([*range(6), *range(len(plan) - 6, len(plan))])
    rows, on_device = rows_of(documents, plan), plan.to(DEVICE)
    ragged = values.to(value_type).to(DEVICE), offsets.to(offset_type).to(DEVICE)
    options = {"eos_id": packs.EOS, "pad_id": packs.PAD, "labels": labels}
    found = seimai.torch.expand_documents(*ragged, on_device, **options)
    few = range(0, len(rows), 3)
    assert_columns({name: found[name][list(few)] for name in NAMES}, [rows[i] for i in few], labels)
    index = (on_device.piece_end, on_device.row_ptr, on_device.piece_document, on_device.piece_offset)
    by_kernel = kernels.expand_documents(*ragged, *index, plan.max_pieces, length, packs.EOS, packs.PAD, labels, torch.int64)
    for name in NAMES:
        assert torch.equal(by_kernel[name], found[name]), name


def test_no_documents():
    plan = seimai.torch.plan_rows([0, 0], 8)
    assert len(plan) == 0 and plan.cu_seqlens.tolist() == [0]
    found = seimai.torch.expand_documents(torch.zeros(0, dtype=torch.int32), torch.zeros(3, dtype=torch.int32), plan, eos_id=1, pad_id=3)
    assert {tuple(column.shape) for column in found.values()} == {(0, 8)}


def test_wrong_tensors_are_refused():
    tokens, ends, row_ptr = as_tensors(packs.some_rows(3, 8), np.uint16)
    refusals = [
        ((tokens.to(torch.int64), ends, row_ptr), {}, "tokens: a contiguous uint16 or int32 tensor"),
        ((tokens[:, ::2], ends, row_ptr), {}, "tokens"),
        ((tokens, ends.to(torch.float32), row_ptr), {}, "piece_end"),
        ((tokens, ends, row_ptr[1:]), {}, "3 rows need 4 entries, not 3"),
        ((tokens, ends, row_ptr), {"labels": "next"}, "'next' is neither"),
    ]
    for arguments, options, message in refusals:
        with pytest.raises(ValueError, match=message):
            seimai.torch.expand_rows(*arguments, **options)
    for length in (0, (1 << 24) + 1):
        with pytest.raises(ValueError, match="sequence_length"):
            seimai.torch.plan_rows([3], length)
    with pytest.raises((ValueError, OverflowError)):
        seimai.torch.plan_rows([-1], 8)
