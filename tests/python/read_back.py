"""Reads a run directory back with other people's tools and compares everything.

    python tests/python/read_back.py RUN_DIR

1. pyarrow, DuckDB and Polars read every Parquet file of the run, with equal contents.
2. rejected/ says of a document what documents/ says, so that losses can be judged again.
3. tokens/ is documents/ row for row; `tokenizers` loads tokenizer/tokenizer.json and gives the same ids for every
   kept document; n_tokens is the length of input_ids.
4. numpy.memmap reads the pack by what docs/formats/pack.md says alone; its pieces, put together, are the token shards.

Needs pyarrow, duckdb, polars, tokenizers and numpy. Prints a line for each check; the first difference ends the
program with a message and exit code 1. A run without a pack or a tokenizer is checked for what it has, except where CI
is set: there it fails.
"""

import json
import os
import struct
import sys
from pathlib import Path

HEADER_BYTES = 4096
TOKENS, ROW_PTR, PIECE_END, PIECE_SRC = 1, 2, 3, 4
FIRST, LAST = 1, 2


class Difference(Exception):
    """Two readers, or two files of the run, do not agree."""


def demand(condition, message):
    if not condition:
        raise Difference(message)


def absent(what):
    """Says that a check has nothing to check; where CI is set the run must have everything."""
    print(f"skipped: the run has no {what}")
    demand(not os.environ.get("CI"), f"{what} is missing, and CI is set")


def import_all():
    """Imports late, so that a missing package is one clear line."""
    modules = {}
    missing = []
    for name in ("numpy", "pyarrow", "pyarrow.parquet", "duckdb", "polars", "tokenizers"):
        try:
            __import__(name)
            modules[name] = sys.modules[name]
        except ImportError as error:
            missing.append(f"{name} ({error})")
    if missing:
        sys.exit("read_back: cannot import " + ", ".join(missing) + "; pip install pyarrow duckdb polars tokenizers numpy")
    return modules


def tables_of(run):
    return sorted(path for path in run.rglob("*.parquet") if ".work" not in path.relative_to(run).parts)


# 1. Parquet through three readers ------------------------------------------------------------------------------------

def plain(pa, data_type):
    """The type without the names of list children and the size of offsets: readers differ there, contents do not."""
    t = pa.types
    if t.is_fixed_size_list(data_type) or t.is_list(data_type) or t.is_large_list(data_type):
        return pa.list_(pa.field("element", plain(pa, data_type.value_type)))
    if t.is_struct(data_type):
        return pa.struct([pa.field(f.name, plain(pa, f.type)) for f in data_type])
    if t.is_large_string(data_type) or str(data_type) == "string_view" or t.is_dictionary(data_type):
        return pa.string()
    if t.is_large_binary(data_type) or str(data_type) == "binary_view":
        return pa.binary()
    return data_type


def shape(pa, field_or_type):
    """Type of a column for comparison: nullability is the file's promise, not content."""
    return plain(pa, getattr(field_or_type, "type", field_or_type))


def first_difference(left, right):
    for row, (a, b) in enumerate(zip(left, right)):
        if a != b and not (a is not None and b is not None and repr(a) == repr(b)):
            return row, a, b
    return None


def compare_columns(path, reader, wanted, got):
    demand(wanted.num_rows == got.num_rows, f"{path}: {reader} reads {got.num_rows} rows, pyarrow {wanted.num_rows}")
    names = wanted.column_names
    demand(names == got.column_names, f"{path}: {reader} reads columns {got.column_names}, pyarrow {names}")
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in names:
        a, b = wanted[name], got[name]
        type_a, type_b = shape(pa, a), shape(pa, b)
        demand(type_a == type_b, f"{path}: {name} is {type_b} for {reader}, {type_a} for pyarrow")
        demand(a.null_count == b.null_count, f"{path}: {name} has {b.null_count} nulls for {reader}, {a.null_count} for pyarrow")
        if pa.types.is_list(type_a) and not pa.types.is_nested(type_a.value_type):
            same_lengths = pc.list_value_length(a).cast(pa.int64()).equals(pc.list_value_length(b).cast(pa.int64()))
            flat_a = pa.chunked_array(chunk.flatten() for chunk in a.chunks) if a.num_chunks else None
            flat_b = pa.chunked_array(chunk.flatten() for chunk in b.chunks) if b.num_chunks else None
            if same_lengths and (flat_a is None or flat_b is None or flat_a.equals(flat_b)):
                continue
        elif not pa.types.is_nested(type_a) and a.cast(type_a).equals(b.cast(type_a)):
            continue
        difference = first_difference(a.to_pylist(), b.to_pylist())
        if difference:
            row, x, y = difference
            raise Difference(f"{path}: {name}, row {row}: {reader} reads {str(y)[:200]!r}, pyarrow {str(x)[:200]!r}")


