"""Reads a pack by docs/formats/pack.md alone. `python examples/read_pack.py OUT/pack [ROW]` says which documents stand in a row."""

import json
import struct
import sys
from pathlib import Path

import numpy as np


class Part:
    def __init__(self, path):
        head = Path(path).open("rb").read(4096)
        if head[:8] != b"SEIMAIPK" or struct.unpack_from("<H", head, 8) != (1,):
            raise ValueError(f"{path}: not a pack of version 1")
        self.length, code, self.rows, pieces, _, self.first_row = struct.unpack_from("<IIQQQQ", head, 16)
        self.pad, self.eos, _, sections, size = struct.unpack_from("<IIIIQ", head, 56)
        if Path(path).stat().st_size != size:
            raise ValueError(f"{path}: the header promises {size} bytes")
        entries = [struct.unpack_from("<IIQ", head, 192 + 64 * section) for section in range(sections)]
        at = {kind: offset for kind, _, offset in entries if kind < 2**31}  # others are optional
        if sorted(at) != [1, 2, 3, 4]:
            raise ValueError(f"{path}: unknown or missing sections")

        def mapped(kind, dtype, *shape):  # numpy maps no empty file: a part without rows has no tokens
            return np.memmap(path, dtype, "r", at[kind], shape) if all(shape) else np.empty(shape, dtype)

        self.tokens = mapped(1, {8: "<u2", 4: "<i4"}[code], self.rows, self.length)
        self.row_ptr = mapped(2, "<u4", self.rows + 1)
        self.piece_end = mapped(3, "<u2" if self.length <= 65535 else "<u4", pieces)
        self.piece_src = mapped(4, "<u4", pieces, 4)

    def row(self, row):
        """input_ids, position_ids, labels (for models that shift themselves), cu_seqlens of a row of this part."""
        ends = self.piece_end[self.row_ptr[row] : self.row_ptr[row + 1]].astype(np.int64)
        bounds = np.unique([0, *ends, self.length])  # PAD is a sequence of its own
        starts = np.repeat(bounds[:-1], np.diff(bounds))
        columns, used = np.arange(self.length), ends[-1] if len(ends) else 0
        ids = self.tokens[row].astype(np.int64)  # widen first: -100 is no uint16
        labels = np.where((columns > starts) & (columns < used), ids, -100)
        return ids, columns - starts, labels, bounds.astype(np.int32)

    def documents(self, row):
        """(first column, column after the last, token shard, row in it, offset in the document, ends here) of each piece."""
        pieces = range(self.row_ptr[row], self.row_ptr[row + 1])
        starts = [0, *(int(self.piece_end[piece]) for piece in pieces)]
        for start, piece in zip(starts, pieces):
            shard, shard_row, offset, flags = (int(field) for field in self.piece_src[piece])
            yield start, int(self.piece_end[piece]), shard, shard_row, offset, bool(flags & 2)


if __name__ == "__main__":
    info = json.loads(Path(sys.argv[1], "pack.json").read_text())
    parts = [Part(Path(sys.argv[1], part["name"])) for part in info["parts"]]
    print(f"{sum(part.rows for part in parts)} rows of {info['sequence_length']}, {info['totals']['documents']} documents")
    for row in map(int, sys.argv[2:3]):
        part = next(part for part in parts if part.first_row <= row < part.first_row + part.rows)
        for start, end, shard, shard_row, offset, last in part.documents(row - part.first_row):
            name, rest = info["shards"][shard]["name"], "to its end" if last else "goes on"
            print(f"  columns {start} to {end - 1}: {name} row {shard_row}, from token {offset}, {rest}")
