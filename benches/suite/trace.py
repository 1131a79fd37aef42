#!/usr/bin/env python3
"""Traces random rows of the pack of a run, and compares each with the truth, which is put together here from the pack, the token shards and the inputs:

    PYTHONPATH=python benches/suite/trace.py SEIMAI CORPUS [--megabytes 30] [--rows 10000] [-o RECORD.json]

CORPUS is a directory of JSON Lines packed with zstd; some of it is written into plain and gzipped files, and a run made of these. Of a row the truth is:

* pieces, token shards and rows there: by `examples/read_pack.py`, which knows nothing but docs/formats/pack.md;
* the tokens in the file between the bytes that are told: those of `input_ids` (pyarrow), with the EOS where the document ends;
* doc_id, source, file, offset, length: the columns of the shard, read whole;
* the record: the line of the decoded input that begins at the offset has the id, and its text has the letters of the document's text;
* bytes of the text: what its tokens spell by `tokenizer.json` (tokenizers).

The run keeps personal data and exact texts, so that letters can be compared. Needs the packages of tests/python/requirements.txt, `zstd`, the dictionary, and
the package built from this checkout.
"""
import argparse
import bisect
import glob
import gzip
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata

import numpy as np
import pyarrow.parquet
import tokenizers

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))
import read_pack  # noqa: E402

import seimai  # noqa: E402

PLAN = """
[input]
paths = ["in"]
[quality]
preset = "auto"
[pii]
action = "keep"
[split]
validation = 0.02
[tokenizer]
vocab_size = 16000
[pack]
sequence_length = 128
"""


def inputs(corpus, directory, most):
    """The same number of bytes of each source, by turns plain and gzipped; gives the bytes of text."""
    sources = sorted(glob.glob(os.path.join(corpus, "*.jsonl.zst")))
    total = 0
    for number, path in enumerate(sources):
        name, left = os.path.basename(path)[: -len(".jsonl.zst")], (most - total) // (len(sources) - number)
        opened = gzip.open(directory / f"{name}.jsonl.gz", "wb", 1) if number % 2 else open(directory / f"{name}.jsonl", "wb")
        with opened as out, subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE) as process:
            for line in process.stdout:
                if len(line) > left:
                    break
                out.write(line)
                left -= len(line)
                total += len(line)
            process.kill()
    return total