def duckdb_table(duckdb, path):
    """All rows, in the order of the file. The method that gives Arrow, and what it gives, differ between versions."""
    with duckdb.connect() as connection:
        relation = connection.sql("SELECT * FROM read_parquet(?)", params=[str(path)])
        table = relation.to_arrow_table() if hasattr(relation, "to_arrow_table") else relation.arrow()
        return table.read_all() if hasattr(table, "read_all") else table


def check_parquet(modules, run):
    paths = tables_of(run)
    demand(paths, f"{run}: no Parquet files")
    rows = 0
    for path in paths:
        wanted = modules["pyarrow.parquet"].ParquetFile(path).read()
        compare_columns(path, "DuckDB", wanted, duckdb_table(modules["duckdb"], path))
        compare_columns(path, "Polars", wanted, modules["polars"].read_parquet(path, glob=False).to_arrow())
        rows += wanted.num_rows
    print(f"parquet: {len(paths)} files, {rows} rows: pyarrow, DuckDB and Polars agree")


# 2. Rejected documents -----------------------------------------------------------------------------------------------

def check_rejected(modules, run):
    parquet = modules["pyarrow.parquet"]
    reasons, only_kept = ["stage", "rule", "evidence", "duplicate_of"], {"dup_cluster", "dup_size"}
    demand(part_names(run / "documents") == part_names(run / "rejected"), "rejected/ and documents/ do not have the same parts")
    rows = 0
    for name in part_names(run / "documents"):
        kept, dropped = (parquet.read_schema(run / directory / name) for directory in ("documents", "rejected"))
        wanted = [field for field in kept if field.name not in only_kept]
        demand(dropped.names == [field.name for field in wanted] + reasons, f"rejected/{name}: columns {dropped.names}")
        for field in wanted:
            demand(dropped.field(field.name).type == field.type, f"rejected/{name}: {field.name} has another type than in documents/")
        rows += parquet.ParquetFile(run / "rejected" / name).metadata.num_rows
    print(f"rejected: {rows} documents with the columns of documents/")


# 3. Tokens -----------------------------------------------------------------------------------------------------------

def part_names(directory):
    return sorted(path.name for path in directory.glob("*.parquet"))


def check_tokens(modules, run):
    parquet, np = modules["pyarrow.parquet"], modules["numpy"]
    documents, tokens, tokenizer_path = run / "documents", run / "tokens", run / "tokenizer" / "tokenizer.json"
    if not tokens.is_dir():
        absent("tokens/")
        return
    demand(part_names(documents) == part_names(tokens), "tokens/ and documents/ do not have the same parts")
    tokenizer = modules["tokenizers"].Tokenizer.from_file(str(tokenizer_path)) if tokenizer_path.is_file() else None
    compared = 0
    for name in part_names(tokens):
        texts = parquet.read_table(documents / name, columns=["doc_id", "text"])
        table = parquet.read_table(tokens / name)
        columns = ["doc_id", "source", "input_ids", "n_tokens", "license", "residency", "file", "offset"]
        demand(table.column_names == columns, f"tokens/{name}: columns {table.column_names}")
        demand(texts["doc_id"].to_pylist() == table["doc_id"].to_pylist(), f"tokens/{name}: not row for row documents/{name}")
        lengths = [len(ids) for ids in table["input_ids"].to_pylist()]
        demand(lengths == table["n_tokens"].to_pylist(), f"tokens/{name}: n_tokens is not the length of input_ids")
        if tokenizer:
            compared += compare_ids(tokenizer, tokens / name, texts, table, np)
    if tokenizer:
        print(f"tokens: {compared} documents: tokenizers gives the same ids")
    else:
        print("tokens: row for row documents/")
        absent("tokenizer/tokenizer.json")


