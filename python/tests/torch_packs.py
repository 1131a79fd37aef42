"""Packs for the tests of the loader, written from docs/formats/pack.md alone: any layout, sound or not."""

from __future__ import annotations

import json
import pathlib
import random
import struct

import numpy as np

PAD, EOS = 3, 1
_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_MASK = 0xFFFFFFFF


def _compress(chain, block, counter, length, flags):
    v = [*chain, *_IV[:4], counter & _MASK, counter >> 32, length, flags]
    m = list(struct.unpack("<16I", block.ljust(64, b"\0")))

    def mix(a, b, c, d, x, y):
        for word, turn_d, turn_b in ((x, 16, 12), (y, 8, 7)):
            v[a] = (v[a] + v[b] + word) & _MASK
            v[d] ^= v[a]
            v[d] = (v[d] >> turn_d | v[d] << (32 - turn_d)) & _MASK
            v[c] = (v[c] + v[d]) & _MASK
            v[b] ^= v[c]
            v[b] = (v[b] >> turn_b | v[b] << (32 - turn_b)) & _MASK

    for _ in range(7):
        for i in range(4):
            mix(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[i] for i in _ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def blake3(data: bytes) -> bytes:
    """BLAKE3 of some kilobytes (https://github.com/BLAKE3-team/BLAKE3-specs)."""

    def chunk(data, counter, root):
        chain, blocks = list(_IV), [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
        for i, block in enumerate(blocks):
            last = i == len(blocks) - 1
            flags = (1 if i == 0 else 0) | (2 | (8 if root else 0) if last else 0)
            chain = _compress(chain, block, counter, len(block), flags)
        return chain

    def tree(data, counter, root):
        if len(data) <= 1024:
            return chunk(data, counter, root)
        left = 1024
        while left * 2 < len(data):
            left *= 2
        below = tree(data[:left], counter, False) + tree(data[left:], counter + left // 1024, False)
        return _compress(list(_IV), struct.pack("<16I", *below), 0, 64, 4 | (8 if root else 0))

    return struct.pack("<8I", *tree(data, 0, True))


def write_part(path, rows, sequence_length, dtype, first_row=0):
    """`rows`: for each the ends of its pieces and its tokens. Gives what pack.json says of the part."""
    token = np.dtype("<u2" if dtype == "uint16" else "<i4")
    ends = [end for row_ends, _ in rows for end in row_ends]
    sections = [
        (1, 8 if dtype == "uint16" else 4, b"".join(np.asarray(tokens, token).tobytes() for _, tokens in rows), len(rows) * sequence_length),
        (2, 9, np.cumsum([0] + [len(row_ends) for row_ends, _ in rows]).astype("<u4").tobytes(), len(rows) + 1),
        (3, 8 if sequence_length <= 65535 else 9, np.asarray(ends, "<u2" if sequence_length <= 65535 else "<u4").tobytes(), len(ends)),
        (4, 0, bytes(16 * len(ends)), len(ends)),
    ]
    entries, body, at = b"", b"", 4096
    for kind, item, data, items in sections:
        body = body.ljust(-(-len(body) // 4096) * 4096, b"\0")
        entries += struct.pack("<IIQQQ", kind, item, at + len(body), len(data), items) + bytes(32)
        body += data
    n_tokens = sum(row_ends[-1] if row_ends else 0 for row_ends, _ in rows)
    head = struct.pack(
        "<8sHHIIIQQQQIIIIQ",
        *(b"SEIMAIPK", 1, 0, 4096, sequence_length, 8 if dtype == "uint16" else 4, len(rows), len(ends), n_tokens, first_row),
        *(PAD, EOS, 1, len(sections), 4096 + len(body)),
    )
    head = (head + bytes(96 + 16) + entries).ljust(4064, b"\0")
    path.write_bytes(head + blake3(head) + body)
    totals = {"rows": len(rows), "documents": len(ends), "empty": 0, "cut": 0, "pieces": len(ends), "tokens": n_tokens}
    return {"name": path.name, "first_row": first_row, "bytes": 4096 + len(body), "blake3": "0" * 64, "first_shard": 0, "shards": 0, "totals": totals}


def write_pack(directory: pathlib.Path, rows, sequence_length, *, dtype="uint16", vocab_size=60000, part_rows=None):
    """A pack of the rows, `part_rows` of them in a file."""
    directory.mkdir(parents=True, exist_ok=True)
    part_rows = part_rows or max(len(rows), 1)
    parts = []
    for first in range(0, len(rows), part_rows):
        name = directory / f"part-{len(parts):05}.pack"
        parts.append(write_part(name, rows[first : first + part_rows], sequence_length, dtype, first))
    totals = {key: sum(part["totals"][key] for part in parts) for key in ("rows", "documents", "empty", "cut", "pieces", "tokens")}
    info = {
        "format": "seimai-pack", "version": 1, "sequence_length": sequence_length, "token_dtype": dtype, "vocab_size": vocab_size,
        "eos_id": EOS, "pad_id": PAD, "window": 1, "shuffle": False, "seed": 0, "tokenizer_blake3": "0" * 64,
        "plan_fingerprint": "0" * 64, "totals": totals, "padding": len(rows) * sequence_length - totals["tokens"], "parts": parts, "shards": [],
    }  # fmt: skip
    (directory / "pack.json").write_text(json.dumps(info))
    return directory


def some_rows(count, sequence_length, seed=0, vocab_size=60000):
    """Rows of random pieces; PAD and EOS ids stand everywhere, since boundaries must not be read off values."""
    draw = random.Random(seed)
    rows = []
    for i in range(count):
        ends, end = [], 0
        while end < sequence_length and draw.random() < 0.9:
            end = min(end + draw.randrange(1, max(sequence_length // 2, 2)), sequence_length)
            ends.append(end)
        n = ends[-1] if ends else 0
        # The first token names the row.
        tokens = [i % vocab_size] + [draw.choice((PAD, EOS, draw.randrange(vocab_size))) for _ in range(n - 1)] if n else []
        rows.append((ends, tokens + [PAD] * (sequence_length - n)))
    return rows


def hard_rows(sequence_length, vocab_size=60000):
    """Rows at every edge: none, one and S pieces, pieces of 1, S − 1 and S, 300 of one token."""
    s, draw = sequence_length, random.Random(1)
    all_ends = [[], [s], [1], [max(s - 1, 1)], list(range(1, s + 1)), list(range(1, min(300, s) + 1)), [], [1, s], [1, 2, s] if s > 2 else [s]]
    rows = []
    for ends in all_ends:
        ends = sorted(set(ends))
        n = ends[-1] if ends else 0
        rows.append((ends, [draw.randrange(vocab_size) for _ in range(n)] + [PAD] * (s - n)))
    return rows


def wanted_columns(tokens, ends, labels):
    """What docs/formats/pack.md says of a row, column by column."""
    n, sequence_length = (ends[-1] if ends else 0), len(tokens)
    ids, label, position, segment = [], [], [], []
    for column in range(sequence_length):
        piece = sum(end <= column for end in ends)
        start = n if column >= n else ends[piece - 1] if piece else 0
        ids.append(int(tokens[column]))
        if labels == "shifted":
            label.append(int(tokens[column + 1]) if column < n and column + 1 < ends[piece] else -100)
        else:
            label.append(int(tokens[column]) if column < n and column > start else -100)
        position.append(column - start)
        segment.append(piece + 1 if column < n else 0)
    return {"input_ids": ids, "labels": label, "position_ids": position, "segment_ids": segment}


def wanted_cu_seqlens(rows, sequence_length):
    cumulative = [0]
    for at, (ends, _) in enumerate(rows):
        cumulative += [end + at * sequence_length for end in ends]
        if cumulative[-1] != (at + 1) * sequence_length:
            cumulative.append((at + 1) * sequence_length)
    return cumulative
