#!/usr/bin/env python3
"""Containers and large files: what framing costs, what two threads gain, and memory on large files.

    sources.py --seimai PROGRAM [--bench TARGET_DIR] [--shared ../shared] [--megabytes 1024] [--memory-megabytes 2048] [--rounds 3] [--report FILE]

Makes lines of JSON from the shared corpora, as large as asked for, and packs them: in many zstd frames of about 4 MB, in one frame, as gzip, bzip2, xz, lz4, in a zip and
in tars; and the same records as CSV, as one JSON array, as WARC (a gzip member a record) and as HTML files in a tar. A run with a plan of light work (no near-duplicates, quality
and keigo not asked) is timed with one and with two threads, alternating; `frame` and `annotate` are the passes as run.json tells them. Memory is the peak of
`seimai normalize` on a tenth and on the whole, for each format, and what run.json says of a run with `--memory 512MiB` on zstd frames. Needs zstd, gzip, bzip2, xz, lz4, zip and tar. Python 3.9 or later, standard library only.
"""
import argparse
import csv
import gzip
import html
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

PLAN = """[input]
paths = [{path}]
[quality]
preset = "none"
[dedup]
exact = true
near = false
lines = false
[tokenizer]
vocab_size = 1000
"""


def lines(shared, path, megabytes):
    """Lines of the shared corpora, again and again with other ids, until there are so many."""
    corpus = os.path.join(shared, "data", "corpus")
    texts = []
    for name in sorted(os.listdir(corpus)):
        if name.endswith(".jsonl.zst"):
            texts += subprocess.run(["zstd", "-dc", os.path.join(corpus, name)], stdout=subprocess.PIPE, check=True).stdout.splitlines()[:4000]
    written, n = 0, 0
    with open(path, "w", encoding="utf-8") as out:
        while written < megabytes << 20:
            record = json.loads(texts[n % len(texts)])
            line = json.dumps({"id": f"r{n}", "text": f"{n} " + record["text"]}, ensure_ascii=False) + "\n"
            written += len(line.encode())
            out.write(line)
            n += 1
    return written


def frames(plain, packed, size=4 << 20):
    with open(plain, "rb") as source, open(packed, "wb") as out:
        while chunk := source.read(size):
            out.write(subprocess.run(["zstd", "-3", "-c"], input=chunk, stdout=subprocess.PIPE, check=True).stdout)


def records(plain):
    with open(plain, encoding="utf-8") as source:
        for line in source:
            record = json.loads(line)
            yield record["id"], record["text"]