def letters(text):
    """Letters of a text after NFKC: what normalisation leaves alone."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) in ("Lo", "Lu", "Ll"))


class Truth:
    """What stands in the files of one pack."""

    def __init__(self, run, work, subset):
        self.pack = run / subset / "pack"
        self.info = json.loads((self.pack / "pack.json").read_text())
        self.parts = [read_pack.Part(self.pack / part["name"]) for part in self.info["parts"]]
        self.firsts = [part.first_row for part in self.parts]
        self.rows = sum(part.rows for part in self.parts)
        self.work = work
        columns = ["doc_id", "source", "file", "offset", "n_tokens", "input_ids"]
        self.shards = [pyarrow.parquet.read_table(run / shard["name"], columns=columns) for shard in self.info["shards"]]
        named = [run / shard["name"].replace("tokens/", "documents/") for shard in self.info["shards"]]
        self.texts = [pyarrow.parquet.read_table(path, columns=["text"])["text"] for path in named]
        self.named = [str(path.relative_to(run)) for path in named]
        self.spelled = tokenizers.Tokenizer.from_file(str(run / "tokenizer" / "tokenizer.json"))
        self.decoded, self.same_letters = {}, {}

    def input(self, name):
        if name not in self.decoded:
            path = self.work / name
            self.decoded[name] = gzip.open(path).read() if name.endswith(".gz") else path.read_bytes()
        return self.decoded[name]

    def record(self, shard, row, values):
        """Is the record where it is said to be, and the document made of it?"""
        if (shard, row) not in self.same_letters:
            data = self.input(values["file"])
            start = values["offset"]
            record = json.loads(data[start : data.index(b"\n", start)])
            starts_a_line = start == 0 or data[start - 1 : start] == b"\n"
            same = starts_a_line and record["id"] == values["doc_id"] and letters(record["text"]) == letters(self.texts[shard][row].as_py())
            self.same_letters[shard, row] = same
        return self.same_letters[shard, row]

    def differs(self, row, told):
        """What of a traced row is not true; empty: nothing."""
        number = bisect.bisect_right(self.firsts, row) - 1
        part, within = self.parts[number], row - self.firsts[number]
        data = np.memmap(self.pack / told["part"], "u1", "r")[told["bytes"]["start"] : told["bytes"]["end"]]
        ids = np.frombuffer(data.tobytes(), part.tokens.dtype)
        wrong = []
        if told["part"] != self.info["parts"][number]["name"] or told["row_in_part"] != within or not np.array_equal(ids, part.tokens[within]):
            wrong.append("place in the pack")
        pieces = list(part.documents(within))
        if len(pieces) != len(told["pieces"]):
            return [*wrong, "number of pieces"]
        for (start, end, shard, shard_row, offset, last), piece in zip(pieces, told["pieces"]):
            table = self.shards[shard]
            values = {name: table[name][shard_row].as_py() for name in table.column_names if name != "input_ids"}
            document = table["input_ids"][shard_row].values.to_numpy()
            length = end - start - last
            own = document[offset : offset + length]
            spelled = np.append(own, part.eos) if last else own
            facts = {
                "columns": ({"start": start, "end": end}, piece["columns"]),
                "shard": ((self.info["shards"][shard]["name"], shard_row, self.named[shard]), (piece["shard"], piece["shard_row"], piece["documents"])),
                "document_tokens": ({"start": offset, "end": offset + length}, piece["document_tokens"]),
                "eos": (last, piece["eos"]),
                "row of the shard": (values, {name: piece[name] for name in values}),
                "tokens": (spelled.tolist(), ids[start:end].tolist()),
            }
            wrong += [name for name, (true, said) in facts.items() if true != said]
            if "text_bytes" in piece:
                text = self.texts[shard][shard_row].as_py().encode()
                cut = text[piece["text_bytes"]["start"] : piece["text_bytes"]["end"]]
                if self.spell(own) != cut:
                    wrong.append("text_bytes")
            if not self.record(shard, shard_row, values):
                wrong.append("record")
        return wrong

    def spell(self, ids):
        """Bytes of tokens, by the alphabet of byte-level vocabularies."""
        return b"".join(bytes(BYTES[sign] for sign in self.spelled.id_to_token(int(one))) for one in ids)


def alphabet():
    """Which byte a sign of a byte-level vocabulary stands for (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {**{chr(byte): byte for byte in plain}, **{chr(256 + at): byte for at, byte in enumerate(others)}}


BYTES = alphabet()


def spread(seconds):
    ordered = sorted(seconds)
    at = lambda share: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)  # noqa: E731
    return {"median_ms": at(0.5), "p99_ms": at(0.99), "max_ms": round(1000 * ordered[-1], 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seimai")
    parser.add_argument("corpus")
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--note", default="", help="how the program was built, and what else ran")
    parser.add_argument("-o", "--output")
    given = parser.parse_args()
    program = os.path.abspath(given.seimai)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "in").mkdir()
        text_bytes = inputs(given.corpus, work / "in", int(given.megabytes * 1e6))
        (work / "plan.toml").write_text(PLAN)
        subprocess.run([program, "run", "plan.toml", "--out", "out", "--progress", "none", "--no-report"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        run = work / "out"
        truths = {subset: Truth(run, work, subset) for subset in (".", "validation")}
        drawn = random.Random(17)
        every = [(subset, row) for subset, truth in truths.items() for row in range(truth.rows)]
        rows = drawn.sample(every, given.rows) if len(every) >= given.rows else drawn.choices(every, k=given.rows)
        tracers = {}
        opening = time.perf_counter()
        for subset in truths:
            tracers[subset] = seimai.Tracer(run / subset / "pack")
        opening = time.perf_counter() - opening
        seconds, cpu, with_text, cpu_with_text, right, faults, pieces = [], [], [], [], 0, {}, 0
        for subset, row in rows:
            started, used = time.perf_counter(), time.process_time()
            tracers[subset].trace(row)
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - used)
            started, used = time.perf_counter(), time.process_time()
            told = tracers[subset].trace(row, text=True)
            with_text.append(time.perf_counter() - started)
            cpu_with_text.append(time.process_time() - used)
            pieces += len(told["pieces"])
            wrong = truths[subset].differs(row, told)
            right += not wrong
            for name in wrong:
                faults[name] = faults.get(name, 0) + 1
        command = []
        for subset, row in rows[:20]:
            started = time.perf_counter()
            subprocess.run([program, "trace", run / subset / "pack", str(row), "--json"], check=True, stdout=subprocess.DEVNULL)
            command.append(time.perf_counter() - started)
        record = {
            "what": "rows of packs traced to documents and records, against the truth put together from pack, shards and inputs",
            "script": "benches/suite/trace.py",
            "machine": {"cores": os.cpu_count(), "architecture": platform.machine(), "note": given.note},
            "input_bytes": text_bytes,
            "input_files": len(list((work / "in").iterdir())),
            "rows_of_packs": len(every),
            "token_shards": sum(len(truth.shards) for truth in truths.values()),
            "rows": len(rows),
            "distinct_rows": len(set(rows)),
            "pieces": pieces,
            "right": right,
            "faults": faults,
            "open_both_ms": round(1000 * opening, 3),
            "python": {"wall": spread(seconds), "cpu": spread(cpu)},
            "python_with_text": {"wall": spread(with_text), "cpu": spread(cpu_with_text)},
            "command_line_median_ms": round(1000 * statistics.median(command), 1),
            "goal": {"right": given.rows, "row_ms": 5},
        }
    text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    print(text, end="")
    if given.output:
        pathlib.Path(given.output).write_text(text)
    return 0 if right == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