def compare_ids(tokenizer, path, texts, table, np):
    batch = 256
    for start in range(0, table.num_rows, batch):
        rows = slice(start, start + batch)
        ids = table["input_ids"].slice(start, batch).to_pylist()
        names = table["doc_id"].slice(start, batch).to_pylist()
        encodings = tokenizer.encode_batch(texts["text"].slice(start, batch).to_pylist(), add_special_tokens=False)
        demand(len(encodings) == len(ids), f"{path}: rows {rows} are missing")
        for name, ours, encoding in zip(names, ids, encodings):
            if ours != encoding.ids:
                at = next((i for i, (a, b) in enumerate(zip(ours, encoding.ids)) if a != b), min(len(ours), len(encoding.ids)))
                near = slice(max(at - 3, 0), at + 5)
                raise Difference(
                    f"{path}: document {name}, token {at}: the shard has {ours[near]}, tokenizers {encoding.ids[near]} "
                    f"({tokenizer.decode(encoding.ids[near])!r}); {len(ours)} and {len(encoding.ids)} tokens"
                )
    return table.num_rows


# 4. The pack, by its header alone ------------------------------------------------------------------------------------

def read_header(path):
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(HEADER_BYTES)
    demand(len(head) == HEADER_BYTES and head[:8] == b"SEIMAIPK", f"{path}: not a pack")
    major, _minor, header_bytes = struct.unpack_from("<HHI", head, 8)
    demand((major, header_bytes) == (1, HEADER_BYTES), f"{path}: version {major}, header of {header_bytes} bytes")
    names = ("sequence_length", "dtype", "rows", "pieces", "tokens", "first_row", "pad", "eos", "flags", "n_sections", "file_bytes")
    header = dict(zip(names, struct.unpack_from("<IIQQQQIIIIQ", head, 16)))
    demand(header["file_bytes"] == size, f"{path}: {size} bytes, the header says {header['file_bytes']}")
    header["sections"] = {}
    for i in range(header["n_sections"]):
        kind, _item, offset, size, items = struct.unpack_from("<IIQQQ", head, 192 + 64 * i)
        header["sections"][kind] = (offset, size, items)
    return header


def section(np, path, header, kind, dtype, shape):
    """A section as an array; numpy.memmap refuses empty ones."""
    offset, size, _items = header["sections"][kind]
    count = int(np.prod(shape, dtype=np.int64))
    demand(count * np.dtype(dtype).itemsize == size, f"{path}: section {kind} has {size} bytes for {count} items of {dtype}")
    if count == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape)


def open_part(np, path):
    header = read_header(path)
    s, rows, pieces = header["sequence_length"], header["rows"], header["pieces"]
    demand(header["dtype"] in (4, 8), f"{path}: token type {header['dtype']}")
    token = np.dtype("<u2" if header["dtype"] == 8 else "<i4")
    end = np.dtype("<u2" if s <= 65535 else "<u4")
    demand(header["sections"][TOKENS][0] == HEADER_BYTES, f"{path}: tokens do not start at byte 4096")
    return (
        header,
        section(np, path, header, TOKENS, token, (rows, s)),
        section(np, path, header, ROW_PTR, np.dtype("<u4"), (rows + 1,)),
        section(np, path, header, PIECE_END, end, (pieces,)),
        section(np, path, header, PIECE_SRC, np.dtype("<u4"), (pieces, 4)),
    )