def table(plain, packed):
    with open(packed, "w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["id", "text"])
        rows.writerows(records(plain))


def array(plain, packed):
    with open(plain, encoding="utf-8") as source, open(packed, "w", encoding="utf-8") as out:
        for number, line in enumerate(source):
            out.write(("[" if number == 0 else ",") + line)
        out.write("]")


def web_archive(plain, packed):
    with open(packed, "wb") as out:
        for id_, text in records(plain):
            body = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode()
            head = (f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.jp/{id_}\r\nWARC-Record-ID: <urn:{id_}>\r\n"
                    f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(body)}\r\n\r\n")
            out.write(gzip.compress(head.encode() + body + b"\r\n\r\n", 1, mtime=0))


def pages(plain, packed):
    with tarfile.open(packed, "w") as out:
        for id_, text in records(plain):
            paragraphs = "".join(f"<p>{html.escape(line)}</p>\n" for line in text.split("\n"))
            page = f"<!DOCTYPE html><html><head><meta charset=utf-8><title>{id_}</title></head><body><main>{paragraphs}</main></body></html>".encode()
            member = tarfile.TarInfo(f"{id_}.html")
            member.size = len(page)
            out.addfile(member, io.BytesIO(page))


MAKERS = {"frames.jsonl.zst": frames, "csv": table, "json": array, "warc.gz": web_archive, "html.tar": pages}


def pack(plain, kind, packed):
    folder, name = os.path.split(plain)
    if kind in MAKERS:
        return MAKERS[kind](plain, packed)
    commands = {
        "jsonl": ["cat", plain], "one.jsonl.zst": ["zstd", "-3", "-c", plain], "jsonl.gz": ["gzip", "-3", "-c", plain], "jsonl.bz2": ["bzip2", "-1", "-c", plain],
        "jsonl.xz": ["xz", "-1", "-T2", "-c", plain], "jsonl.lz4": ["lz4", "-c", plain], "tar": ["tar", "-C", folder, "-c", name],
        "tar.zst": ["tar", "-C", folder, "--zstd", "-c", name], "zip": ["zip", "-q", "-3", "-j", "-", plain],
    }
    with open(packed, "wb") as out:
        subprocess.run(commands[kind], stdout=out, check=True)


def read(seimai, path):
    """Every record of the file, read and normalised: peak memory, mapped pages of the input left out."""
    child = subprocess.Popen([seimai, "normalize", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        try:
            with open(f"/proc/{child.pid}/status") as status:
                peak = max([peak] + [int(line.split()[1]) for line in status if line.startswith("RssAnon")])
        except OSError:
            pass
        time.sleep(0.005)
    if child.returncode:
        sys.exit(f"{path}: exit code {child.returncode}")
    return {"peak_mib": round(peak / 1024)}


def run(seimai, path, scratch, threads, memory="1GiB"):
    plan, out = os.path.join(scratch, "plan.toml"), os.path.join(scratch, "out")
    with open(plan, "w") as file:
        file.write(PLAN.format(path=json.dumps(path)))
    shutil.rmtree(out, ignore_errors=True)
    start = time.monotonic()
    command = [seimai, "run", plan, "--out", out, "--threads", str(threads), "--memory", memory, "--progress", "none", "--quiet"]
    code = subprocess.run(command).returncode
    if code:
        sys.exit(f"{path}: exit code {code}")
    told = json.load(open(os.path.join(out, "run.json")))
    row = {"wall_s": round(time.monotonic() - start, 2), "peak_mib": round(told["peak_memory_bytes"] / 2**20)}
    row.update({name: round(told["pass_seconds"].get(name, 0), 3) for name in ("frame", "annotate")})
    table = os.path.join(out, ".work", "frame", "shards")
    row["table"] = subprocess.run(["b2sum"] + [os.path.join(table, name) for name in os.listdir(table)], stdout=subprocess.PIPE).stdout.split()[0].decode()[:16]
    shutil.rmtree(out)
    return row


def main():
    p = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    p.add_argument("--seimai", required=True)
    p.add_argument("--bench", help="target directory of `cargo bench`: reading alone is measured too")
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--megabytes", type=int, default=1024)
    p.add_argument("--memory-megabytes", type=int, default=2048)
    p.add_argument("--memory-kinds", default="jsonl,frames.jsonl.zst,one.jsonl.zst,jsonl.gz,jsonl.bz2,jsonl.xz,jsonl.lz4,tar.zst,zip,csv,json,warc.gz,html.tar")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--report")
    a = p.parse_args()
    if not os.path.isdir(os.path.join(a.shared, "data", "corpus")):
        sys.exit("skipped: sources needs shared/data/corpus (not found)")
    rows, reading, memory, summary = [], [], [], {}
    with tempfile.TemporaryDirectory() as scratch:
        plain = os.path.join(scratch, "lines.jsonl")
        written = lines(a.shared, plain, a.megabytes)
        kinds = ["frames.jsonl.zst", "one.jsonl.zst", "jsonl.gz", "jsonl"]
        for kind in kinds if a.rounds else []:
            packed = os.path.join(scratch, "packed." + kind)
            pack(plain, kind, packed)
            if a.bench:
                command = ["cargo", "bench", "--bench", "read", "--", packed]
                said = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, "CARGO_TARGET_DIR": a.bench}).stdout
                reading += [json.loads(line) for line in said.splitlines()]
                print(json.dumps(reading[-2:]), flush=True)
            for round_ in range(a.rounds if kind == "frames.jsonl.zst" else 1):
                for threads in (1, 2) if round_ % 2 == 0 else (2, 1):
                    rows.append({"file": kind, "mb": round(written / 1e6), "threads": threads, "round": round_, "load1": os.getloadavg()[0],
                                 **run(a.seimai, packed, scratch, threads)})
                    print(json.dumps(rows[-1]), flush=True)
            os.remove(packed)
        for megabytes in (a.memory_megabytes // 10, a.memory_megabytes) if a.memory_megabytes else ():
            written = lines(a.shared, plain, megabytes)
            for kind in a.memory_kinds.split(","):
                packed = os.path.join(scratch, "packed." + kind)
                pack(plain, kind, packed)
                memory.append({"file": kind, "mb": round(written / 1e6), **read(a.seimai, packed)})
                if kind == "frames.jsonl.zst" and megabytes == a.memory_megabytes:
                    memory[-1]["run_with_512_mib"] = run(a.seimai, packed, scratch, 2, "512MiB")
                print(json.dumps(memory[-1]), flush=True)
                os.remove(packed)
    if a.rounds:
        of = lambda what, threads: statistics.median(row[what] for row in rows if row["file"] == "frames.jsonl.zst" and row["threads"] == threads)
        summary = {f"two_threads_{what}": round(of(what, 1) / of(what, 2), 2) for what in ("frame", "annotate", "wall_s")}
        summary["two_threads_frame_and_annotate"] = round((of("frame", 1) + of("annotate", 1)) / (of("frame", 2) + of("annotate", 2)), 2)
        summary["framing_share_of_frame_and_annotate"] = round(of("frame", 1) / (of("frame", 1) + of("annotate", 1)), 3)
        summary["tables_are_the_same"] = len({row["table"] for row in rows if row["file"] == "frames.jsonl.zst"}) == 1
    summary["peak_mib"] = {kind: [row["peak_mib"] for row in memory if row["file"] == kind] for kind in dict.fromkeys(row["file"] for row in memory)}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"summary": summary, "reading": reading, "rows": rows, "memory": memory}, out, indent=1)
            out.write("\n")


main()
