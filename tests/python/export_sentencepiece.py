"""Loads what `seimai export sentencepiece` wrote with SentencePiece, and compares ids.

    python tests/python/export_sentencepiece.py SEIMAI RUN_DIR [JSONL…]

RUN_DIR is a run with tokenizer.pattern = "none". Of its documents, and the texts of the given files (records with "text", .zst or not), every
stretch of characters that have a token of their own gets the ids that the library `tokenizers` gives; every text is decoded to itself. Needs
sentencepiece, tokenizers and pyarrow. Prints a line; the first difference ends the program with exit code 1.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sentencepiece
import tokenizers


def demand(condition, message):
    if not condition:
        sys.exit(f"export_sentencepiece: {message}")


def texts_of(path):
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    return [json.loads(line)["text"] for line in data.decode().splitlines()]


def main(arguments):
    if len(arguments) < 3:
        sys.exit("usage: python export_sentencepiece.py SEIMAI RUN_DIR [JSONL…]")
    seimai, run = arguments[1], Path(arguments[2])
    reference = tokenizers.Tokenizer.from_file(str(run / "tokenizer" / "tokenizer.json"))
    texts = [text for path in sorted(run.glob("documents/*.parquet")) for text in pq.read_table(path, columns=["text"])["text"].to_pylist()]
    texts += [text for path in arguments[3:] for text in texts_of(Path(path))]
    with tempfile.TemporaryDirectory() as scratch:
        model = str(Path(scratch) / "v.model")
        command = [seimai, "export", "sentencepiece", str(run), "-o", model]
        refused = subprocess.run(command, capture_output=True, text=True)
        demand(refused.returncode == 2 and "--known-characters" in refused.stderr, f"not refused: {refused.stderr}")
        done = subprocess.run([*command, "--known-characters"], capture_output=True, text=True)
        demand(done.returncode == 0, done.stderr)
        processor = sentencepiece.SentencePieceProcessor(model_file=model)
    size = reference.get_vocab_size()
    special = (processor.eos_id(), processor.pad_id(), processor.bos_id())
    demand(special == (reference.token_to_id("<|endoftext|>"), reference.token_to_id("<|pad|>"), -1), f"special tokens {special}")
    pieces = [processor.id_to_piece(id) for id in range(size)]
    known = "".join(piece for piece in pieces if len(piece) == 1)
    stretches = re.compile(f"[{re.escape(known)}]+")
    tokens = compared = 0
    for text in texts:
        parts = [part for part in stretches.findall(text) if "<|" not in part]
        for part, ids in zip(parts, processor.encode(parts)):
            wanted = reference.encode(part, add_special_tokens=False).ids
            demand(ids == wanted, f"{ids[:20]}, not {wanted[:20]}, for {part[:100]!r}")
            tokens += len(ids)
        compared += len(parts)
        ids = processor.encode(text)
        demand(max(ids, default=0) < size, f"an id beyond the vocabulary in {text[:100]!r}")
        demand(processor.decode(ids) == text, f"decoded to another text: {text[:100]!r}")
    print(f"sentencepiece {version('sentencepiece')}: {len(known)} characters, {compared} stretches, {tokens} tokens: the same ids")


if __name__ == "__main__":
    main(sys.argv)