def documents_of(np, path, found):
    """Puts the pieces of a part together: found[(shard, row)] = ids without EOS."""
    header, tokens, row_ptr, ends, sources = open_part(np, path)
    rows, s = header["rows"], header["sequence_length"]
    demand(int(row_ptr[0]) == 0 and int(row_ptr[rows]) == header["pieces"], f"{path}: row pointers do not span the pieces")
    pieces = []
    total = 0
    for row in range(rows):
        start = 0
        for index in range(int(row_ptr[row]), int(row_ptr[row + 1])):
            end = int(ends[index])
            demand(start < end <= s, f"{path}: row {row}: piece {start}…{end}")
            shard, shard_row, offset, flags = (int(field) for field in sources[index])
            pieces.append((shard, shard_row, offset, flags, row, start, end))
            total += end - start
            start = end
        demand(bool((tokens[row, start:] == header["pad"]).all()), f"{path}: row {row}: no PAD behind column {start}")
    demand(total == header["tokens"], f"{path}: {total} tokens, the header says {header['tokens']}")
    pieces.sort()
    open_document, parts = None, []
    for shard, shard_row, offset, flags, row, start, end in pieces:
        if flags & FIRST:
            demand(open_document is None, f"{path}: document {open_document} has no last piece")
            open_document, parts = (shard, shard_row), []
        demand(open_document == (shard, shard_row), f"{path}: document {(shard, shard_row)} has no first piece")
        demand(sum(map(len, parts)) == offset, f"{path}: document {open_document}: offset {offset} does not follow")
        parts.append(tokens[row, start:end])
        if flags & LAST:
            ids = np.concatenate(parts)
            if header["flags"] & 1:
                demand(int(ids[-1]) == header["eos"], f"{path}: document {open_document} does not end with EOS")
                ids = ids[:-1]
            demand(open_document not in found, f"{path}: document {open_document} is there twice")
            found[open_document] = ids
            open_document = None
    demand(open_document is None, f"{path}: document {open_document} has no last piece")
    return header


def shard_path(run, name):
    """pack.json names token shards relative to the run directory, or to tokens/."""
    candidates = [run / name, run / "tokens" / name]
    return next((path for path in candidates if path.is_file()), candidates[0])


def check_pack(modules, run):
    np, parquet = modules["numpy"], modules["pyarrow.parquet"]
    directory = run / "pack"
    if not directory.is_dir():
        absent("pack/")
        return
    info = json.loads((directory / "pack.json").read_text(encoding="utf-8"))
    found, rows, tokens = {}, 0, 0
    for part in info["parts"]:
        path = directory / part["name"]
        header = documents_of(np, path, found)
        demand(header["first_row"] == rows == part["first_row"], f"{path}: first row {header['first_row']}, not {rows}")
        demand(header["sequence_length"] == info["sequence_length"], f"{path}: another sequence length than pack.json")
        rows += header["rows"]
        tokens += header["tokens"]
    demand((rows, tokens) == (info["totals"]["rows"], info["totals"]["tokens"]), "pack.json: totals are not the sum of the parts")
    names = [Path(shard["name"]).name for shard in info["shards"]]
    if (run / "tokens").is_dir():
        demand(names == part_names(run / "tokens"), "pack.json does not name the parts of tokens/ in order")
    documents = empty = 0
    for index, shard in enumerate(info["shards"]):
        path = shard_path(run, shard["name"])
        column = parquet.read_table(path, columns=["input_ids"])["input_ids"].to_pylist()
        demand(len(column) == shard["rows"], f"{path}: {len(column)} rows, pack.json says {shard['rows']}")
        for row, ids in enumerate(column):
            packed = found.pop((index, row), None)
            if not ids:
                demand(packed is None, f"{path}: row {row} is empty, but the pack has tokens of it")
                empty += 1
                continue
            demand(packed is not None, f"{path}: row {row} is not in the pack")
            same = len(packed) == len(ids) and bool((packed == np.asarray(ids)).all())
            demand(same, f"{path}: row {row}: the pack has other tokens")
            documents += 1
    demand(not found, f"pack: {len(found)} documents are of no token shard, first {min(found, default=None)}")
    totals = info["totals"]
    demand((documents, empty) == (totals["documents"], totals["empty"]), f"pack.json: {documents} documents and {empty} empty ones found")
    padding = 1 - tokens / (rows * info["sequence_length"]) if rows else 0
    print(f"pack: {documents} documents in {rows} rows of {info['sequence_length']}, {padding:.3%} padding: equal to tokens/")


def main(arguments):
    if len(arguments) != 2 or arguments[1].startswith("-"):
        sys.exit("usage: python read_back.py RUN_DIR")
    run = Path(arguments[1])
    if not run.is_dir():
        sys.exit(f"read_back: {run} is not a directory")
    modules = import_all()
    try:
        check_parquet(modules, run)
        check_rejected(modules, run)
        check_tokens(modules, run)
        check_pack(modules, run)
    except Difference as difference:
        sys.exit(f"read_back: {difference}")
    except Exception as error:  # a reader that refuses a file is a finding too, not a stack trace
        sys.exit(f"read_back: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv)
